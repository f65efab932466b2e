import { checkInteger, checkObject, type Shape } from '@sublinear/core'
import { cacheSizes } from './cache-sizes'
import type { Halving } from './halving'
import { mergeReduce, type MergeReduce } from './merge-reduce'

export interface HalvingCacheOptions {
  /** Number of tokens that halvings aim at, a quarter of those held. */
  readonly target: number
  readonly halving: Halving
}

/**
 * Makes a causal cache of any halving: exact while n ≤ 4·target, then at most 4·target + 1 tokens for any n. The stream can be the last part of `tiers`.
 * Source: after *Express* (Gong, Carrell, Dwivedi and Mackey 2026), of which only the abstract was at hand: the same promise, kept by
 *   `mergeReduce` with a capacity of 4·target.
 *
 * Guarantee: that of mergeReduce.
 * Cost: 16·(d + dv + 2) bytes for each of `target`, and one token more; blocks of min(256, target) tokens are halved.
 *
 * @param target  a quarter of the tokens held, ≥ 2; halving  the halving of a block
 * @throws TypeError, RangeError when target is no integer ≥ 2
 * @example
 * const stream = halvingCache({ target: 32, halving: uniformHalving({ seed: 1 }) })({ d: 2, dv: 2, scale: 1 })
 * stream.push({ keys: matrix(100, 2), values: matrix(100, 2) })
 * console.log(stream.tokens, stream.bytes) // 100 2157
 */
export function halvingCache(options: HalvingCacheOptions): (shape: Shape) => MergeReduce {
  const { target, halving } = checkObject('halvingCache', options)
  checkInteger('halvingCache', 'target', target, 2)
  return (shape) => mergeReduce({ ...shape, ...cacheSizes(4 * target), halving })
}
