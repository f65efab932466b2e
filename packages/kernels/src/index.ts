// The compiled parts come first in what a page loads: between other modules their 90 kB would keep gzip from matching the text before with the text behind.
export { simdKernels } from './simd'
export type { AttentionBlock, AttentionKernels, ShareBlock } from './attention-kernels'
export type { Doubles, Floats, Kernels, ProductForm, Resident } from './kernels'
export type { CodedAttention, CodedShares, CodeKernels, PackedRows } from './code-kernels'
export type { FeatureKernels } from './feature-kernels'
export type { SketchKernels } from './sketch-kernels'
export { scalarKernels } from './scalar'
export { scalarAttentionKernels } from './scalar-attention'
export { scalarCodeKernels } from './scalar-codes'
export { scalarFeatureKernels } from './scalar-features'
export { scalarSketchKernels } from './scalar-sketches'
export { simdAttentionKernels } from './simd-attention'
export { simdCodeKernels } from './simd-codes'
export { simdFeatureKernels } from './simd-features'
export { simdSketchKernels } from './simd-sketches'
export {
  attentionKernels,
  codeKernels,
  featureKernels,
  kernels,
  kernelsInUse,
  sketchKernels,
  useKernels,
} from './choose'
export { brandOf, isFloat32, isFloat64, isUint32, isUint8 } from './brand'
export { installDispose, isResident, rangeOf } from './resident'
export { peakProbe } from './peak'
export { scratch } from './scratch'
export { philox } from './philox'
export { joinedSums, SEGMENT } from './joined-sums'
export type { SoftmaxRows } from './softmax-rows'
