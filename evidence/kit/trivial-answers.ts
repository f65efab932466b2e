import { philox, rowsOf, seedWords } from '@sublinear/core'
import type { Matrix } from '@sublinear/attention'

/** The mean of the values: what uniform attention answers to every query. */
export function meanOf(values: Matrix, rows: number): Matrix {
  const { cols } = values
  const total = new Float64Array(cols)
  for (let r = 0; r < values.rows; r++) for (let c = 0; c < cols; c++) total[c] += values.data[r * cols + c]
  const data = Float32Array.from({ length: rows * cols }, (_, i) => total[i % cols] / values.rows)
  return { rows, cols, data }
}

/** `count` of n indices, each set as likely as any other, ascending: the start of a shuffle driven by Philox. */
export function uniformSample(n: number, count: number, seed: number): number[] {
  const order = Array.from({ length: n }, (_, i) => i)
  const words = new Uint32Array(4)
  const [low, high] = seedWords(BigInt(seed))
  for (let i = 0; i < Math.min(count, n); i++) {
    philox(words, low, high, i, 0, 0, 0)
    const j = i + Math.floor((words[0] / 2 ** 32) * (n - i))
    ;[order[i], order[j]] = [order[j], order[i]]
  }
  return order.slice(0, count).toSorted((a, b) => a - b)
}

/** Some rows of a matrix. */
export function pick(source: Matrix, rows: readonly number[]): Matrix {
  const data = new Float32Array(rows.length * source.cols)
  for (const [i, r] of rows.entries()) data.set(rowsOf(source, r, r + 1).data, i * source.cols)
  return { rows: rows.length, cols: source.cols, data }
}

/** ‖got − exact‖_F / ‖exact‖_F. */
export function relativeError(got: Matrix, exact: Matrix): number {
  let [distance, norm] = [0, 0]
  for (const [i, truth] of exact.data.entries()) {
    distance += (got.data[i] - truth) ** 2
    norm += truth * truth
  }
  return Math.sqrt(distance / norm)
}
