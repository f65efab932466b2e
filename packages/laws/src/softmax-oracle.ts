import type { Matrix } from '@sublinear/core'

/** Computes softmax attention in float64, in two passes over a row of scores; row r sees the first visible(r) keys. */
export function softmaxOracle(
  queries: Matrix,
  keys: Matrix,
  values: Matrix,
  scale: number,
  visible: (row: number) => number,
  weights?: Float32Array,
): Float64Array {
  const { cols: d } = keys
  const { cols: dv } = values
  const out = new Float64Array(queries.rows * dv)
  for (let r = 0; r < queries.rows; r++) {
    const scores = new Float64Array(visible(r))
    for (let j = 0; j < scores.length; j++) {
      for (let c = 0; c < d; c++) scores[j] += scale * queries.data[r * d + c] * keys.data[j * d + c]
      if (weights) scores[j] += Math.log(weights[j])
    }
    const top = scores.reduce((a, b) => Math.max(a, b), -Infinity)
    let mass = 0
    for (let j = 0; j < scores.length; j++) {
      const share = Math.exp(scores[j] - top)
      mass += share
      for (let c = 0; c < dv; c++) out[r * dv + c] += share * values.data[j * dv + c]
    }
    for (let c = r * dv; c < (r + 1) * dv; c++) out[c] /= mass || 1
  }
  return out
}

/** Makes rows × cols numbers from −reach to reach by a multiplicative congruential sequence, which is enough for test data. */
export function random(rows: number, cols: number, seed: number, reach = 1): Matrix {
  let state = (seed * 2654435761 + 12345) % 2147483647 || 1
  const data = Float32Array.from({ length: rows * cols }, () => {
    state = (state * 48271) % 2147483647
    return ((2 * state) / 2147483647 - 1) * reach
  })
  return { rows, cols, data }
}

/** The largest difference between entries. */
export function distance(got: ArrayLike<number>, wanted: ArrayLike<number>): number {
  let most = got.length === wanted.length ? 0 : Infinity
  for (let i = 0; i < got.length; i++) {
    const apart = Math.abs(got[i] - wanted[i])
    if (!(apart <= most)) most = Number.isNaN(apart) ? Infinity : apart
  }
  return most
}
