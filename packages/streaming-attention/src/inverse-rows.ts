import type { FeatureMap, Matrix } from '@sublinear/core'
import { kernels } from '@sublinear/kernels'
import { featureRows } from './feature-rows'
import { isSoundMass } from './feature-state'

/** Sums from which a denominator is made. */
export interface Totals {
  /** z = U₂ᵀ1 over all keys, t. */
  readonly totals: Float64Array
  /** Sum of the keys' weights. */
  readonly weight: number
}

/** Features up to this size, divided by any sound denominator, stay within float32 in any sum of rows. */
const LARGEST_FEATURE = 2 ** 64

/**
 * Computes rows of D⁻¹U₁ (b × t): the features of each query over its denominator D = φ(q)·z, so that an answer is a product with U₂ᵀV.
 * Source: lines 26 to 28 of Algorithm 1 (one-pass paper). Deviation: a row whose denominator is negative, vanishing or beyond float32
 * takes the features of the largest lower even degree that is sound, and zeros behind them; where no degree is sound, the row is zero.
 *
 * Guarantee: every entry is finite.
 * Cost: 2·t operations a row beside the features.
 *
 * @param queries  at most a piece of rows
 * @returns the rows, in scratch that is valid until the next call, and how many of them fell back
 */
export function inverseRows(
  features: FeatureMap,
  { totals, weight }: Totals,
  queries: Matrix,
): { rows: Matrix; fallbacks: number } {
  const { t } = features
  const rows = featureRows(queries.rows, t)
  features.mapQueries(queries, rows, new Float32Array(queries.rows)) // the logScale of a row is in U₁ and in D, and cancels
  const small = kernels().largestMagnitude(rows.data, rows.data.length) <= LARGEST_FEATURE
  /** The denominator φ(q)·z over the first `count` features; NaN where it cannot divide. */
  const denominator = (row: Float32Array, count: number): number => {
    let d = 0
    for (let f = 0; f < count; f++) d += row[f] * totals[f]
    const divides = isSoundMass(features, d, weight) && (small || row.subarray(0, count).every(isSmall))
    return divides ? d : NaN
  }
  let fallbacks = 0
  for (let r = 0; r < queries.rows; r++) {
    const row = rows.data.subarray(r * t, (r + 1) * t)
    let d = denominator(row, t)
    if (Number.isNaN(d)) {
      const prefix = features.fallbacks.find((lower) => !Number.isNaN((d = denominator(row, lower))))
      row.fill(0, prefix ?? 0)
      fallbacks++
    }
    if (!Number.isNaN(d)) for (let f = 0; f < t; f++) row[f] /= d
  }
  return { rows, fallbacks }
}

function isSmall(feature: number): boolean {
  return Math.abs(feature) <= LARGEST_FEATURE
}
