import { checkObject } from '@sublinear/core'
import type { Matrix } from '@sublinear/core'

/** The tokens that one key head of a cache holds. */
export interface CacheHead {
  readonly layer: number
  readonly head: number
  readonly keys: Matrix // tokens × d, turned as they lie in the cache
  readonly values: Matrix // tokens × dv
}

/** Chooses `count` of the tokens of a head that stay; returns their rows, ascending. */
export type CachePolicy = (head: CacheHead, count: number) => ArrayLike<number>

/**
 * Makes a policy that keeps the first tokens and the newest.
 * Source: StreamingLLM (Xiao et al. 2023).
 *
 * @param sinks  number of first tokens that stay; default 4
 */
export function sinksAndNewest(options: { readonly sinks?: number | undefined } = {}): CachePolicy {
  const { sinks = 4 } = checkObject('sinksAndNewest', options)
  return ({ keys: { rows } }, count) => {
    const first = Math.min(sinks, count)
    return Array.from({ length: count }, (_, i) => (i < first ? i : rows - count + i))
  }
}

/**
 * Makes a policy that keeps the first tokens, the newest, and of the others those whose keys point away from the mean direction.
 * Source: KeyDiff (Park et al. 2025).
 *
 * @param sinks  number of first tokens that stay, default 4; newest  number of newest tokens that stay, default 32
 */
export function farthestKeys(
  options: { readonly sinks?: number | undefined; readonly newest?: number | undefined } = {},
): CachePolicy {
  const { sinks = 4, newest = 32 } = checkObject('farthestKeys', options)
  return ({ keys: { rows, cols, data } }, count) => {
    const norms = Float64Array.from(
      { length: rows },
      (_, r) => Math.hypot(...data.subarray(r * cols, (r + 1) * cols)) || 1,
    )
    const mean = new Float64Array(cols)
    for (let r = 0; r < rows; r++) for (let c = 0; c < cols; c++) mean[c] += data[r * cols + c] / norms[r]
    const likeness = (r: number) => mean.reduce((sum, x, c) => sum + (x * data[r * cols + c]) / norms[r], 0)
    const first = Math.min(sinks, count)
    const last = Math.min(newest, count - first)
    const middle = Array.from({ length: rows - first - last }, (_, i) => ({
      row: first + i,
      like: likeness(first + i),
    }))
      .toSorted((a, b) => a.like - b.like || a.row - b.row)
      .slice(0, count - first - last)
      .map(({ row }) => row)
    const ends = Array.from({ length: first + last }, (_, i) => (i < first ? i : rows - last + i - first))
    return [...ends, ...middle].toSorted((a, b) => a - b)
  }
}
