import { checkFinite, checkObject } from '@sublinear/core'
import { chebyshevError } from './chebyshev-error'
import { minimaxPolynomial } from './minimax-polynomial'
import { taylorError } from './relative-error'

export interface DegreeFor {
  /** Bound on |scale·⟨q, k − centre⟩|, ≥ 0: half the range of the scores after centring. */
  readonly radius: number
  /** Relative error of one pair, before float32: 2⁻⁴⁰ ≤ ε < 1. */
  readonly epsilon: number
  /** The polynomial: the Taylor series of exp, its Chebyshev series, or the best in relative error. */
  readonly kind: 'taylor' | 'chebyshev' | 'minimax'
}

const LEAST_EPSILON = 2 ** -40
/** Largest radii for which doubles, or pairs of doubles, resolve the errors. */
const MOST_RADIUS = { taylor: 256, chebyshev: 16, minimax: 16 }
/** Factor by which a certificate may exceed the error that Remez found. */
const MARGIN = 1.002

/**
 * Finds the lowest degree whose polynomial p has |p(s)·e^{−s} − 1| ≤ ε for all |s| ≤ radius.
 * Source: Lemma 3.1 (one-pass paper), part 1, with the constants left open there; `kind` names p: the Taylor polynomial, the Chebyshev series of exp
 * on [−radius, radius] cut off, or the best there is.
 *
 * Cost: microseconds for taylor, up to 0.2 s for minimax at radius 16.
 *
 * @param radius  at most 256 (taylor) or 16; features in float32 end far below, see `certificate`
 * @throws TypeError, RangeError when radius, epsilon or kind is out of range
 * @example degreeFor({ radius: 1, epsilon: 0.01, kind: 'taylor' }) // 5
 */
export function degreeFor(options: DegreeFor): number {
  const { radius, epsilon, kind } = checkObject('degreeFor', options)
  const who = 'degreeFor'
  if (typeof kind !== 'string') throw new TypeError(`${who}: kind must be a string, got ${typeof kind}`)
  if (!Object.hasOwn(MOST_RADIUS, kind))
    throw new RangeError(`${who}: kind must be taylor, chebyshev or minimax, got ${JSON.stringify(kind)}`)
  checkFinite(who, 'radius', radius)
  if (radius < 0 || radius > MOST_RADIUS[kind])
    throw new RangeError(`${who}: radius must be from 0 to ${MOST_RADIUS[kind]} for ${kind}, got ${radius}`)
  checkFinite(who, 'epsilon', epsilon)
  if (epsilon < LEAST_EPSILON || epsilon >= 1)
    throw new RangeError(`${who}: epsilon must be from 2^-40 to below 1, got ${epsilon}`)
  if (radius === 0) return 0
  if (kind === 'chebyshev') return firstDegree((degree) => chebyshevError(degree, radius) <= epsilon)
  const taylor = firstDegree((degree) => taylorError(degree, radius) <= epsilon)
  if (kind === 'taylor') return taylor
  let [low, high] = [0, taylor] // no polynomial needs more than Taylor's
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if (minimaxWithin(middle, radius, epsilon)) high = middle
    else low = middle + 1
  }
  return low
}

function firstDegree(suffices: (degree: number) => boolean): number {
  let degree = 0
  while (!suffices(degree)) degree++
  return degree
}

function minimaxWithin(degree: number, radius: number, epsilon: number): boolean {
  const decided = (least: number, most: number) => least > epsilon || most * MARGIN <= epsilon
  return minimaxPolynomial(degree, radius, decided).most * MARGIN <= epsilon
}
