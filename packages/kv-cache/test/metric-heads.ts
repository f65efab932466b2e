import { matrix, type Matrix } from '@sublinear/core'
import { random } from '@sublinear/laws'

/** A row of a matrix, as a matrix. */
export const rowOf = ({ cols, data }: Matrix, at: number) => matrix(1, cols, data.slice(at * cols, (at + 1) * cols))

/** C·Cᵀ of a metric, d × d. */
export function squared(own: readonly number[], d: number): Float64Array {
  const entry = (i: number, j: number) => (j > i ? 0 : own[(i * (i + 1)) / 2 + j])
  return Float64Array.from({ length: d * d }, (_, at) => {
    let sum = 0
    for (let k = 0; k < d; k++) sum += entry(Math.floor(at / d), k) * entry(at % d, k)
    return sum
  })
}

/** Queries of 12 columns that look along two directions, which are no axes. */
export function narrow(rows: number, seed: number): Matrix {
  const two = random(rows, 2, seed, 3)
  return matrix(rows, 12, Float32Array.from({ length: rows * 12 }, (_, i) => two.data[2 * Math.floor(i / 12)] * Math.cos(i % 12) + two.data[2 * Math.floor(i / 12) + 1] * Math.sin(2 * (i % 12)))) // prettier-ignore
}

/** Values that follow the scores of such queries. */
export function valuesOf({ rows, data }: Matrix): Matrix {
  const along = (r: number, c: number) => data.slice(12 * r, 12 * r + 12).reduce((sum, x, i) => sum + x * (c % 2 === 0 ? Math.cos(i) : Math.sin(2 * i)), 0) // prettier-ignore
  return matrix(
    rows,
    4,
    Float32Array.from({ length: rows * 4 }, (_, i) => Math.tanh(along(i >> 2, i & 3) / 4 + (i & 2) / 4)),
  )
}
