import { checkInteger, type Matrix, type Given } from '@sublinear/core'
import { scored } from '../scored'
import { scoredMethod } from '../scored-method'
import { squaredNorms } from '../scoring'

export interface CurOptions {
  readonly count: number
  /** Neighbours, from the first token on, among which a token's leverage is a share. Default 16, as kvpress has it. */
  readonly block?: number | undefined
  /** Tokens kept for good, the first of the stream. Default 4, as kvpress has it, or `count` where that is less. */
  readonly first?: number | undefined
}

/**
 * A policy that keeps the tokens of the highest leverage: that of the key times that of the value.
 * Source: Sengupta et al., Value-Guided KV Compression for LLMs via Approximated CUR Decomposition (2025), CurDKV. The paper estimates leverage by
 *   squared row norms of K·G and V·G for a Gaussian G; here it is their mean over G, squared row norms of K and V, without randomness. Each is
 *   divided by its sum over a block of neighbours, as in kvpress. Deviation: blocks are of the tokens there at a selection, the
 *   last one as long as it is; in one piece they are those of the prompt. Weights do not count.
 *
 * Guarantee: exact over the tokens held. What left at a selection had no higher a product than all that stayed and are not among the first, of
 *   equals the earlier.
 * Cost: d + dv operations a token at each selection; nothing beside the tokens.
 *
 * @param count  tokens kept, ≥ 1; block  ≥ 1; first  from 0 to count
 * @throws TypeError, RangeError when one is no such integer
 * @example
 * const stream = cur({ count: 16 })({ d: 2, dv: 2, scale: 1 })
 * stream.push({ keys: matrix(100, 2), values: matrix(100, 2) })
 * console.log(stream.tokens, stream.bytes) // 100 1344
 */
export const cur = scored<CurOptions, Given<CurOptions>>({
  name: 'cur',
  source: 'Sengupta et al., Value-Guided KV Compression for LLMs via Approximated CUR Decomposition (2025)',
  learns: 'nothing',
  settle({ count, block = 16, first = Math.min(4, count) }) {
    checkInteger('cur', 'block', block, 1)
    checkInteger('cur', 'first', first, 0, count)
    return { count, block, first }
  },
  stays: ({ first }) => ({ first }),
  score(tokens, { block }) {
    const ofValues = leverage(tokens.values(), block)
    return leverage(tokens.keys(), block).map((ofKey, i) => ofKey * ofValues[i])
  },
})

export const curMethod = scoredMethod(cur, { fewest: ({ first = 0 }) => Math.max(1, first) })

/** The share of each row in the squared norms of its block. */
function leverage(matrix: Matrix, block: number): Float64Array {
  const shares = squaredNorms(matrix)
  for (let from = 0; from < shares.length; from += block) {
    const part = shares.subarray(from, from + block)
    const total = part.reduce((a, b) => a + b)
    if (total > 0) for (let i = 0; i < part.length; i++) part[i] /= total
  }
  return shares
}
