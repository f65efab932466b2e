import { checkInteger, philox, seedWords } from '@sublinear/core'

const STREAM = 0x6b760000

/** A random orthogonal map of vectors, in place. */
export interface Rotation {
  readonly width: number
  turn(x: Float64Array): void
  turnBack(x: Float64Array): void
}

/**
 * The randomized Hadamard transform: it spreads every vector evenly over its coordinates, so that one codebook fits all of them.
 * Source: Ailon and Chazelle (2006). Deviation: where `width` is no power of two, the first p coordinates (p the largest power of two
 *   below) are signed and transformed, then, signed anew, the last p: orthogonal, without padding.
 *
 * @param width  ≥ 1; seed  64 bits; index  which rotation of the seed
 * Guarantee: lengths and angles are kept; the same bits on every engine.
 * Cost: width·log₂ width additions a vector, twice that where width is no power of two. Up to 2·width bytes.
 */
export function rotation({ width, seed, index }: { width: number; seed: bigint; index: number }): Rotation {
  checkInteger('rotation', 'width', width, 1)
  const p = 2 ** Math.floor(Math.log2(width))
  const first = signs(p, seed, 2 * index)
  const last = p < width ? signs(p, seed, 2 * index + 1) : undefined
  return {
    width,
    turn(x) {
      flip(x, 0, first)
      hadamard(x, 0, p)
      if (!last) return
      flip(x, width - p, last)
      hadamard(x, width - p, p)
    },
    turnBack(x) {
      if (last) {
        hadamard(x, width - p, p)
        flip(x, width - p, last)
      }
      hadamard(x, 0, p)
      flip(x, 0, first)
    },
  }
}

function flip(x: Float64Array, at: number, signs: Int8Array): void {
  for (let i = 0; i < signs.length; i++) x[at + i]! *= signs[i]!
}

/** Entries at … at + p − 1 times the Hadamard matrix over √p: its own inverse. */
function hadamard(x: Float64Array, at: number, p: number): void {
  const end = at + p
  for (let half = 1; half < p; half *= 2) {
    for (let from = at; from < end; from += 2 * half) {
      for (let i = from; i < from + half; i++) {
        const a = x[i]!
        const b = x[i + half]!
        x[i] = a + b
        x[i + half] = a - b
      }
    }
  }
  const unit = 1 / Math.sqrt(p)
  for (let i = at; i < end; i++) x[i]! *= unit
}

/** ±1, a bit of Philox each. */
function signs(count: number, seed: bigint, index: number): Int8Array {
  const [low, high] = seedWords(seed)
  const words = new Uint32Array(4)
  const out = new Int8Array(count)
  for (let i = 0; i < count; i++) {
    if (i % 128 === 0) philox(words, low, high, i / 128, index, 0, STREAM)
    out[i] = (words[(i % 128) >> 5]! >>> (i & 31)) & 1 ? -1 : 1
  }
  return out
}
