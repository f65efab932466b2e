import { matrix } from '@sublinear/core'
import { certificate, taylorFeatures } from '@sublinear/poly-features'
import { polynomialAttention } from '@sublinear/streaming-attention'
import type { Prepare } from '../statement.ts'
import { direction, noise } from './noise.ts'

const TOKENS = 64

/** Trials of one stream each: a query, keys whose scores are uniform in [−R, R], and the values that are worst for them. */
export const featureAnswers: Prepare = ({ radius, degree, claim }) => {
  const features = taylorFeatures({ d: 3, degree, scale: 1 })
  const { error, output } = certificate(features, { radius, tokens: TOKENS })
  return {
    facts: `weights within ${percent(error)}, so answers within ${percent(output)} of the largest |v|${output < 2 ? '' : ', which says nothing'}`,
    trial: (seed) => {
      const own = noise(seed)
      const query = Float32Array.from(direction(own, Math.sqrt(radius)))
      const keys = Float32Array.from(Array.from({ length: TOKENS }, () => direction(own, Math.sqrt(radius))).flat())
      const weights = Float64Array.from({ length: TOKENS }, (_, i) =>
        Math.exp(query.reduce((sum, x, c) => sum + x * keys[3 * i + c], 0)),
      )
      const values = Float32Array.from(weights, (weight) => (factor(Math.log(weight), degree) > 1 ? 1 : -1))
      const all = { keys: matrix(TOKENS, 3, keys), values: matrix(TOKENS, 1, values) }
      const answer = polynomialAttention({ ...all, queries: matrix(1, 3, query), features }).data[0]
      const exact = weights.reduce((sum, w, i) => sum + w * values[i], 0) / weights.reduce((sum, w) => sum + w, 0)
      return Math.abs(answer - exact) / (claim * output)
    },
  }
}

/** The Taylor polynomial of a score over its exponential. */
function factor(score: number, degree: number): number {
  let [term, sum] = [1, 1]
  for (let j = 1; j <= degree; j++) sum += term *= score / j
  return sum * Math.exp(-score)
}

const percent = (share: number) => `${Number((100 * share).toPrecision(2))} %`
