import { weight } from './scalar/code-weights'
import type { SoftmaxRows } from './softmax-rows'

/** Keys that are summed before their sums are joined to those of the keys before them: 64 additions in float32 lose at most 4e-6. */
export const SEGMENT = 4096

/**
 * Joins partial softmaxes over more keys than float32 sums should take: each segment of keys is a part of its own, and parts are added in float64.
 *
 * Guarantee: joining loses 1e-16 of a sum. A factor e^x is off by 2e-7, in mass and in sum by the same amount. A row without keys in a part keeps its bits.
 *   Every engine gives the same bits.
 * Cost: 12·(dv + 1) bytes a row, until `end`; two multiply-adds for each entry and segment.
 *
 * @param rows  the softmaxes so far, continued in place
 * @returns `part`: an empty part for the next segment to continue; `join`: adds the part and empties it; `end`: rounds the sums, once
 */
export function joinedSums({ max, mass, sum }: SoftmaxRows): {
  readonly part: SoftmaxRows
  join(): void
  end(): void
} {
  const rows = max.length
  const dv = rows > 0 ? sum.length / rows : 0
  const total = Float64Array.from(sum)
  const part = {
    max: new Float32Array(rows).fill(-Infinity),
    mass: new Float64Array(rows),
    sum: new Float32Array(rows * dv),
  }
  return {
    part,
    join() {
      for (let r = 0; r < rows; r++) {
        if (part.max[r] === -Infinity) continue
        const top = Math.max(max[r], part.max[r])
        const left = max[r] === -Infinity ? 0 : weight(Math.fround(max[r] - top))
        const right = weight(Math.fround(part.max[r] - top))
        max[r] = top
        mass[r] = mass[r] * left + part.mass[r] * right
        for (let i = r * dv, end = i + dv; i < end; i++) total[i] = total[i] * left + part.sum[i] * right
      }
      part.max.fill(-Infinity)
      part.mass.fill(0)
      part.sum.fill(0)
    },
    end: () => sum.set(total),
  }
}
