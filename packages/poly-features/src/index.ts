export { featureDimension } from './feature-dimension'
export { restoreFeatures } from './restore-features'
export { MOST_DEGREE, taylorFeatures, taylorRadius, type TaylorFeatures } from './taylor-features'
