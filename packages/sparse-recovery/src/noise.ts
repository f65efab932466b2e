import type { EnergyTrees } from './energy-trees'
import { LEAF_ROWS, LEVEL_ROWS, TREES, type RecoveryLayout } from './recovery-rows'

/** Shares of δ that may be spent on ‖x‖; the best one is taken. */
const SHARES = [0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7]

/** The chance that two entries share a counter of a row of `width`: digits of 20 bits fall into buckets of ⌊2²⁰/width⌋ or one more. */
export function meeting(width: number): number {
  const least = Math.floor(2 ** 20 / width)
  const more = 2 ** 20 - least * width
  return ((width - more) * least ** 2 + more * (least + 1) ** 2) / 2 ** 40
}

/**
 * Estimates ‖x‖: its square is the mean over all rows of the sum of squared counters, which is unbiased and has a variance of at most ‖x‖⁴ times
 * `normVariance`.
 *
 * Proof. A row's sum is Σ xᵢxⱼσ(i)σ(j) over pairs in one counter, of mean ‖x‖² and variance ≤ 2‖x‖⁴·P[two entries meet]: signs are 4-wise.
 * Signs of two rows are different bits of one value, independent, so over four entries every product of two rows' cross terms has mean 0: rows
 * are uncorrelated.
 */
export function normOf({ nonzeros }: { readonly nonzeros: number }, measured: Float64Array): number {
  return Math.sqrt(measured.length / nonzeros) * rootMeanSquare(measured, measured.length)
}

/** Computes √(Σx²/count) without a square that leaves float64. */
function rootMeanSquare(x: Float64Array, count: number): number {
  let most = 0
  for (let i = 0; i < x.length; i++) most = Math.max(most, Math.abs(x[i]))
  if (most === 0) return 0
  let sum = 0
  for (let i = 0; i < x.length; i++) sum += (x[i] / most) ** 2
  return most * Math.sqrt(sum / count)
}

/** The most that the variance of normOf squared can be, as a share of ‖x‖⁴. */
export function normVariance({ columns, lines, width, nodes, nonzeros }: RecoveryLayout): number {
  const place = meeting(width)
  let sum = LEAF_ROWS * place
  for (const count of nodes) {
    // The chance that entries meet in one node (guarantee of scatter), or in two nodes of one counter where nodes are hashed.
    const together = 1 / count + (1 / count + 1 / lines) / lines + 2 / (columns * count) + 1 / columns ** 2
    sum += TREES * LEVEL_ROWS * Math.min(1, together + (count > width ? place : 0))
  }
  return (2 * sum) / nonzeros ** 2
}

/**
 * Bounds the error of the median of an entry's five rows, except with probability δ over the seed, in units of the standard deviation of one row.
 *
 * Proof. A row's error e has E e² ≤ σ² = ‖x‖²·meeting(width), and for two rows E e²f² ≤ σ⁴: in expectation over the signs only squares are left, and three
 * keys meet independently. The median is off by t only where three rows are, so three pairs: P ≤ E[pairs]/3 ≤ 10/3·(σ/t)⁴ by Markov; or, by single rows, 5/3·(σ/t)².
 */
export function medianReach(delta: number): number {
  return Math.min((10 / (3 * delta)) ** 0.25, Math.sqrt(5 / (3 * delta)))
}

/** Bounds |median of an entry's rows − the entry|, except with probability δ over the seed; ‖x‖ is estimated from the counters, too. Proved. */
export function radiusOf(layout: RecoveryLayout, measured: Float64Array, delta: number): number {
  const deviation = normOf(layout, measured) * Math.sqrt(meeting(layout.width))
  if (deviation === 0) return 0
  const variance = normVariance(layout)
  let best = Infinity
  for (const share of SHARES) {
    // Cantelli: ‖x‖² ≤ its estimate/(1 − η), except with probability v/(v + η²)
    const short = Math.sqrt(variance * (1 / (share * delta) - 1))
    if (short < 1) best = Math.min(best, (medianReach((1 - share) * delta) * deviation) / Math.sqrt(1 - short))
  }
  return best
}

/** The standard deviation of one row's error where the entries `keys`, with these values, are taken out; from the entries' own rows. */
export function restDeviation(
  trees: EnergyTrees,
  measured: Float64Array,
  keys: Float64Array,
  values: Float64Array,
): number {
  const height = LEAF_ROWS * trees.layout.width
  const first = measured.length - height
  const left = measured.slice(first)
  const rows = new Uint32Array(keys.length * LEAF_ROWS)
  const signs = new Float32Array(rows.length)
  trees.leaves(keys, rows, signs)
  for (let at = 0; at < rows.length; at++) left[rows[at] - first] -= signs[at] * values[Math.floor(at / LEAF_ROWS)]
  return rootMeanSquare(left, Math.max(1, height - keys.length)) // a fit of so many numbers used up as many degrees of freedom
}
