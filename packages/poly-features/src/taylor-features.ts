import { checkFinite, checkInteger, checkObject, type FeatureMap } from '@sublinear/core'
import { featureDimension } from './feature-dimension'
import { checkWholeDegrees, lowerEvenDegrees, monomialMap, type WholeDegrees } from './monomial-map'
import { radiusWithin, taylorError } from './relative-error'

export type TaylorFeatures = WholeDegrees

/** Relative error that the Taylor polynomial reaches at the map's `radius`. */
const RELATIVE_ERROR = 0.1

/**
 * Makes a feature map of the Taylor polynomial of exp: feature e is x^e / √(e₁!·…·e_d!) with x = q·√scale or (k − centre)·√scale.
 * Source: Lemma 3.1 (one-pass paper). Deviation: keys may be centred; the shift e^{scale·⟨q, centre⟩} goes to logScale.
 *
 * Guarantee: while |scale·⟨q, k − centre⟩| ≤ radius, the relative error of one pair is at most 1/10, before float32; `certificate`
 *   gives the bound at other radii, and the error of float32. An even degree is positive everywhere.
 * Cost: one multiply a feature and row.
 *
 * @returns a FeatureMap with t = C(d + degree, degree), in graded order: a lower degree is a prefix
 * @throws TypeError, RangeError when a size is out of range, scale not > 0 or the centre not d finite numbers
 * @example taylorFeatures({ d: 2, degree: 2, scale: 0.5 }).t // 6
 */
export function taylorFeatures(options: TaylorFeatures): FeatureMap {
  checkObject('taylorFeatures', options)
  const { d, degree, scale, centre } = options
  checkWholeDegrees('taylorFeatures', options)
  return monomialMap('taylorFeatures', options, new Float64Array(degree + 1).fill(1), {
    radius: taylorRadius(degree, RELATIVE_ERROR),
    spec: JSON.stringify({ kind: 'taylor', d, degree, scale, ...(centre && { centre: [...centre] }) }),
    fallbacks: lowerEvenDegrees(degree).map((lower) => featureDimension(d, lower)),
  })
}

/**
 * The largest R with |p(s)·e^{−s} − 1| ≤ error for all |s| ≤ R, p the Taylor polynomial of the degree; by bisection.
 *
 * @throws TypeError, RangeError when degree is no integer ≥ 0 or error not > 0
 */
export function taylorRadius(degree: number, error: number): number {
  checkInteger('taylorRadius', 'degree', degree, 0)
  checkFinite('taylorRadius', 'error', error, 0)
  return radiusWithin((radius) => taylorError(degree, radius), error, degree)
}
