import type { Matrix } from '@sublinear/core'
import { kernels, scratch } from '@sublinear/kernels'
import { boundedGrowth } from './bounded-scores'
import { unpacked, type ClosureMoments } from './closure-moments'

/** Answer of the moments to each query: value·e^{level} over e^{level}. */
export interface ClosureAnswer {
  readonly levels: Float64Array // rows: log mass
  /** Rows whose scores spread wider than N Gaussian scores can show. */
  readonly frozen: Uint8Array
}

const productScratch = scratch(Float32Array)

/**
 * Softmax attention over N tokens of which only mean, covariance and extremes are known. As if key and value were jointly Gaussian,
 * E e^{s⟨q,k⟩} = exp(s⟨q,μ⟩ + σ²/2) with σ² = s²qᵀΣq, and E[v·e^{s⟨q,k⟩}] / E e^{s⟨q,k⟩} = v̄ + s·Cq.
 * Source: not from the papers, but for the values: mean, mean and covariance of values with keys are those of MomentKV (2026). The moment generating
 *   function of a Gaussian, and its derivative along the values.
 * Deviation: scores end where those of the tokens do. What is seen of that are the least and the greatest key along each axis: the mean of their squares, each by the share
 *   that its axis has in σ², is the reach of a query's scores, and boundedGrowth has what follows. Values never leave the box of those seen.
 *
 * @param values  rows × dv, written
 */
export function gaussianClosure(
  moments: ClosureMoments,
  queries: Matrix,
  scale: number,
  values: Float64Array,
): ClosureAnswer {
  const { weight, mean, low, high, d } = moments
  const spread = unpacked(moments)
  const { rows } = queries
  const width = mean.length
  const dv = width - d
  const levels = new Float64Array(rows)
  const frozen = new Uint8Array(rows)
  const products = productScratch(rows * width) // Σq and Cq side by side
  kernels().product('nn', products, queries.data, spread, rows, d, width)
  const count = Math.log(Math.max(1, weight))
  const widest = Math.sqrt(2 * count)
  for (let r = 0; r < rows; r++) {
    let centre = 0
    let variance = 0
    let alone = 0 // variance as if no two axes went together
    let reached = 0
    for (let i = 0; i < d; i++) {
      const q = scale * queries.data[r * d + i]
      centre += q * mean[i]
      variance += q * scale * products[r * width + i]
      alone += q * q * spread[i * width + i]
      reached += (q * ((q > 0 ? high[i] : low[i]) - mean[i])) ** 2
    }
    if (!(variance < Infinity)) variance = widestVariance(spread, queries, r, scale) // Σq left float32
    const deviation = Math.sqrt(Math.max(0, variance))
    const reach = Math.sqrt(reached / alone)
    const { rise, tilt } = boundedGrowth(deviation, reach > 0 ? reach : 0, count)
    levels[r] = Math.log(weight) + centre + rise
    frozen[r] = deviation > widest ? 1 : 0
    for (let c = 0; c < dv; c++) {
      const value = mean[d + c] + scale * tilt * products[r * width + d + c]
      const sound = Number.isNaN(value) ? mean[d + c] : value
      values[r * dv + c] = Math.min(high[d + c], Math.max(low[d + c], sound))
    }
  }
  return { levels, frozen }
}

/** s²‖q‖²·trace Σ, which qᵀΣq never exceeds. */
function widestVariance(spread: Float32Array, { data, cols: d }: Matrix, row: number, scale: number): number {
  let trace = 0
  let norm = 0
  for (let i = 0; i < d; i++) {
    trace += spread[i * (spread.length / d + 1)]
    norm += (scale * data[row * d + i]) ** 2
  }
  return norm * trace
}
