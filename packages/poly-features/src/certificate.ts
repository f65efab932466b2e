import { checkFinite, type FeatureMap } from '@sublinear/core'
import { evenPrefixes, exponentsOf, wholeDegree } from './anisotropic-map'
import { readAnisotropy } from './anisotropic-spec'
import { minimaxCoefficients } from './minimax-features'
import { isPositive } from './positivity'
import { normsError, relativeError, taylorError } from './relative-error'
import { readSpec } from './restore-features'
import { sumRounding } from './sum-rounding'
import { outputError } from './transfer'

export interface Certificate {
  /**
   * Premise of `approximation` for a pair, as an inequality with `radius`: 'score', |scale·⟨q, k − centre⟩| ≤ radius; 'norms',
   * scale·‖q‖·‖k − centre‖ ≤ radius; 'none', there is no bound for any pair.
   */
  readonly premise: 'score' | 'norms' | 'none'
  readonly radius: number
  /** |⟨φ(q), φ(k)⟩/e^{scale·⟨q, k − centre⟩} − 1| is at most this in exact arithmetic. ∞ where there is no bound. */
  readonly approximation: number
  /** Most that float32 adds while scale·‖q‖·‖k − centre‖ ≤ radius: (6·radius + 2)·2⁻²⁴·e^{2·radius} and a little. */
  readonly rounding: number
  /** 2⁻²⁴·e^{2·radius}: the size of what float32 adds to the worst pairs in practice, between 0.3 and 0.8 of it where measured. */
  readonly cancellation: number
  /** approximation + rounding, for pairs with both premises. */
  readonly error: number
  /** Most that the float32 sums of a feature stream over so many tokens add to an answer, in units of max|v|; see `sumRounding`. */
  readonly sums: number
  /** Most that one answer of a feature stream over so many tokens is off by, entry by entry, in units of max|v|: at most 2, which any average is. */
  readonly output: number
  /** Where inner products cannot be negative, in exact arithmetic: for every pair, where the premise holds, or nowhere for sure. */
  readonly positive: 'everywhere' | 'within' | 'no'
  /** Expectation of the inner product over the seed. */
  readonly unbiased?: 'exp' | 'taylor polynomial' | undefined
  /**
   * Against the ε asked for: 'ok', error ≤ ε; 'degree', approximation > ε, a higher degree may do; 'rounding', only the proven bound of float32 stands
   * in the way; 'infeasible', cancellation > ε, no degree helps in float32: shorten the range of scores; 'uncertified', no pair has a bound.
   */
  readonly verdict: 'ok' | 'degree' | 'rounding' | 'infeasible' | 'uncertified'
}

export interface CertificateOptions {
  /** Where the bound is wanted. Default: the map's own radius. */
  readonly radius?: number | undefined
  /** The relative error asked for, > 0. Default: 1, where a bound ceases to say anything. */
  readonly epsilon?: number | undefined
  /** Length of the stream that `sums` and `output` are about, in tokens, ≥ 0. Default 0. */
  readonly tokens?: number | undefined
  /** Whether its tokens may have weights other than 1. Default false. */
  readonly weighted?: boolean | undefined
}

/** A float32 rounding. */
const UNIT = 2 ** -24
const MOST_RADIUS = 256

/**
 * The error of one pair that a feature map of this package guarantees, that of an answer of a stream of such pairs, and what is not guaranteed.
 * Source: Lemma 3.1 (one-pass paper), parts 1 and 4, with constants and float32; docs/papers/certified-plan.md has the proof. A pointwise relative error
 * ε < 1 moves a softmax output by at most (1 − √(1 − ε²))/ε of the range of the values, and there are tokens that it moves so far.
 *
 * Float32: a feature of degree j is the product of j variables, as many constants and earlier roundings, so a term of ⟨φ(q), φ(k)⟩ is off by at most
 * (6j + 2) roundings, and the terms' sizes add up to e^{Σ|a_i·b_i|}; at score −radius the sum itself is e^{−radius}. Sums over many tokens fare better.
 *
 * Cost: O(degree³); a minimax polynomial is found again, 10 to 100 ms.
 *
 * @throws RangeError when the map is of another package, or radius or epsilon out of range
 * @example certificate(taylorFeatures({ d: 8, degree: 4, scale: 1 }), { radius: 1 }).approximation.toFixed(4) // 0.0194
 */
export function certificate(features: FeatureMap, options: CertificateOptions = {}): Certificate {
  const who = 'certificate'
  const { radius = features.radius, epsilon = 1 } = options
  checkFinite(who, 'radius', radius)
  if (radius < 0 || radius > MOST_RADIUS)
    throw new RangeError(`${who}: radius must be from 0 to ${MOST_RADIUS}, got ${radius}`)
  checkFinite(who, 'epsilon', epsilon, 0)
  const statement = statementOf(who, features, radius)
  const { premise, approximation, rounding } = statement
  const cancellation = UNIT * Math.exp(2 * radius)
  const error = approximation + rounding
  const { tokens = 0, weighted = false } = options
  if (!(tokens >= 0)) throw new RangeError(`${who}: tokens must be a number >= 0, got ${tokens}`)
  // Σ_f |φ_f(q)·φ_f(k)| over the least weight that there can be: Σ_f ≤ most, ⟨φ(q), φ(k)⟩ ≥ (1 − error)·e^{−radius}.
  const spread = error < 1 ? (statement.most * Math.exp(radius)) / (1 - error) : Infinity
  const sums = spread * sumRounding({ t: features.t, tokens, weighted })
  // Up to 64 tokens wait and are answered by float32 attention itself: their weights are off by less, but for the highest degrees.
  const waiting = UNIT * ((features.d + 4) * radius + 4)
  const output = Math.min(2, outputError(Math.max(error, waiting)) + sums)
  const verdict = (): Certificate['verdict'] => {
    if (premise === 'none') return 'uncertified'
    if (cancellation > epsilon) return 'infeasible'
    if (error <= epsilon) return 'ok'
    return approximation > epsilon ? 'degree' : 'rounding'
  }
  const { most: _, ...stated } = statement
  return { ...stated, radius, cancellation, error, sums, output, verdict: verdict() }
}

interface Statement extends Omit<Certificate, 'radius' | 'cancellation' | 'error' | 'sums' | 'output' | 'verdict'> {
  /** Σ_f |φ_f(q)·φ_f(k)| at most, while scale·‖q‖·‖k − centre‖ ≤ radius. */
  readonly most: number
}

function statementOf(who: string, { spec, d }: FeatureMap, radius: number): Statement {
  const fields = readSpec(who, spec)
  const { kind } = fields
  const degree = fields['degree'] as number
  if (kind === 'taylor') {
    const approximation = taylorError(degree, radius)
    const rounding = roundingOf(
      Array.from({ length: degree + 1 }, () => 1),
      radius,
      6 * radius,
    )
    const positive = degree % 2 === 0 ? 'everywhere' : approximation < 1 ? 'within' : 'no'
    return { premise: 'score', approximation, rounding, positive, most: Math.exp(radius) }
  }
  if (kind === 'minimax') {
    const coefficients = minimaxCoefficients(who, degree, fields['radius'] as number)
    const approximation = relativeError(coefficients, radius * (1 + 2 ** -20))
    let factorial = 1
    const weights = Array.from(coefficients, (c, j) => Math.abs(c) * (factorial *= Math.max(1, j)))
    const positive = isPositive(coefficients) ? 'everywhere' : approximation < 1 ? 'within' : 'no'
    const most = sizeOf(coefficients, radius)
    return { premise: 'score', approximation, rounding: roundingOf(weights, radius, 6 * radius), positive, most }
  }
  if (kind === 'anisotropic') {
    const parts = readAnisotropy(who, fields)
    const { degrees } = exponentsOf(parts)
    const approximation = normsError(wholeDegree(d, degrees), radius)
    const top = degrees.reduce((a, b) => Math.max(a, b))
    const rounding = roundingOf(
      Array.from({ length: top + 1 }, () => 1),
      radius,
      4 * (d + 4) * radius,
    )
    const isBlock = evenPrefixes(parts.block)[0] === degrees.length
    return {
      premise: 'norms',
      approximation,
      rounding,
      most: Math.exp(radius),
      positive: isBlock ? 'everywhere' : approximation < 1 ? 'within' : 'no',
    }
  }
  const none = { premise: 'none', approximation: Infinity, rounding: Infinity, most: Infinity } as const
  if (kind === 'nystrom') return { ...none, positive: 'no' }
  return {
    ...none,
    positive: kind === 'random' ? 'everywhere' : 'no',
    unbiased: kind === 'tensor-sketch' ? 'taylor polynomial' : 'exp',
  }
}

/** Roundings of the variables move the score by `moved` units; those of the terms of degree j, Σ w_j·radius^j/j!, stand against e^{−radius}. */
function roundingOf(weights: readonly number[], radius: number, moved: number): number {
  let [sum, power] = [0, 1]
  for (const [j, w] of weights.entries()) {
    if (j > 0) power *= radius / j
    sum += (6 * j + 2) * w * power
  }
  return UNIT * (moved + sum * Math.exp(radius)) * 1.001
}

/** Σ_j |c_j|·radius^j. */
function sizeOf(coefficients: ArrayLike<number>, radius: number): number {
  let sum = 0
  for (let j = coefficients.length - 1; j >= 0; j--) sum = sum * radius + Math.abs(coefficients[j])
  return sum
}
