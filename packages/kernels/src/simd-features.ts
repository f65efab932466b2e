import type { FeatureKernels } from './feature-kernels'
import { featureMachine, staging } from './module'
import { simdDotColumns, simdMonomialTable, simdRowSums } from './simd/feature-sums'

let made: FeatureKernels | undefined

/** The kernels of streams of features in WebAssembly SIMD, compiled at the first call. @throws CompileError as simdKernels does */
export function simdFeatureKernels(): FeatureKernels {
  if (!made) {
    const machine = featureMachine()
    const scratch = staging()
    made = {
      name: 'simd',
      monomialTable: simdMonomialTable(machine, scratch),
      dotColumns: simdDotColumns(machine, scratch),
      rowSums: simdRowSums(machine, scratch),
    }
  }
  return made
}
