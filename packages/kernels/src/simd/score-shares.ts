import type { ShareBlock } from '../attention-kernels'
import type { Resident } from '../kernels'
import type { Machine } from '../module'
import { residentOffset } from '../resident'
import type { Staging } from '../staging'

/** Keys whose shares are added at a time. */
const KEYS = 2048

/** Query rows with their scores of some keys: rows × scoreRow. */
export interface ScoredRows extends Pick<ShareBlock, 'max' | 'mass' | 'rows' | 'cols' | 'bias'> {
  readonly scores: Resident<Float32Array>
  readonly scoreRow: number
  /** How many of the keys a row sees. */
  seen(row: number): number
}

/** Adds the shares that scores stand for: a weight and a sum each, row by row, and no product. */
export function simdScoreShares({ wasm }: Machine, staging: Staging) {
  return (out: Float64Array, { scores, scoreRow, max, mass, rows, cols, bias, seen: seenOf }: ScoredRows): void => {
    const from = residentOffset('simd', scores, 4)
    const sums = staging.region(8 * KEYS + 64 + (bias ? 4 * KEYS : 0))
    for (let first = 0; first < cols; first += KEYS) {
      const count = Math.min(KEYS, cols - first)
      const add = bias ? staging.piece(bias, first, count, sums + 8 * KEYS + 64) : 0
      staging.doublesIn(sums, out, first, count)
      for (let r = 0; r < rows; r++) {
        const seen = Math.min(count, seenOf(r) - first)
        if (seen <= 0 || !(mass[r] > 0)) continue
        const at = from + 4 * (r * scoreRow + first)
        wasm.addWeights({ out: sums, scores: at, bias: add, count: seen, max: max[r], factor: 1 / mass[r] })
      }
      staging.doublesOut(out, first, sums, count)
    }
  }
}
