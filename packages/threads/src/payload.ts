import type { KvBlock, Layer, Matrix, PartialSoftmax } from '@sublinear/core'

/** Widths of the rows of a share of a layer, with all its heads side by side. */
export interface Widths {
  readonly keys: number
  readonly values: number
  readonly queries: number
  readonly queryHeads: number
  readonly dv: number
}

/** Sizes of one call. */
export interface Sizes {
  readonly rows: number
  readonly queryRows: number
  readonly isWeighted: boolean
}

/** The arrays of a call within the payload: both sides compute them from the same sizes. */
export interface Arrays {
  readonly block: KvBlock
  readonly queries: Matrix
  /** Answers: queryHeads rows for each query row. */
  readonly answers: PartialSoftmax
}

/** Bytes that a call takes of the payload. */
export function payloadBytes(widths: Widths, { rows, queryRows, isWeighted }: Sizes): number {
  const given = 4 * (rows * (widths.keys + widths.values + Number(isWeighted)) + queryRows * widths.queries)
  return even(given) + queryRows * widths.queryHeads * (12 + 4 * widths.dv)
}

/** Views of the payload, without copies. */
export function arraysIn(payload: SharedArrayBuffer, widths: Widths, { rows, queryRows, isWeighted }: Sizes): Arrays {
  let at = 0
  const floats = (count: number) => {
    const data = new Float32Array(payload, at, count)
    at += 4 * count
    return data
  }
  const matrixOf = (count: number, cols: number): Matrix => ({ rows: count, cols, data: floats(count * cols) })
  const keys = matrixOf(rows, widths.keys)
  const values = matrixOf(rows, widths.values)
  const weights = isWeighted ? floats(rows) : undefined
  const queries = matrixOf(queryRows, widths.queries)
  at = even(at)
  const count = queryRows * widths.queryHeads
  const mass = new Float64Array(payload, at, count)
  at += 8 * count
  return {
    block: { keys, values, ...(weights && { weights }) },
    queries,
    answers: { mass, max: floats(count), sum: matrixOf(count, widths.dv) },
  }
}

/** The next multiple of 8, at which doubles may begin. */
function even(bytes: number): number {
  return Math.ceil(bytes / 8) * 8
}

/** Copies some columns of a matrix into another matrix of that width. */
export function copyColumns(to: Matrix, { rows, cols, data }: Matrix, first: number): void {
  for (let r = 0; r < rows; r++) to.data.set(data.subarray(r * cols + first, r * cols + first + to.cols), r * to.cols)
}

/** Widths of the rows of a layer. */
export function widthsOf({ queryHeads, kvHeads, d, dv }: Pick<Layer, 'queryHeads' | 'kvHeads' | 'd' | 'dv'>): Widths {
  return { keys: kvHeads * d, values: kvHeads * dv, queries: queryHeads * d, queryHeads, dv }
}

export function copyPartial(to: PartialSoftmax, { max, mass, sum }: PartialSoftmax): void {
  to.max.set(max)
  to.mass.set(mass)
  to.sum.data.set(sum.data)
}
