import { matrix, rowsOf, type Matrix } from '@sublinear/core'

/** Up to `most` rows, evenly over all; so many neighbours stay together. */
export function spreadRows(all: Matrix, most: number, together = 1): Matrix {
  const groups = all.rows / together
  const count = Math.min(Math.max(1, Math.floor(most / together)), groups)
  const out = matrix(count * together, all.cols)
  for (let i = 0; i < count; i++) {
    const at = Math.floor((i * groups) / count) * together
    out.data.set(rowsOf(all, at, at + together).data, i * together * all.cols)
  }
  return out
}
