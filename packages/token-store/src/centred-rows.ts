import type { Matrix, PartialSoftmax } from '@sublinear/core'
import { scratch, type PackedRows, codeKernels } from '@sublinear/kernels'
import type { Rotation } from './rotation'
import type { Centres } from './token-coder'

const rows64 = scratch(Float64Array)
const rows32 = scratch(Float32Array)
const maxima = scratch(Float32Array)
const masses = scratch(Float64Array)
const sums = scratch(Float32Array)

/** Unpacked rows, turned back and moved to their centre. Entries that rounding left above `most` become `most`. */
export function decoded(
  packed: PackedRows,
  turn: Rotation,
  centre: Float32Array,
  most: number,
  from: number,
  count: number,
): Matrix {
  const { width, signs } = turn
  const data = new Float32Array(count * width)
  const { unpack, turnRows } = codeKernels()
  unpack(data, packed, from, count, width)
  turnRows(data, data, signs, count, width, { centre, most })
  return { rows: count, cols: width, data }
}

/** Rows of a matrix without the centre, turned; valid until the next call. */
export function restOf(
  { cols, data }: Matrix,
  from: number,
  rows: number,
  centre: Float32Array,
  turn: Rotation,
): Float64Array {
  const x = rows64(rows * cols)
  for (let at = 0, i = from * cols; at < x.length; at += cols) {
    for (let c = 0; c < cols; c++) x[at + c] = data[i++] - centre[c]
  }
  turn.turn(x)
  return x
}

/** Queries in the turned coordinates of keys; valid until the next call. */
export function turned({ rows, cols, data }: Matrix, { signs }: Rotation): Float32Array {
  const out = rows32(data.length)
  codeKernels().turnRows(out, data, signs, rows, cols)
  return out
}

/** A partial softmax over no tokens; valid until the next call. */
export function scratchPartial(rows: number, cols: number): PartialSoftmax {
  const sum = { rows, cols, data: sums(rows * cols).fill(0) }
  return { max: maxima(rows).fill(-Infinity), mass: masses(rows).fill(0), sum }
}

/** The number that the centre of the keys adds to every score of a query row. */
export function shiftOf({ cols, data }: Matrix, row: number, keyCentre: Float32Array, scale: number): number {
  let shift = 0
  for (let c = 0; c < cols; c++) shift += data[row * cols + c] * keyCentre[c]
  return scale * shift
}

/** Turns the partial of centred, turned tokens into that of the tokens themselves. */
export function backFromCentre(
  { max, mass, sum }: PartialSoftmax,
  queries: Matrix,
  { keyCentre, valueCentre }: Centres,
  scale: number,
  turnValues: Rotation,
): void {
  const { rows, cols, data } = sum
  codeKernels().turnRows(data, data, turnValues.signs, rows, cols, { centre: valueCentre, times: mass, most: Infinity })
  for (let r = 0; r < rows; r++) if (max[r] !== -Infinity) max[r] += shiftOf(queries, r, keyCentre, scale)
}
