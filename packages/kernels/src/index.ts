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
export { kernels, useKernels } from './choose'
export { brandOf, isFloat32, isFloat64, isUint32, isUint8 } from './brand'
export { installDispose, isResident, rangeOf } from './resident'
export { peakProbe } from './peak'
export { scratch } from './scratch'
export { philox } from './philox'
export { joinedSums, SEGMENT, type SoftmaxRows } from './joined-sums'
