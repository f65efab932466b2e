import type { PartialSoftmax } from './contracts'
import { perRow } from './head'

/** Adds a logit without a value to every row of a partial, in place. */
export function addSink({ max, mass, sum }: PartialSoftmax, sinkLogit: number | readonly number[]): void {
  const { cols, data } = sum
  for (let r = 0; r < max.length; r++) {
    const sink = perRow(sinkLogit, r)
    const before = max[r]
    max[r] = Math.max(before, sink)
    const factor = before === -Infinity ? 0 : Math.exp(before - max[r])
    mass[r] = mass[r] * factor + Math.exp(sink - max[r])
    if (factor !== 1) for (let i = r * cols; i < (r + 1) * cols; i++) data[i] *= factor
  }
}
