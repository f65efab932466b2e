import type { Matrix } from '@sublinear/core'
import type { BoardHead } from '../src'

/** Numbers in [−1, 1) from a fixed linear congruence. */
export function rows(count: number, cols: number, seed: number): Matrix {
  let x = seed >>> 0
  const next = () => (x = (Math.imul(x, 1664525) + 1013904223) >>> 0) / 2 ** 31 - 1
  return { rows: count, cols, data: Float32Array.from({ length: count * cols }, next) }
}

export const [n, prefix, d, dv, groups, scale] = [90, 70, 3, 2, 2, 2.5]
export const head: BoardHead = {
  name: 'h',
  queries: rows(groups * n, d, 1),
  keys: rows(n, d, 2),
  values: rows(n, dv, 3),
  scale,
}

/** The value of a token. */
export const lastValue = (token: number) => [...head.values.data.subarray(token * dv, (token + 1) * dv)]
