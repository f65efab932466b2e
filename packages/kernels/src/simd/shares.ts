import type { Kernels } from '../kernels'
import type { Machine } from '../module'
import type { Staging } from '../staging'

const CHUNK = 65536 // scores that pass through scratch at once, or one row

export function simdAddShares({ inner: wasm, arena }: Machine, staging: Staging): Kernels['addShares'] {
  return (out, { scores, max, mass, bias, rows, cols, scale, causal }) => {
    if (rows === 0 || cols === 0) return
    const scoresAt = staging.floats(scores)
    const biasAt = bias ? staging.floats(bias) : 0
    const most = Math.min(rows, Math.max(1, Math.floor(CHUNK / cols)))
    const padded = (cols + 3) & -4
    const sums = staging.region(8 * padded + 4 * (padded + 3 * most + (scoresAt ? 0 : most * cols)))
    const stagedBias = sums + 8 * padded
    const maxima = stagedBias + 4 * padded
    const factors = maxima + 4 * most
    const limits = factors + 4 * most
    const staged = limits + 4 * most
    arena.f64.set(out, sums / 8)
    if (bias && !biasAt) staging.in(stagedBias, bias, 0, cols)
    for (let first = 0; first < rows; first += most) {
      const part = Math.min(most, rows - first)
      if (!scoresAt) staging.in(staged, scores, first * cols, part * cols)
      for (let i = 0, r = first; i < part; i++, r++) {
        arena.f32[(maxima >>> 2) + i] = max[r]
        arena.f32[(factors >>> 2) + i] = mass[r] > 0 ? 1 / mass[r] : 0
        const seen = causal ? Math.max(0, Math.min(cols, causal.visible + Math.floor(r / causal.groups))) : cols
        arena.u32[(limits >>> 2) + i] = seen
      }
      const from = scoresAt ? scoresAt + 4 * first * cols : staged
      wasm.addShares(sums, from, cols, scale, bias ? biasAt || stagedBias : 0, maxima, factors, limits, part)
    }
    out.set(arena.f64.subarray(sums / 8, sums / 8 + cols))
  }
}
