import { scored } from '../scored'
import { scoredMethod } from '../scored-method'
import { sumOfHeads } from '../scoring'

/**
 * A tier that keeps the tokens to which the last query gives the most attention, wherever they stand.
 * Source: Oren et al., Transformers are Multi-State RNNs (2024). Deviation: tokens leave 64 at a time, at fixed places of the stream,
 *   by the query of the last token before that place, and not one by one; the attention of the query heads of a group is added up.
 *
 * Guarantee: that of `scored`. The last query is the last one given to `step`; before the first query, the oldest tokens leave.
 * Cost: the bytes of the store, 4 more a token, and 4·d + 12 for each query head; every 64 tokens one query's scores.
 *
 * @param count  tokens kept, ≥ 1; store, buffer  as in `window`
 * @throws TypeError, RangeError when count is no integer ≥ 1 or store no token store
 * @example
 * const stream = tova({ count: 16 })({ d: 2, dv: 2, scale: 1 })
 * stream.step({ keys: matrix(100, 2), values: matrix(100, 2) }, matrix(100, 2))
 * stream.tokens // 100
 */
export const tova = scored({
  name: 'tova',
  source: 'Oren et al., Transformers are Multi-State RNNs (2024)',
  learns: 'lastQueries',
  score: ({ count, shares }) => sumOfHeads(shares!(), count),
})

export const tovaMethod = scoredMethod(tova)
