import { codeKernels, type PackedRows } from '@sublinear/kernels'
import type { Rotation } from './rotation'

/** Number of steps that are tried for a vector and a shift, the largest first: with many bits it is hardly worth clipping an end. */
const trialsOf = (bits: number) => (bits < 7 ? 8 : 4)
/** The smallest step that is tried, as a share of the largest, by bits. */
const LEAST = [0.5, 0.6, 0.75, 0.82, 0.88, 0.9, 0.92]
/** Largest shift of the levels, as a share of the range between the lowest and the highest. */
const MOVED = 7 / 64

/** Vectors as rows of codes: a header of two bytes and a code of `bits` bits an entry, as the kernels' `PackedRows` have them. */
export interface VectorCodec {
  readonly bits: number
  /** Bytes a vector. */
  readonly bytes: number
  /** Puts the codes of rows of x, less the centre and turned, to the rows first … of packed. */
  encode(x: Float32Array, packed: PackedRows, first: number, rows: number, centre: Float32Array, turn: Rotation): void
  /** Whether the row's step is one that encode could have written for entries of at most `largest`. */
  isSound(row: Uint8Array, at: number, largest: number): boolean
}

/**
 * Makes a codec of vectors of `width` entries in `bits` bits each.
 * Source: scalar quantisation after a random rotation (as in QuIP# and TurboQuant). Deviation: each vector has its own step, and a shift of the evenly
 *   spaced levels, so that both ends of the vector lie at ends of the levels: the best of 24 pairs, of 12 from 7 bits on. Integer products need evenly spaced
 *   levels. The shift, in bits that the step does not need, makes up for levels that would stand closer in the middle: at 32 entries squared errors are 0 to
 *   13 % below those of such levels, at 64 entries from 7 % below to 7 % above, at 128 up to 16 % above.
 *
 * Guarantee: of the pairs tried the one with the least squared error, each entry at its nearest level; the zero vector stays zero.
 * Cost: 2 + ⌈width·bits/8⌉ bytes; 24 or 12 roundings an entry, four at once.
 *
 * @param width  ≥ 1; bits  2 … 8
 */
export function vectorCodec({ width, bits }: { width: number; bits: number }): VectorCodec {
  const top = (2 ** bits - 1) / 2 - MOVED * 2 ** bits
  const least = LEAST[bits - 2]
  const count = trialsOf(bits)
  const trials = Float64Array.from({ length: count }, (_, i) => 1 - ((1 - least) * i) / (count - 1))
  return {
    bits,
    bytes: 2 + Math.ceil((width * bits) / 8),
    encode: (x, packed, first, rows, centre, { signs }) =>
      codeKernels().packTurned(packed, first, x, rows, width, trials, centre, signs),
    isSound(row, at, largest) {
      const word = Uint32Array.of((row[at] | (row[at + 1] << 8)) << 15)
      const step = new Float32Array(Uint32Array.of(word[0] & 0xfffc0000).buffer)[0]
      return step >= 0 && step * top <= largest * (1 + 2 ** -5)
    },
  }
}
