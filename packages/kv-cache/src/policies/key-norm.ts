import { scored } from '../scored'
import { scoredMethod } from '../scored-method'
import { squaredNorms } from '../scoring'

/**
 * A policy that keeps the tokens whose keys are shortest.
 * Source: Devoto et al., A Simple and Effective L2 Norm-Based Strategy for KV Cache Compression (2024). Deviation: none; weights do not count.
 *
 * Guarantee: exact over the tokens held. The score of a token never changes, so the held keys are the shortest of all that came, of equals
 *   the latest, wherever the stream is cut.
 * Cost: d operations a token at each selection; no bytes beside the tokens.
 *
 * @param count  tokens kept, ≥ 1
 * @example
 * const stream = keyNorm({ count: 16 })({ d: 2, dv: 2, scale: 1 })
 * stream.push({ keys: matrix(100, 2), values: matrix(100, 2) })
 * console.log(stream.tokens, stream.bytes) // 100 1344
 */
export const keyNorm = scored({
  name: 'keyNorm',
  source: 'Devoto et al., A Simple and Effective L2 Norm-Based Strategy for KV Cache Compression (2024)',
  learns: 'nothing',
  score: (tokens) => squaredNorms(tokens.keys()).map((square) => -square),
})

export const keyNormMethod = scoredMethod(keyNorm)
