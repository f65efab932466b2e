import type { FeatureKernels } from './feature-kernels'
import { dotColumns, monomialTable, rowSums } from './scalar/feature-sums'

/** The kernels of streams of features in plain JavaScript. */
export const scalarFeatureKernels: FeatureKernels = { name: 'scalar', monomialTable, dotColumns, rowSums }
