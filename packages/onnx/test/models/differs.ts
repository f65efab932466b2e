import { expect } from 'vitest'

/** The largest difference, of the largest entry of the truth. */
export function differs(own: Float32Array, truth: Float32Array): number {
  expect(own.length).toBe(truth.length)
  const size = truth.reduce((top, x) => Math.max(top, Math.abs(x)), 0)
  return own.reduce((top, x, i) => Math.max(top, Math.abs(x - truth[i])), 0) / size
}
