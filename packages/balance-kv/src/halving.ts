import { philox, seedWords, type KvBlock } from '@sublinear/core'

/** Rows that a halving keeps of a block, each standing for those that left. */
export interface Halved {
  /** Rows of the block, ascending; at least one of a block that has any. */
  readonly kept: Uint32Array
  /** Weights of the kept rows: 2 for one that weighed 1. */
  readonly weights: Float32Array
  /** Steps at which the walk was outside the range that its analysis needs. */
  readonly failures: number
}

/** Halves blocks of tokens; a pure function of (spec, block, scale, draw). */
export interface Halving {
  /** JSON of everything that decides it, its kind first: two with equal specs are the same function. */
  readonly spec: string
  /** Decides its coins, and those of the tree that uses it. */
  readonly seed: bigint
  /**
   * @param block  m tokens, checked by the caller
   * @param scale  factor inside exp
   * @param draw  number of the halving in its stream, which its coins belong to
   */
  halve(block: KvBlock, scale: number, draw: number): Halved
}

const STREAM = 0x62616c // words of Philox that no one else asks for under a seed

/** `count` numbers ≥ 0 and < 1 of a halving. */
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
