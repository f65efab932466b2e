export { anisotropicMethod, openFeatureStream, taylorMethod, type FeatureOptions } from './feature-methods'
export {
  featureStream,
  featureStreamBytes,
  restoreFeatureStream,
  type FeatureStream,
  type FeatureStreamOptions,
} from './feature-stream'
export {
  closureMethod,
  closureStream,
  restoreClosureStream,
  type ClosureStream,
  type ClosureStreamOptions,
} from './closure-stream'
export {
  firstOrderMethod,
  firstOrderStream,
  restoreFirstOrderStream,
  type FirstOrderStream,
  type FirstOrderStreamOptions,
} from './first-order-stream'
export { meanMethod, meanStream, restoreMeanStream, type MeanStream, type MeanStreamOptions } from './mean-stream'
export { onePass, restoreOnePass, type OnePass, type OnePassOptions } from './one-pass'
export { polynomialAttention, type PolynomialAttention } from './polynomial-attention'
export { querySketch, restoreQuerySketch, type QuerySketch, type QuerySketchOptions } from './query-sketch'
export type { Moments } from './feature-state'
export type { Totals } from './inverse-rows'
