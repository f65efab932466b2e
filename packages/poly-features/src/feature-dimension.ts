import { checkInteger } from '@sublinear/core'

/**
 * How many monomials d variables have up to a degree: C(d + degree, degree).
 * Source: Lemma 3.1 (one-pass paper), whose t it is.
 *
 * @throws TypeError, RangeError when d is no integer ≥ 1, degree no integer ≥ 0, or the number is beyond 2^53 − 1
 */
export function featureDimension(d: number, degree: number): number {
  checkInteger('featureDimension', 'd', d, 1)
  checkInteger('featureDimension', 'degree', degree, 0)
  let t = 1
  for (let i = 1; i <= degree; i++) {
    t = (t * (d + i)) / i // C(d + i, i), exact while t·(d + i) is
    if (t * (d + i + 1) > Number.MAX_SAFE_INTEGER) {
      throw new RangeError(`featureDimension: ${d} variables to degree ${degree} have more than 2^53 monomials`)
    }
  }
  return t
}
