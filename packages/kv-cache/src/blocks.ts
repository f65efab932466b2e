import { matrix, rowsOf, type KvBlock, type Matrix } from '@sublinear/core'

/** The most that a token may count: what a block may bring. */
export const MOST_WEIGHT = 2 ** 53

/** Rows from … to − 1 of a block, over the same memory; undefined where there are none. */
export function part({ keys, values, weights }: KvBlock, from: number, to: number): KvBlock | undefined {
  if (from >= to) return undefined
  return {
    keys: rowsOf(keys, from, to),
    values: rowsOf(values, from, to),
    ...(weights && { weights: weights.subarray(from, to) }),
  }
}

/** A block to be filled: of rows of zeros, and of weights 1 where there are any. */
export function emptyBlock(rows: number, d: number, dv: number, isWeighted: boolean): KvBlock {
  return {
    keys: matrix(rows, d),
    values: matrix(rows, dv),
    ...(isWeighted && { weights: new Float32Array(rows).fill(1) }),
  }
}

/** Row `at` of a block becomes row r of another. */
export function copyRow(to: KvBlock, at: number, from: KvBlock, r: number): void {
  for (let c = 0, d = to.keys.cols; c < d; c++) to.keys.data[at * d + c] = from.keys.data[r * d + c]!
  for (let c = 0, dv = to.values.cols; c < dv; c++) to.values.data[at * dv + c] = from.values.data[r * dv + c]!
  if (to.weights) to.weights[at] = from.weights?.[r] ?? 1
}

/** One block after the other; undefined where there is none. */
export function joined(...blocks: readonly (KvBlock | undefined)[]): KvBlock | undefined {
  const some = blocks.filter((block) => block !== undefined && block.keys.rows > 0) as KvBlock[]
  if (some.length < 2) return some[0]
  const rows = some.reduce((total, { keys }) => total + keys.rows, 0)
  return {
    keys: stacked(some.map(({ keys }) => keys)),
    values: stacked(some.map(({ values }) => values)),
    ...(some.some(({ weights }) => weights) && { weights: weightsOf(some, rows) }),
  }
}

function stacked(parts: readonly Matrix[]): Matrix {
  const { cols } = parts[0]!
  const rows = parts.reduce((total, one) => total + one.rows, 0)
  const data = new Float32Array(rows * cols)
  let at = 0
  for (const one of parts) {
    data.set(one.data, at)
    at += one.data.length
  }
  return { rows, cols, data }
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
