import { checkInteger } from '@sublinear/core'

/**
 * The metric (k − l)ᵀ M (k − l) of keys, as plain JSON: the lower triangle of C, row by row, of M = C·Cᵀ up to a factor. d·(d + 1)/2 integers from −127 to
 * 127, those of the diagonal from 1. `queryMetric` makes one.
 */
export type Metric = readonly number[]

/** The largest entry of a metric. */
export const LARGEST = 127

/** Checks a metric, for keys of width d if that is given. @throws RangeError when it is none, or of another width */
export function checkMetric(who: string, name: string, metric: Metric, d?: number): void {
  const length = Array.isArray(metric) ? metric.length : 0
  const width = d ?? Math.round(Math.sqrt(2 * length + 0.25) - 0.5)
  if (length === 0 || (width * (width + 1)) / 2 !== length)
    throw new RangeError(`${who}: ${name} must have d·(d + 1)/2 entries, got ${length}`)
  for (let i = 0, at = 0; i < width; i++)
    for (let j = 0; j <= i; j++, at++) checkInteger(who, `${name}[${at}]`, metric[at], i === j ? 1 : -LARGEST, LARGEST)
}
