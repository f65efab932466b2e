import type { Matrix, Pilot } from '@sublinear/core'
import { exactAttention } from '@sublinear/exact-attention'
import type { PlanShape } from './check-options'
import { relative } from './relative-error'
import type { MeasuredPilot } from './sample'
import { spreadRows } from './spread-rows'

/** Query rows asked at most. */
const MOST = 512

/** The error of the mean of the values on a pilot's own queries and tokens. */
export function averageOf({ weights, queries, keys, values }: MeasuredPilot): number {
  const { rows, cols, data } = values
  const mean = columnMeans(values)
  let [distance, norm] = [0, 0]
  for (let r = 0; r < queries.rows; r++) {
    const row = weights.subarray(r * keys.rows, (r + 1) * keys.rows)
    const mass = row.reduce((a, b) => a + b, 0)
    for (let c = 0; c < cols; c++) {
      let answer = 0
      for (let j = 0; j < rows; j++) answer += (row[j] / mass) * data[j * cols + c]
      distance += (mean[c] - answer) ** 2
      norm += answer ** 2
    }
  }
  return norm > 0 ? Math.sqrt(distance / norm) : Number(distance > 0)
}

/** The same of a head that caps its scores, or has a sink: over all tokens of the pilot, and some of their queries. */
export function headAverage({ queries, keys, values }: Pilot, { scale, head }: PlanShape): number {
  const asked = spreadRows(queries, MOST, Array.isArray(head.sinkLogit) ? head.sinkLogit.length : 1)
  const mean = columnMeans(values)
  const { data } = exactAttention({ queries: asked, keys, values, scale, ...head })
  let [distance, norm] = [0, 0]
  for (const [i, answer] of data.entries()) {
    distance += (mean[i % values.cols] - answer) ** 2
    norm += answer ** 2
  }
  return relative(distance, norm)
}

function columnMeans({ rows, cols, data }: Matrix): Float64Array {
  const mean = new Float64Array(cols)
  for (let i = 0; i < data.length; i++) mean[i % cols] += data[i] / rows
  return mean
}
