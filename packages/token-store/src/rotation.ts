import { checkInteger, philox, seedWords } from '@sublinear/core'
import { codeKernels } from '@sublinear/kernels'

const STREAM = 0x6b760000

/** A random orthogonal map of vectors. */
export interface Rotation {
  readonly width: number
  /** Turns every row of x, in place. */
  turn(x: Float64Array): void
  turnBack(x: Float64Array): void
  /** Signs of the kernels' turn. */
  readonly signs: Int8Array
}

/**
 * Makes a randomized Hadamard transform: it spreads every vector evenly over its coordinates, so that one codebook fits all of them.
 * Source: Ailon and Chazelle (2006). Deviation: where `width` is no power of two, the first p coordinates (p the largest power of two
 *   below) are signed and transformed, then, signed anew, the last p: orthogonal, without padding.
 *
 * Guarantee: lengths and angles are kept; the same bits on every engine.
 * Cost: width·log₂ width additions a vector, twice that where width is no power of two. Up to 2·width bytes.
 *
 * @param width  entries of a vector, ≥ 1; seed  64 bits; index  number of the rotation among those of the seed
 */
export function rotation({ width, seed, index }: { width: number; seed: bigint; index: number }): Rotation {
  checkInteger('rotation', 'width', width, 1)
  const p = 2 ** Math.floor(Math.log2(width))
  const factors = new Int8Array(p < width ? 2 * p : p)
  factors.set(signs(p, seed, 2 * index))
  if (p < width) factors.set(signs(p, seed, 2 * index + 1), p)
  return {
    width,
    signs: factors,
    turn: (x) => codeKernels().turn(x, factors, x.length / width, width),
    turnBack: (x) => codeKernels().turn(x, factors, x.length / width, width, true),
  }
}

/** Signs ±1, a bit of Philox each. */
function signs(count: number, seed: bigint, index: number): Int8Array {
  const [low, high] = seedWords(seed)
  const words = new Uint32Array(4)
  const out = new Int8Array(count)
  for (let i = 0; i < count; i++) {
    if (i % 128 === 0) philox(words, low, high, i / 128, index, 0, STREAM)
    out[i] = (words[(i % 128) >> 5] >>> (i & 31)) & 1 ? -1 : 1
  }
  return out
}
