import { checkInteger, type Shape } from '@sublinear/core'
import type { Halving } from './halving'
import { mergeReduce, type MergeReduce } from './merge-reduce'

/** Longer blocks balance no better for what their kernel costs. */
const MOST_BLOCK = 256
const LEVELS = 3

export interface HalvingCacheOptions {
  /** A quarter of the tokens held. */
  readonly target: number
  readonly halving: Halving
}

/**
 * Any halving as a causal cache: exact while n ≤ 4·target, then at most 4·target tokens and one for any n. A stream for the last part of `tiers`.
 * Source: after *Express* (Gong, Carrell, Dwivedi and Mackey 2026), of which only the abstract was at hand: the same promise, kept by
 *   `mergeReduce` with a capacity of 4·target.
 *
 * @param target  ≥ 2; halving  what halves a block
 * @throws TypeError, RangeError when target is no integer ≥ 2
 * Guarantee: as mergeReduce's.
 * Cost: 16·(d + dv + 2) bytes for each of `target`, and one token more; blocks of min(256, target) are halved.
 */
export function halvingCache({ target, halving }: HalvingCacheOptions): (shape: Shape) => MergeReduce {
  checkInteger('halvingCache', 'target', target, 2)
  return (shape) => mergeReduce({ ...shape, ...cacheSizes(4 * target), halving })
}

/** Block, levels and capacity for so many tokens. Blocks of an 8th, 16th and 32nd of the tokens, and more levels, were no better. */
export function cacheSizes(capacity: number): {
  readonly blockSize: number
  readonly levels: number
  readonly capacity: number
} {
  return { blockSize: Math.min(MOST_BLOCK, Math.floor(capacity / (LEVELS + 1))), levels: LEVELS, capacity }
}
