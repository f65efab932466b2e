import type { Matrix } from '@sublinear/core'
import { kernels, scratch } from '@sublinear/kernels'
import { boundedGrowth } from './bounded-scores'
import { unpacked, type ClosureMoments } from './closure-moments'

/** Answers of the moments to queries: value·e^{level} over e^{level}. */
export interface ClosureAnswer {
  readonly levels: Float64Array // rows: log mass
  /** Rows whose scores spread wider than N Gaussian scores can show. */
  readonly frozen: Uint8Array
}

const productScratch = scratch(Float32Array)

/**
 * Answers queries over N tokens of which only mean, covariance and extremes are known, as if keys and values were jointly Gaussian:
 * E e^{s⟨q,k⟩} = exp(s⟨q,μ⟩ + σ²/2) with σ² = s²qᵀΣq, and E[v·e^{s⟨q,k⟩}] / E e^{s⟨q,k⟩} = v̄ + s·Cq.
 * Source: not from the papers, except for the values: MomentKV (2026) has the mean value and the covariance of values with keys. The mass is the moment
 *   generating function of a Gaussian, the value its derivative.
 * Deviation: scores end where those of the tokens do. Of that, only the smallest and the largest key entry of each axis are known. The mean of their squares,
 *   weighted by the share of the axis in σ², gives the reach of a query's scores, and boundedGrowth does the rest. Answers stay in the box of the values seen.
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
    let alone = 0 // the variance if axes were independent
    let reached = 0
    for (let i = 0; i < d; i++) {
      const q = scale * queries.data[r * d + i]
      centre += q * mean[i]
      variance += q * scale * products[r * width + i]
      alone += q * q * spread[i * width + i]
      reached += (q * ((q > 0 ? high[i] : low[i]) - mean[i])) ** 2
    }
    if (!(variance < Infinity)) variance = widestVariance(spread, queries, r, scale) // the product Σq left float32
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
