import { rowsOf, type KvBlock, type Matrix } from '@sublinear/core'

/** Rows from … to − 1 of a block, over the same memory. */
export function part({ keys, values, weights }: KvBlock, from: number, to: number): KvBlock {
  const end = Math.min(to, keys.rows)
  return {
    keys: rowsOf(keys, from, end),
    values: rowsOf(values, from, end),
    ...(weights && { weights: weights.subarray(from, end) }),
  }
}

/** Some rows of a block with other weights; a copy. */
export function rowsAt({ keys, values }: KvBlock, rows: Uint32Array, weights: Float32Array): KvBlock {
  return { keys: picked(keys, rows), values: picked(values, rows), weights }
}

/** One block and then another; a copy. */
export function joined(a: KvBlock, b: KvBlock): KvBlock {
  const rows = a.keys.rows + b.keys.rows
  const weights = new Float32Array(rows).fill(1)
  if (a.weights) weights.set(a.weights)
  if (b.weights) weights.set(b.weights, a.keys.rows)
  return { keys: stacked(a.keys, b.keys), values: stacked(a.values, b.values), weights }
}

function picked({ cols, data }: Matrix, rows: Uint32Array): Matrix {
  const out = new Float32Array(rows.length * cols)
  for (const [i, r] of rows.entries()) out.set(data.subarray(r * cols, (r + 1) * cols), i * cols)
  return { rows: rows.length, cols, data: out }
}

function stacked(a: Matrix, b: Matrix): Matrix {
  const data = new Float32Array(a.data.length + b.data.length)
  data.set(a.data)
  data.set(b.data, a.data.length)
  return { rows: a.rows + b.rows, cols: a.cols, data }
}
