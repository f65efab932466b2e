import { schema } from '@sublinear/core'
import { MOST_BUFFER } from './token-options'

/** Sizes of a tier that holds tokens, as snapshots have them; `store` says how they are held. */
export const tierSchema = schema({
  parameters: {
    count: { whole: true, least: 1 },
    buffer: { whole: true, least: 1, most: MOST_BUFFER },
    store: 'text',
  },
})

/** Tiers, as snapshots have them; `waiting` says how tokens that wait are held, where not in float32. */
export const tiersSchema = schema(
  {
    parameters: {
      buffer: { whole: true, least: 1, most: MOST_BUFFER },
      parts: { whole: true, least: 1 },
      waiting: 'text',
    },
  },
  {
    'Each of `parts` is a snapshot of its own, under `part-0`, `part-1`, …': ({ parameters }, { said }) =>
      parameters.parts <= said,
  },
)
