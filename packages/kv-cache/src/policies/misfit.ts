import { scored } from '../scored'
import { scoredMethod } from '../scored-method'
import type { Counted, Scoring } from '../scoring'

/** One kept token in so many is one of the newest, and at most so many tokens are. */
const [RECENT, MOST_RECENT] = [4, 32]

/**
 * A policy that keeps the tokens that a summary of means and covariance would get wrong; the tokens that it captures best go first. It needs no queries.
 * Source: MomentKV (Li, Li, Lan, arXiv 2606.01563, 2026) evicts tokens that the moments of the evicted tokens capture. Deviation: the measure is derived here. To
 *   first order in s⟨q, k − μ⟩ the summary has what a token adds, whatever the token is; the next term is (s⟨q, k − μ⟩)²/2 times its value, so the misfit is
 *   ‖k − μ‖²·‖v − v̄‖. The means are over the tokens that left and those that are there at a selection, of which most will leave. A quarter of the kept
 *   tokens, at most 32, are the newest.
 *
 * Guarantee: exact over the tokens held. A token that left at a selection had no larger misfit than any that stayed, the newest apart.
 * Cost: 2·(d + dv) operations a token at each selection; 8·(d + dv + 1) bytes beside the tokens.
 *
 * @param count  tokens kept, ≥ 1
 * @example
 * const stream = misfit({ count: 16 })({ d: 2, dv: 2, scale: 1 })
 * stream.push({ keys: matrix(100, 2), values: matrix(100, 2) })
 * console.log(stream.tokens, stream.bytes) // 100 1384
 */
export const misfit = scored({
  name: 'misfit',
  source: 'MomentKV (arXiv 2606.01563, 2026): what its summary captures goes first; the measure is not from the papers',
  learns: 'nothing',
  remembersGone: true,
  stays: ({ count }: Counted) => ({ recent: Math.min(MOST_RECENT, Math.floor(count / RECENT)) }),
  score,
})

export const misfitMethod = scoredMethod(misfit)

function score(tokens: Scoring): Float64Array {
  const [keys, values] = [tokens.keys(), tokens.values()]
  const { gone, weights } = tokens
  const means = Float64Array.from(gone?.sum ?? new Float64Array(keys.cols + values.cols))
  let total = gone?.weight ?? 0
  for (let r = 0; r < keys.rows; r++) {
    const weight = weights?.[r] ?? 1
    total += weight
    for (let c = 0; c < keys.cols; c++) means[c] += weight * keys.data[r * keys.cols + c]
    for (let c = 0; c < values.cols; c++) means[keys.cols + c] += weight * values.data[r * values.cols + c]
  }
  const distance = (data: Float32Array, r: number, cols: number, from: number) => {
    let sum = 0
    for (let c = 0; c < cols; c++) sum += (data[r * cols + c] - means[from + c] / total) ** 2
    return sum
  }
  return Float64Array.from(
    { length: keys.rows },
    (_, r) => distance(keys.data, r, keys.cols, 0) * Math.sqrt(distance(values.data, r, values.cols, keys.cols)),
  )
}
