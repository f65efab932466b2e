import { matrix } from '@sublinear/core'
import { certificate, degreeFor, minimaxFeatures, taylorFeatures } from '@sublinear/poly-features'
import { ERRORS } from '../statements/feature-degree.ts'
import type { Prepare } from '../statement.ts'
import { direction, noise } from './noise.ts'

/** Trials of one score each, uniform in [−R, R]: the query and the key are directions of length √R in three dimensions. */
export const featureDegree: Prepare = ({ radius, error, kind, less }) => {
  const epsilon = ERRORS[error]
  const needed = degreeFor({ radius, epsilon, kind: kind === 1 ? 'minimax' : 'taylor' })
  const degree = Math.max(0, needed - less)
  const size = { d: 3, degree, scale: 1 }
  const features = kind === 1 ? minimaxFeatures({ ...size, radius }) : taylorFeatures(size)
  const bound = epsilon + certificate(features, { radius }).rounding // what float32 may add to ε
  const [ofQuery, ofKey, shift] = [matrix(1, features.t), matrix(1, features.t), new Float32Array(1)]
  return {
    facts: `degree ${degree}${less > 0 ? `, where ${needed} is needed` : ''}: ${features.t} features at d = 3`,
    trial: (seed) => {
      const own = noise(seed)
      const query = Float32Array.from(direction(own, Math.sqrt(radius)))
      const key = Float32Array.from(direction(own, Math.sqrt(radius)))
      features.mapQueries(matrix(1, 3, query), ofQuery, shift)
      features.mapKeys(matrix(1, 3, key), ofKey)
      const weight = ofQuery.data.reduce((sum, x, f) => sum + x * ofKey.data[f], 0)
      const score = query.reduce((sum, x, c) => sum + x * key[c], 0)
      return Math.abs(weight * Math.exp(shift[0] - score) - 1) / bound
    },
  }
}
