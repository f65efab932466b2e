export { clusters, clustersMethod, restoreClusters, type ClustersOptions } from './policies/clusters'
export { farKeys, farKeysMethod, restoreFarKeys } from './policies/far-keys'
export { h2o, h2oMethod, type H2oOptions } from './policies/h2o'
export {
  pyramidCounts,
  pyramidKv,
  pyramidKvMethod,
  type PyramidKvOptions,
  type PyramidOptions,
} from './policies/pyramid-kv'
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
export { scored, type ScoredPolicy, type ScoredTier, type Scoring } from './scored'
export { scoredMethod } from './scored-method'
export {
  builtStack,
  checkStack,
  copyOfStack,
  countsAtRate,
  countsWithin,
  isSized,
  learns,
  leastBytes,
  type Counts,
  type Kept,
  type Stack,
} from './stack'
export { bufferWithin } from './tier-method'
export { restoreTiers, tiers, type Tiers, type TiersOptions } from './tiers'
export type { TokenOptions, TokenTier } from './token-tier'
