import { fromBrain } from '@sublinear/core'
import { kernels, type PackedRows } from '@sublinear/kernels'

/** How many steps are tried for a vector, the largest first. */
const TRIALS = 8

/** Vectors as rows of codes: a step in bfloat16 and a code of `bits` bits an entry, as the kernels' `PackedRows` have them. */
export interface VectorCodec {
  readonly bits: number
  /** Bytes a vector. */
  readonly bytes: number
  /** Puts the codes of rows of x to the rows first … of packed. */
  encode(x: Float64Array, packed: PackedRows, first: number, rows: number): void
  /** Whether the row's step is one that encode could have written for entries of at most `largest`. */
  isSound(row: Uint8Array, at: number, largest: number): boolean
}

/**
 * The codec of vectors of `width` entries in `bits` bits each.
 * Source: scalar quantisation after a random rotation (as in QuIP# and TurboQuant). Deviation: levels closer in the middle, by a cubic
 *   (PackedRows of the kernels), and a step of each vector's own, the one of eight with the least squared error. For Gaussian entries the
 *   squared error is at most 2.2 % above that of Lloyd and Max's levels, and 10 to 25 % below that of even ones, each with the best of
 *   eight steps (3 to 6 bits, 32 and 128 entries: the experiment `codebook`).
 *
 * @param width  ≥ 1; bits  2 … 8
 * Guarantee: the squared error is the least of eight steps, each entry at its nearest level; the zero vector stays zero.
 * Cost: 2 + ⌈width·bits/8⌉ bytes; eight roundings an entry.
 */
export function vectorCodec({ width, bits }: { width: number; bits: number }): VectorCodec {
  const u = (2 ** bits - 1) / 2
  const top = u * (1 + (2 * u * u) / 4 ** bits)
  const least = bits === 2 ? 0.5 : bits === 3 ? 0.6 : bits === 4 ? 0.75 : 0.88
  const trials = Float64Array.from({ length: TRIALS }, (_, i) => 1 - ((1 - least) * i) / (TRIALS - 1))
  return {
    bits,
    bytes: 2 + Math.ceil((width * bits) / 8),
    encode: (x, packed, first, rows) => kernels().pack(packed, first, x, rows, width, trials),
    isSound(row, at, largest) {
      const step = fromBrain(Uint16Array.of(row[at] | (row[at + 1] << 8)))[0]
      return step >= 0 && step * top <= largest * (1 + 2 ** -7)
    },
  }
}
