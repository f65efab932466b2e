import { checkKeys, matrix, type Matrix, type Turning } from '@sublinear/core'
import { checkMetric, type Metric } from './metric'

/**
 * Takes keys times C and queries times C⁻ᵀ, in float64: scores stay, and plain distances of keys are those of the metric. C is divided by a number such that
 * its squares add up to d: keys keep about their length, and a multiple of the plain metric changes no bit.
 *
 * Cost: d²/2 operations for a row.
 *
 * @throws RangeError when the metric is none of width d; from the functions, when a row is out of range in the metric
 */
export function metricTurning(who: string, metric: Metric, d: number): Turning {
  checkMetric(who, 'metric', metric, d)
  const lower = Int8Array.from(metric)
  const unit = Math.sqrt(lower.reduce((sum, entry) => sum + entry ** 2, 0) / d)
  const each = (rows: Matrix, turn: (row: Float32Array, out: Float64Array) => void): Matrix => {
    const [turned, out] = [matrix(rows.rows, d), new Float64Array(d)]
    for (let from = 0; from < rows.data.length; from += d) {
      turn(rows.data.subarray(from, from + d), out)
      turned.data.set(out, from)
    }
    checkKeys(who, 'rows in the metric', turned)
    return turned
  }
  const seen = (row: Float32Array, out: Float64Array) => {
    out.fill(0)
    for (let i = 0, at = 0; i < d; i++) for (let j = 0; j <= i; j++) out[j] += row[i] * lower[at++]
    for (let j = 0; j < d; j++) out[j] /= unit
  }
  const asked = (row: Float32Array, out: Float64Array) => {
    for (let i = 0, at = 0; i < d; i++) {
      let sum = row[i] * unit
      for (let j = 0; j < i; j++) sum -= lower[at++] * out[j]
      out[i] = sum / lower[at++]
    }
  }
  return {
    block: (block) => ({ ...block, keys: each(block.keys, seen) }),
    queries: (queries) => each(queries, asked),
  }
}
