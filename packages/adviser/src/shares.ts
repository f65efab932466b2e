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

/** Options of `shares`. */
interface SharesOptions<Out> {
  /** How often each chosen token counts. Default: 1. */
  readonly counts?: Float64Array | undefined
  /** Share of the mass of plain averages; below it the answer is a plain average. Default: 0. */
  readonly least?: number | undefined
  /** Array for the result, queries × chosen. Default: a new float64 array. */
  readonly out?: Out | undefined
}

/** Computes each row's weights of the chosen tokens over their sum, or averages where a stream falls back: queries × chosen. */
export function shares<Out extends Float32Array | Float64Array = Float64Array>(
  weights: Float64Array,
  { queries, keys }: Sample,
  chosen: Uint32Array,
  { counts, least = 0, out: given }: SharesOptions<Out> = {},
): Out {
  const out = given ?? (new Float64Array(queries.rows * chosen.length) as Out)
  const all = counts ? counts.reduce((a, b) => a + b, 0) : chosen.length
  for (let r = 0, at = 0; r < queries.rows; r++, at += chosen.length) {
    const row = r * keys.rows
    let mass = 0
    if (!counts) {
      for (let c = 0; c < chosen.length; c++) mass += weights[row + chosen[c]]
      const sound = mass > least * all
      for (let c = 0; c < chosen.length; c++) out[at + c] = sound ? weights[row + chosen[c]] / mass : 1 / all
      continue
    }
    for (let c = 0; c < chosen.length; c++) if (counts[c] !== 0) mass += weights[row + chosen[c]] * counts[c]
    const sound = mass > least * all
    for (let c = 0; c < chosen.length; c++) {
      const weight = counts[c] === 0 ? 0 : weights[row + chosen[c]] * counts[c]
      out[at + c] = sound ? weight / mass : counts[c] / all
    }
  }
  return out
}
