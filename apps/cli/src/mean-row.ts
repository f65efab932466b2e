import type { Matrix } from '@sublinear/core'

/** The mean of the rows; zeros where there are no rows. */
export function meanRow({ rows, cols, data }: Matrix): Float32Array {
  const total = new Float64Array(cols)
  for (let i = 0; i < rows * cols; i++) total[i % cols] += data[i]
  return Float32Array.from(total, (x) => x / Math.max(1, rows))
}
