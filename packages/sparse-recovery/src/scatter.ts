import { digitHash } from './hash-digits'

/** A random permutation of 0 … columns · lines − 1. */
export interface Scatter {
  readonly bytes: number
  /** Writes the position of keys[c] to out[c]. */
  positions(keys: Float64Array, out: Float64Array): void
  /** Writes the key that is at positions[c] to out[c]. */
  keys(positions: Float64Array, out: Float64Array): void
}

/**
 * Makes a permutation of a columns × lines rectangle that separates neighbours: four rounds, each shifting one coordinate by a 4-wise
 * independent function of the other, x += E(y), y += G(x), x += F(y), y += H(x).
 * Source: Luby and Rackoff, 1988; Naor and Reingold, 1999. Not from the papers.
 *
 * Guarantee: any two keys i ≠ j come into one of W equal intervals of positions (a node of a tree) with probability at most
 *   (1 + O(1/a))/W + O(1/a²), a = columns ≥ b = lines.
 * Proof. E makes their x differ, except with probability 1/a (if they share a line, they differ already). G then gives them different y, except with
 *   probability 1/b; where x was equal, y stays different. F makes their x independent and uniform wherever y differs, so equal with probability 1/a. H does
 *   the same to y wherever x differs. So both positions are independent and uniform, which is 1/W, unless (1) y was equal after G, 1/b, and H still
 * gives independent y: at
 *   most 1/b times the larger of 1/W and 1/b; or (2) x is equal after F, 1/a: then y differs by what G gave it, uniform, in one interval with 2/W at most,
 *   unless x was equal after E too, 1/a².
 * Cost: four hashes a key, 60 ns; 128 bytes.
 */
export function scatter({
  columns,
  lines,
  seed,
  stream,
}: {
  columns: number
  lines: number
  seed: bigint
  stream: number
}): Scatter {
  const rounds = [0, 1, 2, 3].map((r) => digitHash(seed, stream + r))
  let x = new Float64Array(64)
  let y = new Float64Array(64)

  /** Shifts one coordinate by the hash of the other: by ⌊top 32 bits · size/2³²⌋. */
  const shift = (round: number, count: number, by: 1 | -1) => {
    const [moved, fixed, size] = round % 2 === 0 ? [x, y, columns] : [y, x, lines]
    const words = rounds[round].hash(fixed.subarray(0, count))
    const unit = size / 2 ** 32
    for (let c = 0; c < count; c++) {
      const top = ((words[2 * c + 1] << 3) | (words[2 * c] >>> 29)) >>> 0
      let to = (moved[c] + by * ((top * unit) | 0)) | 0 // size ≤ 2^16
      to += size & (to >> 31) // wraps around the end without a branch, half of which a processor would guess wrong
      moved[c] = to - (size & ~((to - size) >> 31))
    }
  }
  const pass = (from: Float64Array, out: Float64Array, order: readonly number[], by: 1 | -1) => {
    const count = from.length
    if (x.length < count) [x, y] = [new Float64Array(count), new Float64Array(count)]
    for (let c = 0; c < count; c++) {
      const line = Math.floor(from[c] / columns)
      y[c] = line
      x[c] = from[c] - line * columns
    }
    for (const round of order) shift(round, count, by)
    for (let c = 0; c < count; c++) out[c] = y[c] * columns + x[c]
  }
  return {
    bytes: rounds.reduce((sum, { bytes }) => sum + bytes, 0),
    positions: (keys, out) => pass(keys, out, [0, 1, 2, 3], 1),
    keys: (positions, out) => pass(positions, out, [3, 2, 1, 0], -1),
  }
}
