import type { KvBlock, Matrix, PartialSoftmax } from './contracts'
import { matrix, rowsOf } from './matrix'
import { rowsOfSpread } from './spread'

/** The largest weight that a token may have. */
export const MOST_WEIGHT = 2 ** 53

/** Rows from … to − 1 of a block, in the same memory. */
export function tokensOf({ keys, values, weights }: KvBlock, from: number, to: number): KvBlock {
  return {
    keys: rowsOf(keys, from, to),
    values: rowsOf(values, from, to),
    ...(weights && { weights: weights.subarray(from, to) }),
  }
}

/** Rows from … to − 1 of a partial softmax, in the same memory. */
export function rowsOfPartial(whole: PartialSoftmax, from: number, to: number): PartialSoftmax {
  const { max, mass, sum } = whole
  if (to - from === sum.rows) return whole
  return {
    max: max.subarray(from, to),
    mass: mass.subarray(from, to),
    sum: rowsOf(sum, from, to),
    ...(whole.spread && { spread: rowsOfSpread(whole.spread, from, to) }),
  }
}

/** A block to be filled: rows of zeros, and weights of 1 where it has weights. */
export function emptyBlock(rows: number, d: number, dv: number, isWeighted: boolean): KvBlock {
  return {
    keys: matrix(rows, d),
    values: matrix(rows, dv),
    ...(isWeighted && { weights: new Float32Array(rows).fill(1) }),
  }
}

/** Copies row `at` of one block into row r of another. */
export function copyToken(to: KvBlock, at: number, from: KvBlock, r: number): void {
  copyRow(to.keys, at, from.keys, r)
  copyRow(to.values, at, from.values, r)
  if (to.weights) to.weights[at] = from.weights?.[r] ?? 1
}

function copyRow({ cols, data }: Matrix, at: number, { data: source }: Matrix, r: number): void {
  for (let out = at * cols, i = r * cols, end = i + cols; i < end;) data[out++] = source[i++]
}

/** A copy of some rows of a block, with other weights. */
export function pickedTokens({ keys, values }: KvBlock, rows: ArrayLike<number>, weights: Float32Array): KvBlock {
  return { keys: pickedRows(keys, rows), values: pickedRows(values, rows), weights }
}

/** A copy of some rows of a matrix. */
export function pickedRows({ cols, data }: Matrix, rows: ArrayLike<number>): Matrix {
  const out = new Float32Array(rows.length * cols)
  for (let i = 0; i < rows.length; i++) out.set(data.subarray(rows[i] * cols, (rows[i] + 1) * cols), i * cols)
  return { rows: rows.length, cols, data: out }
}

/** Joins blocks, one after the other. Returns the block itself where only one has rows, undefined where none has. */
export function joinedTokens(...blocks: readonly (KvBlock | undefined)[]): KvBlock | undefined {
  const some = blocks.filter((block) => block !== undefined && block.keys.rows > 0) as KvBlock[]
  if (some.length < 2) return some[0]
  const rows = some.reduce((total, { keys }) => total + keys.rows, 0)
  return {
    keys: stackedRows(some.map(({ keys }) => keys)),
    values: stackedRows(some.map(({ values }) => values)),
    ...(some.some(({ weights }) => weights) && { weights: weightsOf(some, rows) }),
  }
}

/** Joins matrices of one width, one below the other; a copy. */
export function stackedRows(parts: readonly Matrix[]): Matrix {
  const rows = parts.reduce((total, one) => total + one.rows, 0)
  const out = matrix(rows, parts[0].cols)
  let at = 0
  for (const { data } of parts) {
    out.data.set(data, at)
    at += data.length
  }
  return out
}

function weightsOf(blocks: readonly KvBlock[], rows: number): Float32Array {
  const out = new Float32Array(rows).fill(1)
  let at = 0
  for (const { keys, weights } of blocks) {
    if (weights) out.set(weights, at)
    at += keys.rows
  }
  return out
}
