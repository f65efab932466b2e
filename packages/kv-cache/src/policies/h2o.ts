import { checkInteger, type Given } from '@sublinear/core'
import { scored } from '../scored'
import { scoredMethod } from '../scored-method'

const KIND = 'h2o'

export interface H2oOptions {
  /** Tokens held, ≥ 1. */
  readonly count: number
  /** Tokens kept because they are the latest, whatever attention they received. Default: half of those held, as in the paper. */
  readonly recent?: number | undefined
}

/**
 * A tier that keeps the tokens that have received the most attention, and the latest tokens.
 * Source: Zhang et al., H2O: Heavy-Hitter Oracle for Efficient Generative Inference of Large Language Models (2023). Deviation: tokens
 *   leave 64 at a time, at fixed places of the stream, and not one by one; the attention of the query heads of a group is added up.
 *
 * Guarantee: that of `scored`. Attention is a share of the softmax over everything that the stream was given, in calls of `step`, since the token arrived;
 *   behind other tiers, since it arrived in this one.
 * Cost: the bytes of the store, and 12 more a token; 2·count·d operations and count exponentials a query.
 *
 * @param count  tokens kept, ≥ 1; recent  how many of these are the latest, 0 to count; store, buffer  as in `window`
 * @throws TypeError, RangeError when an option is no such integer, or store is no token store
 * @example
 * const stream = h2o({ count: 16 })({ d: 2, dv: 2, scale: 1 })
 * stream.step({ keys: matrix(100, 2), values: matrix(100, 2) }, matrix(100, 2))
 * stream.tokens // 100
 */
export const h2o = scored<H2oOptions, Given<H2oOptions>>({
  name: KIND,
  source: 'Zhang et al., H2O: Heavy-Hitter Oracle for Efficient Generative Inference of Large Language Models (2023)',
  learns: 'received',
  settle({ count, recent = Math.floor(count / 2) }) {
    checkInteger(KIND, 'recent', recent, 0, count)
    return { count, recent }
  },
  stays: ({ recent }) => ({ recent }),
  score: ({ received }) => received!.slice(),
})

export const h2oMethod = scoredMethod(h2o, { fewest: ({ recent = 0 }) => Math.max(1, recent) })
