export { balanceKv, balanceKvMethod, type BalanceKv, type BalanceKvBudget, type BalanceKvOptions } from './balance-kv'
export type { Halved, Halving } from './halving'
export { halvingCache, type HalvingCacheOptions } from './halving-cache'
export {
  mergeReduce,
  mergeReduceBytes,
  mergeReduceMethod,
  type MergeReduceSizes,
  restoreMergeReduce,
  type MergeReduce,
  type MergeReduceOptions,
} from './merge-reduce'
export { restoreBalanceKv, type OctaveStream } from './octave-stream'
export { restoreHalving } from './restore-halving'
export {
  balanceKvLeast,
  balanceKvReach,
  balanceKvSize,
  type BalanceKvReach,
  type BalanceKvSize,
  type BalanceKvSizeOptions,
} from './sizes'
export { softmaxBalance, type SoftmaxBalanceOptions } from './softmax-balance'
export { uniformHalving } from './uniform-halving'
export {
  momentCoreset,
  momentCoresetMethod,
  restoreMomentCoreset,
  type MomentCoreset,
  type MomentCoresetOptions,
} from './moment-coreset'
