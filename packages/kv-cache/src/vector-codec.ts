import { fromBrain, toBrain } from '@sublinear/core'
import { codebook } from './codebook'

/** Vectors as rows of codes: a step in bfloat16 and a code of `bits` bits an entry, as the kernels' `PackedRows` have them. */
export interface VectorCodec {
  readonly bits: number
  /** Bytes a vector. */
  readonly bytes: number
  /** Puts the row of codes of x to out[at …]. */
  encode(x: Float64Array, out: Uint8Array, at: number): void
  /** Whether the row's step is one that encode could have written for entries of at most `largest`. */
  isSound(row: Uint8Array, at: number, largest: number): boolean
}

/**
 * The codec of vectors of `width` entries in `bits` bits each.
 * Source: scalar quantisation after a random rotation (as in QuIP# and TurboQuant). Deviation: levels by a cubic (see codebook), and
 *   a step of each vector's own, the one of eight with the least squared error.
 *
 * @param width  ≥ 1; bits  2 … 8
 * Guarantee: the squared error is the least of eight steps, each entry at its nearest level; the zero vector stays zero.
 * Cost: 2 + ⌈width·bits/8⌉ bytes; eight roundings an entry.
 */
export function vectorCodec({ width, bits }: { width: number; bits: number }): VectorCodec {
  const { levels, nearest, trials } = codebook(bits)
  const size = levels.length
  const top = levels[size - 1]!

  const wanted = new Float32Array(trials.length)
  let magnitudes = new Float64Array(0) // of `width` from the first vector on: a snapshot without tokens can name any width

  /** The squared error with this step, or some number of at least `enough` where it is no less. */
  const errorOf = (magnitudes: Float64Array, step: number, enough: number): number => {
    let error = 0
    for (let i = 0; i < width && error < enough; i++) {
      const gap = magnitudes[i]! - levels[nearest(magnitudes[i]! / step)]! * step
      error += gap * gap
    }
    return error
  }

  return {
    bits,
    bytes: 2 + Math.ceil((width * bits) / 8),
    encode(x, out, at) {
      if (magnitudes.length < width) magnitudes = new Float64Array(width)
      let largest = 0
      for (let i = 0; i < width; i++) {
        magnitudes[i] = Math.abs(x[i]!)
        if (magnitudes[i]! > largest) largest = magnitudes[i]!
      }
      for (let t = 0; t < trials.length; t++) wanted[t] = (trials[t]! * largest) / top
      const words = toBrain(wanted)
      const steps = fromBrain(words)
      let best = 0
      let least = Infinity
      for (let t = 0; t < steps.length; t++) {
        if (steps[t] === 0) continue
        const error = errorOf(magnitudes, steps[t]!, least)
        if (error >= least) continue
        least = error
        best = t
      }
      const step = steps[best]!
      out[at] = words[best]! & 255
      out[at + 1] = words[best]! >> 8
      let waiting = 0 // bits that do not fill a byte yet
      let filled = 0
      let to = at + 2
      for (let i = 0; i < width; i++) {
        const m = step > 0 ? nearest(magnitudes[i]! / step) : 0
        waiting |= (x[i]! < 0 ? size - 1 - m : size + m) << filled
        filled += bits
        for (; filled >= 8; filled -= 8, waiting >>= 8) out[to++] = waiting & 255
      }
      if (filled > 0) out[to] = waiting
    },
    isSound(row, at, largest) {
      const step = fromBrain(Uint16Array.of(row[at]! | (row[at + 1]! << 8)))[0]!
      return step >= 0 && step * top <= largest * (1 + 2 ** -7)
    },
  }
}
