import type { Matrix, PartialSoftmax } from '@sublinear/core'
import { kernels, type PackedRows } from '@sublinear/kernels'
import type { Rotation } from './rotation'
import type { Centres } from './token-coder'

/** Unpacked rows, turned back and moved to their centre; where rounding left an entry above `most`, at `most`. */
export function decoded(
  packed: PackedRows,
  turn: Rotation,
  centre: Float32Array,
  most: number,
  from: number,
  count: number,
): Matrix {
  const { width } = turn
  const data = new Float32Array(count * width)
  kernels().unpack(data, packed, from, count, width)
  const x = new Float64Array(data)
  turn.turnBack(x)
  for (let at = 0; at < data.length; at += width) {
    for (let c = 0; c < width; c++) data[at + c] = Math.max(-most, Math.min(most, x[at + c] + centre[c]))
  }
  return { rows: count, cols: width, data }
}

/** Rows of a matrix less the centre, turned. */
export function restOf({ cols, data }: Matrix, from: number, rows: number, centre: Float32Array, turn: Rotation) {
  const x = new Float64Array(rows * cols)
  for (let at = 0, i = from * cols; at < x.length; at += cols) {
    for (let c = 0; c < cols; c++) x[at + c] = data[i++] - centre[c]
  }
  turn.turn(x)
  return x
}

export function turned({ data }: Matrix, rotation: Rotation): Float32Array {
  const x = new Float64Array(data)
  rotation.turn(x)
  return new Float32Array(x)
}

/** The partial of centred, turned tokens → that of the tokens. */
export function backFromCentre(
  { max, mass, sum }: PartialSoftmax,
  queries: Matrix,
  { keyCentre, valueCentre }: Centres,
  scale: number,
  turnValues: Rotation,
): void {
  const { cols } = sum
  const x = new Float64Array(sum.data)
  turnValues.turnBack(x)
  for (let r = 0; r < mass.length; r++) {
    if (max[r] === -Infinity) continue
    let shift = 0
    for (let c = 0; c < queries.cols; c++) shift += queries.data[r * queries.cols + c] * keyCentre[c]
    max[r] += scale * shift
    for (let i = r * cols, c = 0; c < cols; c++, i++) sum.data[i] = x[i] + mass[r] * valueCentre[c]
  }
}
