import type { Matrix, SketchMatrix } from '@sublinear/core'

/** Columns first … first + count − 1 of Ψ, row by row. */
export function columns(matrix: SketchMatrix, first: number, count: number): Float32Array {
  const identity: Matrix = { rows: count, cols: count, data: new Float32Array(count * count) }
  for (let i = 0; i < count; i++) identity.data[i * count + i] = 1
  const out = new Float32Array(matrix.m * count)
  matrix.accumulate({ rows: matrix.m, cols: count, data: out }, identity, first)
  return out
}
