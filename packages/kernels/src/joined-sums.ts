import { weight } from './scalar/code-weights'
import type { SoftmaxRows } from './softmax-rows'

/** Keys that a softmax takes in before its sums are joined to those of the keys before: 64 additions in float32 lose 4e-6 at most. */
export const SEGMENT = 4096

/**
 * Partial softmaxes over more keys than sums in float32 should take: each segment of keys begins a part of its own, and parts are added in float64.
 *
 * Guarantee: joining loses 1e-16 of a sum; a factor e^x is off by 2e-7, and by the same in mass and sum. A row without keys in a part keeps its bits.
 *   The same bits on every engine.
 * Cost: 12·(dv + 1) bytes a row while it lasts; two multiply-adds an entry and segment.
 *
 * @param rows  the softmaxes so far, continued in place
 * @returns part: empty, for the next segment to continue; join: adds it and empties it; end: rounds the sums, once
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
