import { schema } from '@sublinear/core'
import { MOST_BUFFER } from './token-options'

/** Schema of a tier that holds tokens: its sizes; `store` says how the tokens are held. */
export const tierSchema = schema({
  parameters: {
    count: { whole: true, least: 1 },
    buffer: { whole: true, least: 1, most: MOST_BUFFER },
    store: 'text',
  },
})

/** Schema of tiers; `waiting` says how waiting tokens are held, where not in float32; `metric` is the lower triangle of C, row by row. */
export const tiersSchema = schema(
  {
    parameters: {
      buffer: { whole: true, least: 1, most: MOST_BUFFER },
      parts: { whole: true, least: 1 },
      waiting: 'text',
      metric: 'text',
    },
  },
  {
    'Each of `parts` is a snapshot of its own, under `part-0`, `part-1`, …': ({ parameters }, { said }) =>
      parameters.parts <= said,
  },
)

/** Schema of a measured stream, all of which stands in two snapshots within it. */
export const measuredSchema = schema(
  { kind: 'measured', version: '1' },
  {
    'The stream is a snapshot of its own, under `of`, and so is the sample of its tokens, under `sample`.': () => true,
  },
)
