import { certificate, degreeFor, featureDimension, MOST_DEGREE, taylorFeatures } from '@sublinear/poly-features'
import { featureBytes } from './candidates'
import { costOf } from './cost'
import type { PlanShape } from './predicted'
import type { Plan, PlanError } from './plan'
import { NONZEROS, sketchBytes, type StreamPlan } from './stream-plan'
import { verdictOf } from './verdict'

export function certifiedPlan(shape: PlanShape & { readonly radius: number }): Plan {
  throw new Error(String([certificate, degreeFor, featureDimension, MOST_DEGREE, taylorFeatures, featureBytes, costOf, NONZEROS, sketchBytes, verdictOf, shape] as unknown) + String({} as PlanError | StreamPlan))
}
