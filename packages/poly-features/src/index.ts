export { featureDimension } from './feature-dimension'
export { restoreFeatures } from './restore-features'
export { taylorFeatures, taylorRadius, type TaylorFeatures } from './taylor-features'
