import type { Kernels } from '../kernels'
import type { Machine } from '../module'
import { rangeOf } from '../resident'
import type { Staging } from '../staging'

const CHUNK = 65536 // scores at once, or those of one row

/** Scores have a scratch of their own: the product uses the one that is shared. */
export function simdAddShares(
  { wasm, arena }: Machine,
  staging: Staging,
  product: Kernels['product'],
): Kernels['addShares'] {
  let scores = arena.floats(0)

  return (out, { queries, keys, max, mass, bias, rows, d, cols, scale, causal }) => {
    if (rows === 0 || cols === 0) return
    const most = Math.min(rows, Math.max(1, Math.floor(CHUNK / cols)))
    if (scores.length < most * cols + 4) {
      scores[Symbol.dispose]()
      scores = arena.floats(Math.max(CHUNK, cols) + 4)
    }
    const padded = (cols + 3) & -4
    for (let first = 0; first < rows; first += most) {
      const part = Math.min(most, rows - first)
      const asked = rangeOf(queries, first * d, part * d)
      if (part === 1) product('nt', scores, keys, asked, cols, d, 1)
      else product('nt', scores, asked, keys, part, d, cols)

      const sums = staging.region(8 * padded + 4 * (padded + 3 * part))
      const biases = sums + 8 * padded
      const maxima = biases + 4 * padded
      const factors = maxima + 4 * part
      const limits = factors + 4 * part
      staging.doublesIn(sums, out, 0, cols)
      const biasAt = bias && (staging.floats(bias) || biases)
      if (biasAt === biases) staging.in(biases, bias!, 0, cols)
      for (let i = 0, r = first; i < part; i++, r++) {
        arena.f32[(maxima >>> 2) + i] = max[r]
        arena.f32[(factors >>> 2) + i] = mass[r] > 0 ? 1 / mass[r] : 0
        const seen = causal ? Math.max(0, Math.min(cols, causal.visible + Math.floor(r / causal.groups))) : cols
        arena.u32[(limits >>> 2) + i] = seen
      }
      wasm.addShares({
        out: sums,
        scores: staging.floats(scores),
        cols,
        scale,
        bias: biasAt ?? 0,
        max: maxima,
        factors,
        limits,
        rows: part,
      })
      staging.doublesOut(out, 0, sums, cols)
    }
  }
}
