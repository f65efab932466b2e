import { checkFinite, checkObject, type FeatureMap } from '@sublinear/core'
import { featureDimension } from './feature-dimension'
import { minimaxPolynomial } from './minimax-polynomial'
import { checkWholeDegrees, lowerEvenDegrees, monomialMap, type WholeDegrees } from './monomial-map'
import { isPositive } from './positivity'

export interface MinimaxFeatures extends WholeDegrees {
  /** Bound on |scale·⟨q, k − centre⟩|, 2⁻⁴⁰ to 8: beyond, float32 cancels everything. */
  readonly radius: number
}

/** At 8 a float32 rounding, 2⁻²⁴, times e^{2·radius} is 0.53. */
export const MOST_RADIUS = 8
/** Smallest error: below it Remez would improve digits that doubles, and features in float32, cannot hold. */
const LEAST_ERROR = 2 ** -40

/**
 * Makes a feature map of the polynomial with the smallest relative error |p(s)·e^{−s} − 1| on [−radius, radius] for its degree, as an inner product of
 * monomials.
 * Source: Lemma 3.1 (one-pass paper), whose p may be any polynomial near exp; Remez exchange. Deviation: p is best in relative error,
 * which is what moves an answer, not in absolute error; keys may be centred; a negative coefficient puts its sign on the keys' side.
 *
 * Guarantee: while |scale·⟨q, k − centre⟩| ≤ radius the relative error of one pair, before float32, is at most
 *   `certificate(features).approximation`, < 1, so that p is positive there. Outside nothing holds; on typical scores, far inside
 *   the radius, Taylor is often better: this map is for certified bounds.
 * Cost: one multiply a feature and row; 10 to 100 ms to find the polynomial. The same bits on every engine.
 *
 * @returns a FeatureMap with t = C(d + degree, degree), in graded order
 * @throws TypeError, RangeError when a size is out of range, radius not from 2⁻⁴⁰ to 8, or so small that the degree is exact to 2⁻⁴⁰
 * @example minimaxFeatures({ d: 8, degree: 4, radius: 2, scale: 0.35 }).t // 495
 */
export function minimaxFeatures(options: MinimaxFeatures): FeatureMap {
  checkObject('minimaxFeatures', options)
  const who = 'minimaxFeatures'
  const { d, degree, scale, radius, centre } = options
  checkWholeDegrees(who, options)
  const coefficients = minimaxCoefficients(who, degree, radius)
  const prefixes = lowerEvenDegrees(degree).filter((lower) => isPositive(coefficients.subarray(0, lower + 1)))
  return monomialMap(who, options, timesFactorials(coefficients), {
    radius,
    spec: JSON.stringify({ kind: 'minimax', d, degree, radius, scale, ...(centre && { centre: [...centre] }) }),
    fallbacks: prefixes.map((lower) => featureDimension(d, lower)),
  })
}

/** Coefficients of 1, s, s², … of the polynomial of minimaxFeatures. */
export function minimaxCoefficients(who: string, degree: number, radius: number): Float64Array {
  checkFinite(who, 'radius', radius, 0)
  if (radius < LEAST_ERROR || radius > MOST_RADIUS)
    throw new RangeError(`${who}: radius must be from 2^-40 to ${MOST_RADIUS}, got ${radius}`)
  let error = 2 // near radius^{degree + 1}/(2^degree·(degree + 1)!), the best there is for a small radius
  for (let j = 1; j <= degree + 1; j++) error *= radius / 2 / j
  if (error < LEAST_ERROR && degree > 0) {
    throw new RangeError(
      `${who}: degree must be lower on radius ${radius}, got ${degree}: its error is below 2^-40, beyond float32`,
    )
  }
  return minimaxPolynomial(degree, radius).coefficients()
}

function timesFactorials(coefficients: Float64Array): Float64Array {
  let factorial = 1
  return coefficients.map((c, j) => c * (factorial *= Math.max(1, j)))
}
