import { checkInteger, type Given } from '@sublinear/core'
import { scored } from '../scored'
import { scoredMethod } from '../scored-method'

const KIND = 'h2o'

export interface H2oOptions {
  /** Tokens held, ≥ 1. */
  readonly count: number
  /** Tokens kept because they are the latest, whatever their attention. Default half of those held, the paper's. */
  readonly recent?: number | undefined
}

/**
 * A tier that keeps the tokens which have received the most attention, and the latest.
 * Source: Zhang et al., H2O: Heavy-Hitter Oracle for Efficient Generative Inference of Large Language Models (2023). Deviation: tokens
 *   leave 64 at a time, at fixed places of the stream, and not one a token; the query heads of a group add up.
 *
 * Guarantee: that of `scored`. Attention is that of the softmax over everything, in `step`, from the token's arrival on; behind other tiers from
 *   its arrival here on.
 * Cost: the store's, and 12 bytes a token; 2·count·d operations and count exponentials a query.
 *
 * @param count  tokens kept, ≥ 1; recent  of these the latest, from 0 to count; store, buffer  as window has them
 * @throws TypeError, RangeError when one is no such integer or store no token store
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
