import { matrix, type Matrix } from '@sublinear/core'

/** Clamps rows: brings every entry between the smallest and the largest of its column in `values`. */
export function withinTheValues(rows: Matrix, values: Matrix): Matrix {
  const { cols } = rows
  const low = new Float32Array(cols).fill(Infinity)
  const high = new Float32Array(cols).fill(-Infinity)
  for (const [i, x] of values.data.entries()) {
    low[i % cols] = Math.min(low[i % cols], x)
    high[i % cols] = Math.max(high[i % cols], x)
  }
  return matrix(
    rows.rows,
    cols,
    rows.data.map((x, i) => Math.min(high[i % cols], Math.max(low[i % cols], x))),
  )
}
