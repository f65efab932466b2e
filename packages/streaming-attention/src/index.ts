export { featureStream, restoreFeatureStream, type FeatureStream, type FeatureStreamOptions } from './feature-stream'
