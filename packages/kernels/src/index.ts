export type {
  AttentionBlock,
  CodedAttention,
  Doubles,
  Floats,
  Kernels,
  PackedRows,
  ProductForm,
  Resident,
  ShareBlock,
} from './kernels'
export { scalarKernels } from './scalar'
export { simdKernels } from './simd'
export { kernels } from './choose'
export { installDispose, isResident, rangeOf } from './resident'
export { peakProbe } from './peak'
export { scratch } from './scratch'
export { philox } from './philox'
