import type { Matrix, SketchMatrix } from '@sublinear/core'
import { uniforms } from './token-data'

/** Makes rows × cols numbers from −1 to 1. */
export function randomRows(rows: number, cols: number, seed: number, lane = 20): Matrix {
  return { rows, cols, data: uniforms(rows * cols, seed, lane) }
}

export function zeros(rows: number, cols: number): Matrix {
  return { rows, cols, data: new Float32Array(rows * cols) }
}

/** Computes column `index` of Ψ by itself. */
export function columnOf(matrix: SketchMatrix, index: number): Float32Array {
  const into = zeros(matrix.m, 1)
  matrix.accumulate(into, { rows: 1, cols: 1, data: Float32Array.of(1) }, index)
  return into.data
}

/** Computes columns first … first + count − 1 of Ψ as m × count, in one call on the identity. */
export function columnsOf(matrix: SketchMatrix, first: number, count: number): Matrix {
  const identity = zeros(count, count)
  for (let i = 0; i < count; i++) identity.data[i * count + i] = 1
  const into = zeros(matrix.m, count)
  matrix.accumulate(into, identity, first)
  return into
}

/** Adds Ψ·block, and the sizes of its terms, in float64. `columns` are the columns of Ψ for the block's rows. */
export function addProduct(into: Float64Array, sizes: Float64Array, columns: Matrix, block: Matrix): void {
  for (let r = 0; r < columns.rows; r++) {
    for (let i = 0; i < block.rows; i++) {
      for (let c = 0; c < block.cols; c++) {
        const term = columns.data[r * columns.cols + i] * block.data[i * block.cols + c]
        into[r * block.cols + c] += term
        sizes[r * block.cols + c] += Math.abs(term)
      }
    }
  }
}

/**
 * The bytes from which a golden digest is taken: columns 0 … 49 and the last 50 of Ψ, each m × 50, row-major, as the little-endian bytes of their float32
 * entries.
 */
export function goldenColumns(matrix: SketchMatrix, columns = 2 ** 53 - 1): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(matrix.m * 400))
  const parts = [columnsOf(matrix, 0, 50), columnsOf(matrix, columns - 50, 50)]
  for (const [i, value] of parts.flatMap(({ data }) => [...data]).entries()) bytes.setFloat32(4 * i, value, true)
  return new Uint8Array(bytes.buffer)
}
