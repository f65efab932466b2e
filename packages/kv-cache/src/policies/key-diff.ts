import { scored } from '../scored'
import { scoredMethod } from '../scored-method'
import { squaredNorms, type Scoring } from '../scoring'

/**
 * A policy that keeps the tokens whose keys point away from where most keys point: the tokens of the lowest cosine to the mean direction.
 * Source: Park et al., KeyDiff: Key Similarity-Based KV Cache Eviction for Long-Context LLM Inference in Resource-Constrained Environments (2025),
 *   its anchor, the mean of the normalised keys. Deviation: a token of weight w counts w times in the mean. As in the paper's blocks,
 *   the mean is over the tokens that are there at a selection, not over those that left; where a prompt comes in one piece, it is over the whole prompt.
 *
 * Guarantee: exact over the tokens held. A token that left at a selection had no lower a cosine than any that stayed; of equals, the earlier left. A key
 *   of zeros has cosine 0.
 * Cost: 4·d operations a token at each selection; no bytes beside the tokens.
 *
 * @param count  tokens kept, ≥ 1
 * @example
 * const stream = keyDiff({ count: 16 })({ d: 2, dv: 2, scale: 1 })
 * stream.push({ keys: matrix(100, 2), values: matrix(100, 2) })
 * console.log(stream.tokens, stream.bytes) // 100 1344
 */
export const keyDiff = scored({
  name: 'keyDiff',
  source: 'Park et al., KeyDiff: Key Similarity-Based KV Cache Eviction (2025)',
  learns: 'nothing',
  score,
})

export const keyDiffMethod = scoredMethod(keyDiff)

function score(tokens: Scoring): Float64Array {
  const keys = tokens.keys()
  const { rows, cols, data } = keys
  const norms = squaredNorms(keys).map(Math.sqrt)
  const anchor = new Float64Array(cols) // the mean times a factor that changes no comparison
  for (let i = 0; i < rows; i++) {
    const share = norms[i] > 0 ? (tokens.weights?.[i] ?? 1) / norms[i] : 0
    for (let c = 0; c < cols; c++) anchor[c] += share * data[i * cols + c]
  }
  return norms.map((norm, i) => {
    let product = 0
    for (let c = 0; c < cols; c++) product += anchor[c] * data[i * cols + c]
    return norm > 0 ? -product / norm : 0
  })
}
