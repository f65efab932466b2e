import { rowsOf, type Matrix } from '@sublinear/core'

/** Rows that are mapped at once; it bounds the memory that a long block takes. */
export const PIECE = 256

let spare = new Float32Array(0)

/** A matrix for the features of a piece, in scratch of the process, valid until the next call: a long stream leaves no garbage. */
export function featureRows(rows: number, t: number): Matrix {
  if (spare.length < rows * t) spare = new Float32Array(PIECE * t)
  return { rows, cols: t, data: spare.subarray(0, rows * t) }
}

/** The rows of a block in pieces, and where each begins. */
export function* piecesOf(block: Matrix): Generator<[piece: Matrix, at: number]> {
  for (let at = 0; at < block.rows; at += PIECE) yield [rowsOf(block, at, Math.min(block.rows, at + PIECE)), at]
}
