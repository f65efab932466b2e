import { scored } from '../scored'
import { scoredMethod } from '../scored-method'

/**
 * A policy that keeps the tokens to which the queries that saw them gave the most attention on average.
 * Source: the mean in place of the sum of Zhang et al., H2O (2023), as NVIDIA's kvpress has it (ObservedAttention, 2024), so that old tokens have
 *   no advantage. Deviation: only queries that came while the token was held count; where a prompt comes in one piece, these are all that saw it.
 *
 * Guarantee: exact over the tokens held. A token that left at a selection had received no more a query than any that stayed; of equals, the earlier left. A
 *   token that no query saw has received nothing.
 * Cost: one division a token at each selection, and the sums, 16 bytes a token.
 *
 * @param count  tokens kept, ≥ 1
 * @example
 * const stream = observedAttention({ count: 16 })({ d: 2, dv: 2, scale: 1 })
 * stream.step({ keys: matrix(100, 2), values: matrix(100, 2) }, matrix(100, 2))
 * stream.tokens // 100
 */
export const observedAttention = scored({
  name: 'observedAttention',
  source: 'ObservedAttention of NVIDIA kvpress (2024), after Zhang et al., H2O (2023)',
  learns: 'watched',
  score: ({ count, received, watched }) =>
    Float64Array.from({ length: count }, (_, i) => {
      const queries = watched?.[i] ?? 0
      return queries > 0 ? received![i] / queries : 0
    }),
})

export const observedAttentionMethod = scoredMethod(observedAttention)
