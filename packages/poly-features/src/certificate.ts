import { checkFinite, checkObject, type FeatureMap } from '@sublinear/core'
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
   * Premise under which `approximation` holds for a pair. 'score': |scale·⟨q, k − centre⟩| ≤ radius. 'norms': scale·‖q‖·‖k − centre‖ ≤ radius. 'none': no pair
   * has a bound.
   */
  readonly premise: 'score' | 'norms' | 'none'
  readonly radius: number
  /** Bound on |⟨φ(q), φ(k)⟩/e^{scale·⟨q, k − centre⟩} − 1| in exact arithmetic; ∞ where there is none. */
  readonly approximation: number
  /** Bound on what float32 adds while scale·‖q‖·‖k − centre‖ ≤ radius: a little more than (6·radius + 2)·2⁻²⁴·e^{2·radius}. */
  readonly rounding: number
  /** The number 2⁻²⁴·e^{2·radius}: what float32 adds to the worst pairs in practice is 0.3 to 0.8 of it, where measured. */
  readonly cancellation: number
  /** Sum of approximation and rounding, for pairs that meet both premises. */
  readonly error: number
  /** Bound on what the float32 sums of a feature stream over so many tokens add to an answer, in units of max|v|; see `sumRounding`. */
  readonly sums: number
  /** Bound on the error of an answer of a feature stream over so many tokens, entry by entry, in units of max|v|: at most 2, as for any average. */
  readonly output: number
  /** Pairs whose inner product cannot be negative, in exact arithmetic: every pair, pairs that meet the premise, or none for certain. */
  readonly positive: 'everywhere' | 'within' | 'no'
  /** Expectation of the inner product over the seed. */
  readonly unbiased?: 'exp' | 'taylor polynomial' | undefined
  /**
   * Verdict on the ε asked for. 'ok': error ≤ ε. 'degree': approximation > ε, and a higher degree may do. 'rounding': only the proven bound of float32 is too
   * large. 'infeasible': cancellation > ε, so no degree helps in float32 and the range of scores must be shortened. 'uncertified': no pair has a bound.
   */
  readonly verdict: 'ok' | 'degree' | 'rounding' | 'infeasible' | 'uncertified'
}

export interface CertificateOptions {
  /** Radius at which the bound is wanted. Default: the map's own radius. */
  readonly radius?: number | undefined
  /** Relative error asked for, > 0. Default: 1, where a bound says nothing any more. */
  readonly epsilon?: number | undefined
  /** Number of tokens of the stream that `sums` and `output` describe, ≥ 0. Default 0. */
  readonly tokens?: number | undefined
  /** Whether its tokens may have weights other than 1. Default false. */
  readonly weighted?: boolean | undefined
}

/** Unit of float32 rounding. */
const UNIT = 2 ** -24
const MOST_RADIUS = 256

/**
 * Certifies a feature map of this package: says which error it guarantees for one pair and for an answer of a stream of such pairs, and what is not
 * guaranteed.
 * Source: Lemma 3.1 (one-pass paper), parts 1 and 4, with constants and float32; docs/papers/certified-plan.md has the proof. A pointwise relative error
 * ε < 1 moves a softmax output by at most (1 − √(1 − ε²))/ε of the range of the values, and for some tokens it does.
 *
 * Float32: a feature of degree j is the product of j variables, as many constants and earlier roundings, so a term of ⟨φ(q), φ(k)⟩ is off by at most
 * (6j + 2) roundings, and the terms' sizes add up to e^{Σ|a_i·b_i|}; at score −radius the sum itself is e^{−radius}. Sums over many tokens fare better.
 *
 * Cost: O(degree³); for a minimax map the polynomial is computed again, which takes 10 to 100 ms.
 *
 * @throws RangeError when the map is of another package, or radius or epsilon out of range
 * @example certificate(taylorFeatures({ d: 8, degree: 4, scale: 1 }), { radius: 1 }).approximation.toFixed(4) // 0.0194
 */
export function certificate(features: FeatureMap, options: CertificateOptions = {}): Certificate {
  checkObject('certificate', features, 'features')
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
  // The bound on Σ_f |φ_f(q)·φ_f(k)| over the smallest possible weight: Σ_f ≤ most, ⟨φ(q), φ(k)⟩ ≥ (1 − error)·e^{−radius}.
  const spread = error < 1 ? (statement.most * Math.exp(radius)) / (1 - error) : Infinity
  const sums = spread * sumRounding({ t: features.t, tokens, weighted })
  // Up to 64 tokens wait and are answered by float32 attention itself, whose weights have a smaller error except at the highest degrees.
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
  /** Bound on Σ_f |φ_f(q)·φ_f(k)| while scale·‖q‖·‖k − centre‖ ≤ radius. */
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

/**
 * The bound of rounding: roundings of the variables move the score by `moved` units; those of the terms of degree j, Σ w_j·radius^j/j!, count relative to
 * e^{−radius}.
 */
function roundingOf(weights: readonly number[], radius: number, moved: number): number {
  let [sum, power] = [0, 1]
  for (const [j, w] of weights.entries()) {
    if (j > 0) power *= radius / j
    sum += (6 * j + 2) * w * power
  }
  return UNIT * (moved + sum * Math.exp(radius)) * 1.001
}

/** The sum Σ_j |c_j|·radius^j. */
function sizeOf(coefficients: ArrayLike<number>, radius: number): number {
  let sum = 0
  for (let j = coefficients.length - 1; j >= 0; j--) sum = sum * radius + Math.abs(coefficients[j])
  return sum
}
