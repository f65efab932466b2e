export { adaKvCounts, type AdaOptions } from './policies/ada-kv'
export { clusters, clustersMethod, restoreClusters } from './policies/clusters'
export { cur, curMethod, type CurOptions } from './policies/cur'
export { checkCrowd } from './crowding'
export { checkAge } from './policies/fading'
export { farKeys, farKeysMethod, restoreFarKeys, type FarKeysOptions } from './policies/far-keys'
export { h2o, h2oMethod, type H2oOptions } from './policies/h2o'
export { keyDiff, keyDiffMethod } from './policies/key-diff'
export { keyNorm, keyNormMethod } from './policies/key-norm'
export { lagKv, lagKvMethod, type LagKvOptions } from './policies/lag-kv'
export { misfit, misfitMethod } from './policies/misfit'
export { observedAttention, observedAttentionMethod } from './policies/observed-attention'
export {
  pyramidCounts,
  pyramidKv,
  pyramidKvMethod,
  type PyramidKvOptions,
  type PyramidOptions,
} from './policies/pyramid-kv'
export {
  entropyCoded,
  entropyCodedMethod,
  restoreEntropyCoded,
  type EntropyCoded,
  type EntropyCodedOptions,
} from './policies/entropy-coded'
export {
  quantisedMethod,
  quantisedStream,
  restoreQuantisedStream,
  type QuantisedStreamOptions,
} from './policies/quantised-stream'
export { reservoir, reservoirMethod, restoreReservoir, type ReservoirOptions } from './policies/reservoir'
export { restoreSinks, sinks, sinksMethod } from './policies/sinks'
export { snapKv, snapKvMethod, type Pool, type SnapKvOptions } from './policies/snap-kv'
export {
  restoreStreamingLlm,
  streamingLlm,
  streamingLlmMethod,
  type StreamingLlmOptions,
} from './policies/streaming-llm'
export { tova, tovaMethod } from './policies/tova'
export { restoreWindow, window, windowMethod } from './policies/window'
export type { Metric } from './metric/metric'
export { queryMetric, type QueryMetricOptions } from './metric/query-metric'
export { measured, restoreMeasured, type MeasuredOptions, type MeasuredStream } from './measured'
export { measuredMethod, type MeasuredMethod, type MeasuredMethodOptions } from './measured-method'
export { scored, type ScoredTier } from './scored'
export type { ScorePolicy, Scoring } from './scoring'
export { scoredMethod } from './scored-method'
export { autoMethod, type AutoMethodOptions } from './stack/auto-method'
export {
  autoStream,
  restoreAutoStream,
  type AutoOptions,
  type AutoStream,
  type AutoStreamOptions,
} from './stack/auto-stream'
export { checkStack } from './stack/check-stack'
export {
  builtStack,
  copyOfStack,
  countsAtRate,
  countsWithin,
  isSized,
  learns,
  leastBytes,
  type Counts,
  type Kept,
  type Stack,
} from './stack/stack'
export { bufferAtRate, bufferWithin } from './tier-method'
export { restoreTiers, tiers, type Tiers, type TiersOptions } from './tiers'
export type { TokenOptions } from './token-options'
export type { TokenTier } from './token-tier'
