import type { FeatureMap, Method } from '@sublinear/core'
import { gaussianRows } from '@sublinear/gaussian-sketch'
import {
  certificate,
  featureDimension,
  minimaxFeatures,
  MOST_DEGREE,
  outputError,
  taylorFeatures,
} from '@sublinear/poly-features'
import type { PlanShape } from './check-options'
import type { Answer, Considered, PlanError } from './plan-types'
import { ONE_PASS, sketchBytes, type Psi } from './sketches'

const MOST_FEATURES = 2 ** 16
/** Share of ε that the features may use up where Ψ needs the other part. */
const FEATURE_SHARE = 0.5
/** Largest radius for which minimax polynomials are tried. */
const MOST_MINIMAX = 8
/** Largest norm of a row for which Ψ can be sized. */
const MOST_NORM = 1e6
/** The method that holds features: it makes a stream of any feature map. */
const FEATURES = 'taylor'
/** The method that holds every token as it is. */
export const EXACT = 'exact'
/** Error of one answer of float32 attention. */
export const ROUNDED = 2 ** -22

export interface Certified {
  readonly answer: Answer
  readonly average: number
  readonly considered: readonly Considered[]
}

/**
 * Finds a plan that holds for all data with scores within a radius: every token as it is, where the budget has room for that; else the least certified
 * degree, of Taylor features where they need no more than minimax features.
 *
 * docs/papers/certified-plan.md has the proof. A pair has a relative error of e, polynomial and float32 together; this moves an answer by at most
 * 2·(1 − √(1 − e²))/e·max|v|. Float32 sums add a term that grows with the stream. For Ψ: a row of P̃, whose weights differ by factors of at most
 * e^{2R}·(1 + e)/(1 − e),
 * has norm at most cosh(R + artanh e)/√n, and a column of V, less its mean, √n·max|v|. The float32 sums of Ψ itself count with the error that they
 * add on average over Ψ.
 */
export function certified(shape: PlanShape, radius: number): Certified {
  const { tokens, d, dv, scale, epsilon, keysAndValuesTogether, budgetBytes, weighted, methods } = shape
  const traffic = { tokens, weighted }
  const own = { d, dv, scale }
  const named = (name: string): Method | undefined => methods.find((method) => method.name === name)
  const features = named(FEATURES)
  const bytesOf = (map: FeatureMap) =>
    features?.bytes(own, { features: map.spec }, traffic) ?? 4 * map.t * dv + 8 * map.t + map.spec.length
  const tried: Tried[] = []
  const share = keysAndValuesTogether ? 1 : FEATURE_SHARE
  const meetsOwn = ({ polynomial, float32 }: Tried) => polynomial + float32 <= share * epsilon
  for (let degree = 0; degree <= MOST_DEGREE && !tried.some(meetsOwn); degree++) {
    if (featureDimension(d, degree) > MOST_FEATURES) break
    for (const [kind, map] of mapsOf(d, degree, scale, radius)) {
      if (tried.length > 0 && bytesOf(map) > budgetBytes) continue
      const { approximation, error, output } = certificate(map, { radius, tokens, weighted })
      const polynomial = Math.min(output, outputError(approximation))
      tried.push({
        features: map,
        name: `${kind} features of degree ${degree}`,
        pair: error,
        polynomial,
        float32: output - polynomial,
      })
    }
  }
  const sum = ({ polynomial, float32 }: Tried) => polynomial + float32
  const best = tried.find(meetsOwn) ?? tried.reduce((a, b) => (sum(b) < sum(a) ? b : a))
  const considered: Considered[] = tried.map((one) => ({
    name: one.name,
    options: { features: one.features.spec },
    evidence: 'certified',
    bytes: bytesOf(one.features),
    error: sum(one),
  }))
  const average = 2 * Math.tanh(radius / 2)
  const exact = keysAndValuesTogether ? named(EXACT)?.within(own, budgetBytes, traffic) : undefined
  if (exact) {
    const bytes = named(EXACT)!.bytes(own, exact, traffic)
    considered.push({ name: EXACT, options: exact, evidence: 'certified', bytes, error: ROUNDED })
    if (!meetsOwn(best)) {
      const error = { float32: ROUNDED, total: ROUNDED }
      const answer = { name: EXACT, method: EXACT, options: exact, evidence: 'certified' as const, error }
      return { answer: { ...answer, parts: { stream: bytes } }, average, considered }
    }
  }
  return { answer: answerOf(shape, radius, best, bytesOf(best.features)), average, considered }
}

/** Features that were tried, and the most that they move an answer, in units of max|v|. */
interface Tried {
  readonly features: FeatureMap
  readonly name: string
  /** Relative error of a pair, with float32. */
  readonly pair: number
  readonly polynomial: number
  /** All error that float32 adds beyond that. */
  readonly float32: number
}

/** A certified map, with the Ψ that it needs. */
function answerOf(
  { dv, epsilon, delta, keysAndValuesTogether, seed }: PlanShape,
  radius: number,
  { features, name, pair, polynomial, float32 }: Tried,
  bytes: number,
): Answer {
  const room = epsilon - polynomial - float32
  const rowNorm = pair < 1 ? Math.min(MOST_NORM, Math.cosh(radius + Math.atanh(pair))) : MOST_NORM // the largest that √n·‖P̃_j‖₂ can be
  const each = Math.min(1, (room > 0 ? room : epsilon * FEATURE_SHARE) / rowNorm)
  const psi: Psi = { kind: 'gaussian', m: gaussianRows({ epsilon: each, delta: delta / dv }), seed: String(seed) }
  const psiPart = keysAndValuesTogether ? 0 : each * rowNorm
  const error: PlanError = {
    polynomial,
    psi: psiPart,
    phi: 0,
    float32,
    total: polynomial + psiPart + float32,
  }
  const options = { features: features.spec }
  return keysAndValuesTogether
    ? { name, method: FEATURES, options, evidence: 'certified', error, parts: { stream: bytes } }
    : {
        name,
        method: ONE_PASS,
        options: { ...options, psi },
        evidence: 'certified',
        error,
        parts: { map: features.spec.length, ...sketchBytes(features, dv, { psi }) },
      }
}

function mapsOf(d: number, degree: number, scale: number, radius: number): [string, FeatureMap][] {
  const taylor: [string, FeatureMap] = ['Taylor', taylorFeatures({ d, degree, scale })]
  if (radius === 0 || radius > MOST_MINIMAX) return [taylor]
  try {
    return [taylor, ['minimax', minimaxFeatures({ d, degree, radius, scale })]]
  } catch {
    return [taylor] // with so large a float32 error, a lower degree would do as well
  }
}
