export { attentionStreamLaws, type AttentionStreamLaws } from './attention-stream-laws'
export { featureMapLaws, type FeatureMapLaws } from './feature-map-laws'
export type { Law } from './law'
