import { philox, seedWords, type KvBlock } from '@sublinear/core'

/** Rows of a block that a halving keeps; each stands for some that left. */
export interface Halved {
  /** Rows of the block, ascending; at least one of a block that has any. */
  readonly kept: Uint32Array
  /** Weights of the kept rows: 2 where each row weighed 1. */
  readonly weights: Float32Array
  /** Number of steps at which the walk left the range that its analysis needs. */
  readonly failures: number
}

/** A function that halves blocks of tokens; pure in (spec, block, scale, draw). */
export interface Halving {
  /** JSON of everything that decides it, its kind first: two halvings with equal specs are the same function. */
  readonly spec: string
  /** Seed of its coins, and of those of the tree that uses it. */
  readonly seed: bigint
  /**
   * Halves a block.
   *
   * @param block  m tokens, checked by the caller
   * @param scale  factor inside exp
   * @param draw  number of the halving in its stream, which decides its coins
   */
  halve(block: KvBlock, scale: number, draw: number): Halved
}

const STREAM = 0x62616c // words of the Philox counter that no other user of a seed has

/** Draws `count` numbers ≥ 0 and < 1 for a halving. */
export function coins(seed: bigint, draw: number, count: number): Float64Array {
  const [low, high] = seedWords(seed)
  const words = new Uint32Array(4)
  const out = new Float64Array(count)
  for (let i = 0; i < count; i++) {
    if (i % 4 === 0) philox(words, low, high, i >>> 2, draw >>> 0, Math.floor(draw / 2 ** 32), STREAM)
    out[i] = words[i % 4] / 2 ** 32
  }
  return out
}
