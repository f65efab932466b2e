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
  const [few, many] = d < degree ? [d, degree] : [degree, d] // C(few + many, few) either way
  let t = 1n
  for (let i = 1n; i <= few; i++) {
    t = (t * (BigInt(many) + i)) / i // C(many + i, i): at least doubles, so the loop is short
    if (t > Number.MAX_SAFE_INTEGER) {
      throw new RangeError(`featureDimension: ${d} variables to degree ${degree} have more than 2^53 - 1 monomials`)
    }
  }
  return Number(t)
}
