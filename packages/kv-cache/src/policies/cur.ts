import { checkInteger, type Matrix, type Given } from '@sublinear/core'
import { scored } from '../scored'
import { scoredMethod } from '../scored-method'
import { squaredNorms } from '../scoring'

export interface CurOptions {
  readonly count: number
  /** Number of neighbouring tokens, counted from the first token, over which leverages add up to 1. Default 16, as in kvpress. */
  readonly block?: number | undefined
  /** First tokens of the stream, kept for good. Default 4, as in kvpress, or `count` where that is less. */
  readonly first?: number | undefined
}

/**
 * A policy that keeps the tokens of the highest leverage: the leverage of the key times the leverage of the value.
 * Source: Sengupta et al., Value-Guided KV Compression for LLMs via Approximated CUR Decomposition (2025), CurDKV. The paper estimates leverage by
 *   squared row norms of K·G and V·G for a Gaussian G; here it is their mean over G, the squared row norms of K and V, without randomness. Each is
 *   divided by its sum over a block of neighbours, as in kvpress. Deviation: blocks are made of the tokens that are there at a selection, and the
 *   last one may be shorter; where a prompt comes in one piece, they are the blocks of the prompt. Weights do not count.
 *
 * Guarantee: exact over the tokens held. A token that left at a selection had no higher a product than any token that stayed and is not among the first; of
 *   equals, the earlier left.
 * Cost: d + dv operations a token at each selection; no bytes beside the tokens.
 *
 * @param count  tokens kept, ≥ 1; block  ≥ 1; first  from 0 to count
 * @throws TypeError, RangeError when an option is no such integer
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

/** The share that each row has in the squared norms of its block. */
function leverage(matrix: Matrix, block: number): Float64Array {
  const shares = squaredNorms(matrix)
  for (let from = 0; from < shares.length; from += block) {
    const part = shares.subarray(from, from + block)
    const total = part.reduce((a, b) => a + b)
    if (total > 0) for (let i = 0; i < part.length; i++) part[i] /= total
  }
  return shares
}
