import { gaussianRows } from '@sublinear/gaussian-sketch'
import { certificate, featureDimension, minimaxFeatures, MOST_DEGREE, taylorFeatures } from '@sublinear/poly-features'
import type { FeatureMap } from '@sublinear/core'
import { featureBytes, total } from './candidates'
import { costOf } from './cost'
import type { Considered, Plan, PlanError } from './plan'
import type { PlanShape } from './predicted'
import { sketchBytes, type StreamPlan } from './stream-plan'
import { verdictOf } from './verdict'

const MOST_FEATURES = 2 ** 16
/** What the features may use up of ε where Ψ takes the rest. */
const FEATURE_SHARE = 0.5
/** Radius to which minimax polynomials go. */
const MOST_MINIMAX = 8

/**
 * The plan that holds for all data with scores within a radius: the least certified degree, Taylor's where it does as well.
 *
 * A pointwise relative error e moves an answer by at most 2e/(1 − e)·max|v|. Ψ: with scores in [−R, R] a row of weights has
 * norm at most e^R/√n and a column of V, less its mean, √n·max|v|.
 */
export function certifiedPlan(shape: PlanShape & { readonly radius: number }): Plan {
  const { n, d, dv, scale, radius, epsilon, keysAndValuesTogether, budgetBytes, task } = shape
  const tried: { features: FeatureMap; name: string; polynomial: number; float32: number }[] = []
  const share = keysAndValuesTogether ? 1 : FEATURE_SHARE
  const meetsOwn = ({ polynomial, float32 }: { polynomial: number; float32: number }) =>
    polynomial + float32 <= share * epsilon
  for (let degree = 0; degree <= MOST_DEGREE && !tried.some(meetsOwn); degree++) {
    if (featureDimension(d, degree) > MOST_FEATURES) break
    for (const [kind, features] of mapsOf(d, degree, scale, radius)) {
      if (tried.length > 0 && total(featureBytes(features, dv)) > budgetBytes) continue
      const { approximation, rounding } = certificate(features, { radius })
      tried.push({
        features,
        name: `${kind} features of degree ${degree}`,
        polynomial: moved(approximation),
        float32: moved(rounding),
      })
    }
  }
  const sum = ({ polynomial, float32 }: (typeof tried)[number]) => polynomial + float32
  const best = tried.find(meetsOwn) ?? tried.reduce((a, b) => (sum(b) < sum(a) ? b : a))
  const { features, name, polynomial, float32 } = best
  const room = epsilon - sum(best)
  const each = Math.min(1, (room > 0 ? room : epsilon * FEATURE_SHARE) / Math.exp(radius))
  const stream: StreamPlan = {
    kind: keysAndValuesTogether ? 'feature' : 'one-pass',
    name,
    t: features.t,
    features: features.spec,
    ...(!keysAndValuesTogether && {
      psi: {
        kind: 'gaussian',
        m: gaussianRows({ epsilon: each, delta: shape.delta / dv }),
        seed: String(shape.seed),
      },
    }),
  }
  const psi = stream.psi ? each * Math.exp(radius) : 0
  const error: PlanError = { polynomial, psi, phi: 0, float32, total: polynomial + psi + float32 }
  const parts = keysAndValuesTogether
    ? featureBytes(features, dv)
    : { map: features.spec.length, ...sketchBytes(features, dv, stream) }
  const considered: Considered[] = tried.map((one) => ({
    name: one.name,
    bytes: total(featureBytes(one.features, dv)),
    error: sum(one),
  }))
  const plan = {
    n,
    d,
    dv,
    scale,
    epsilon,
    task,
    keysAndValuesTogether,
    unit: 'max |v|' as const,
    stream,
    cost: costOf(parts, n, d, dv),
    error,
    baselines: { zero: 1, average: 2 * Math.tanh(radius / 2) },
    considered,
  }
  return { ...plan, ...verdictOf(plan, budgetBytes) }
}

function mapsOf(d: number, degree: number, scale: number, radius: number): [string, FeatureMap][] {
  const taylor: [string, FeatureMap] = ['Taylor', taylorFeatures({ d, degree, scale })]
  if (radius === 0 || radius > MOST_MINIMAX) return [taylor]
  try {
    return [taylor, ['minimax', minimaxFeatures({ d, degree, radius, scale })]]
  } catch {
    return [taylor] // a lower degree is exact in float32 already
  }
}

/** What a pointwise relative error does to an answer, in units of max|v|: never more than 2. */
const moved = (error: number) => (error < 1 / 2 ? (2 * error) / (1 - error) : 2)
