export { featureStream, restoreFeatureStream, type FeatureStream, type FeatureStreamOptions } from './feature-stream'
export { closureStream, restoreClosureStream, type ClosureStream, type ClosureStreamOptions } from './closure-stream'
