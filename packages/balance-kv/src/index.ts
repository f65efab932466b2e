export { balanceKv, type BalanceKv, type BalanceKvOptions } from './balance-kv'
export type { Halved, Halving } from './halving'
export { halvingCache, type HalvingCacheOptions } from './halving-cache'
export {
  mergeReduce,
  mergeReduceBytes,
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
