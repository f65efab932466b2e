import type { Sample } from './sample'
import type { Weights } from './summaries'

/** The weights of a stream that holds a few of its tokens exactly and has summed up the others. */
export function mixture({ weights, held }: Weights, exact: Float64Array, tokens: number): Float64Array {
  const part = Math.min(1, held / tokens)
  if (part === 0) return weights
  const out = new Float64Array(weights.length)
  for (let i = 0; i < out.length; i++) out[i] = (1 - part) * weights[i] + part * exact[i]
  return out
}

/**
 * Computes each row's weights of the chosen tokens over their sum, or averages where a stream falls back: queries × chosen.
 *
 * @param least  share of the mass of plain averages; below it the answer is a plain average
 */
export function shares(weights: Float64Array, { queries, keys }: Sample, chosen: Uint32Array, least = 0): Float64Array {
  const out = new Float64Array(queries.rows * chosen.length)
  for (let r = 0, at = 0; r < queries.rows; r++, at += chosen.length) {
    const row = r * keys.rows
    let mass = 0
    for (let c = 0; c < chosen.length; c++) mass += weights[row + chosen[c]]
    const sound = mass > least * chosen.length
    for (let c = 0; c < chosen.length; c++) out[at + c] = sound ? weights[row + chosen[c]] / mass : 1 / chosen.length
  }
  return out
}

/** The same for all tokens, which count as often as `counts` says: queries × tokens, in float32. */
export function countedShares(
  weights: Float64Array,
  { queries, keys }: Sample,
  counts: Float64Array,
  least: number,
): Float32Array {
  const { rows } = keys
  const out = new Float32Array(queries.rows * rows)
  let all = 0
  for (const count of counts) all += count
  for (let from = 0; from < out.length; from += rows) {
    let mass = 0
    for (let j = 0; j < rows; j++) if (counts[j] !== 0) mass += weights[from + j] * counts[j]
    if (mass > least * all)
      for (let j = 0; j < rows; j++) out[from + j] = counts[j] === 0 ? 0 : (weights[from + j] * counts[j]) / mass
    else for (let j = 0; j < rows; j++) out[from + j] = counts[j] / all
  }
  return out
}
