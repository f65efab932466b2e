export type { AttentionBlock, Doubles, Floats, Kernels, ProductForm, Resident } from './kernels'
export { scalarKernels } from './scalar'
export { kernels } from './choose'
