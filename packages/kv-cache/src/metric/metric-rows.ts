import { matrix, type Matrix } from '@sublinear/core'
import type { Metric } from './metric'

/** Rows taken into a metric. */
export interface MetricRows {
  /** Keys times C: their plain distances are those of the metric. */
  keys(rows: Matrix): Matrix
  /** Queries times C⁻ᵀ: their scores with keys times C are those of the queries with the keys. */
  queries(rows: Matrix): Matrix
}

/**
 * Takes keys and queries into a metric, in float64. C is divided by a number such that its squares add up to d: keys keep about their length, and a multiple
 * of the plain metric changes no bit.
 */
export function metricRows(lower: Metric, d: number): MetricRows {
  const unit = Math.sqrt(lower.reduce((sum, entry) => sum + entry ** 2, 0) / d)
  const each = (rows: Matrix, turn: (row: Float32Array, out: Float64Array) => void): Matrix => {
    const [turned, out] = [matrix(rows.rows, d), new Float64Array(d)]
    for (let from = 0; from < rows.data.length; from += d) {
      turn(rows.data.subarray(from, from + d), out)
      turned.data.set(out, from)
    }
    return turned
  }
  return {
    keys: (rows) =>
      each(rows, (row, out) => {
        out.fill(0)
        for (let i = 0, at = 0; i < d; i++) for (let j = 0; j <= i; j++) out[j] += row[i] * lower[at++]
        for (let j = 0; j < d; j++) out[j] /= unit
      }),
    queries: (rows) =>
      each(rows, (row, out) => {
        for (let i = 0, at = 0; i < d; i++) {
          let sum = row[i] * unit
          for (let j = 0; j < i; j++) sum -= lower[at++] * out[j]
          out[i] = sum / lower[at++]
        }
      }),
  }
}
