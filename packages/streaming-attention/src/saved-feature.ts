import { COUNT, FINITE, KEYS, NOT_NEGATIVE, schema, SIZE, VALUES, WEIGHTS } from '@sublinear/core'
import { FOLDED, LONG } from '@sublinear/poly-features'
import { isReachable } from './reachable-moments'

/** Snapshots of feature streams: the sums over the tokens that are folded, and the tokens that wait. */
export const featureSchema = schema(
  {
    parameters: { features: 'text', dv: SIZE, tokens: COUNT, weight: NOT_NEGATIVE },
    tensors: {
      state: { type: 'F32', size: 't · dv', ...FINITE },
      totals: { type: 'F64', size: 't', ...FINITE },
      rest: { type: 'F32', size: 't · dv', optional: true, ...FINITE },
      keys: KEYS,
      values: VALUES,
      weights: WEIGHTS,
    },
  },
  {
    'At most 64 tokens wait, no more than `tokens`, and at least one once there was any.': (
      { parameters: { tokens }, tensors: { keys } },
      { d },
    ) => keys.length <= d * Math.min(tokens, FOLDED) && keys.length >= d * Math.min(tokens, 1),
    'They have a row of `values` each, and a weight where there are `weights`.': (
      { parameters: { dv }, tensors: { keys, values, weights } },
      { d },
    ) => values.length * d === keys.length * dv && (weights.length === 0 || weights.length * d === keys.length),
    'The weight is at most 2^53 · `tokens`.': ({ parameters: { tokens, weight } }) =>
      isReachable({ weight, mean: new Float64Array(0) }, tokens, 0),
    'There is a `rest` only where more than 65,536 tokens are folded.': (
      { parameters: { tokens }, tensors: { keys, rest } },
      { d },
    ) => rest.length === 0 || tokens - keys.length / d > LONG,
  },
)
