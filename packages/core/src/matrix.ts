import { isFloat32 } from '@sublinear/kernels'
import type { Matrix } from './contracts'
import { checkSize } from './check'

/**
 * A rows × cols matrix over `data` (row-major; the array itself, not a copy), or of zeros.
 *
 * @throws TypeError when data is no Float32Array; RangeError when a size is no integer ≥ 0 or data.length ≠ rows · cols.
 */
export function matrix(rows: number, cols: number, data?: Float32Array): Matrix {
  checkSize('matrix', 'rows', rows)
  checkSize('matrix', 'cols', cols)
  if (data === undefined) return { rows, cols, data: new Float32Array(rows * cols) }
  if (!isFloat32(data)) throw new TypeError('matrix: data must be a Float32Array')
  if (data.length !== rows * cols) {
    throw new RangeError(`matrix: data must have ${rows} x ${cols} = ${rows * cols} entries, got ${data.length}`)
  }
  return { rows, cols, data }
}

/** Rows from … to − 1 as a matrix over the same memory. @throws RangeError when they are not within the matrix */
export function rowsOf(source: Matrix, from: number, to: number = source.rows): Matrix {
  if (!(Number.isInteger(from) && Number.isInteger(to) && 0 <= from && from <= to && to <= source.rows)) {
    throw new RangeError(`rowsOf: rows ${from} to ${to} are not within 0 to ${source.rows}`)
  }
  if (to - from === source.rows) return source
  return { rows: to - from, cols: source.cols, data: source.data.subarray(from * source.cols, to * source.cols) }
}
