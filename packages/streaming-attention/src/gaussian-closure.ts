import type { Matrix } from '@sublinear/core'
import { kernels, scratch } from '@sublinear/kernels'
import { unpacked, type ClosureMoments } from './closure-moments'

/** Answer of the moments to each query: value·e^{level} over e^{level}. */
export interface ClosureAnswer {
  readonly levels: Float64Array // rows: log mass
  /** Rows whose scores spread wider than N Gaussian scores can show. */
  readonly frozen: Uint8Array
}

const productScratch = scratch(Float32Array)

/**
 * Softmax attention over N tokens of which only mean and covariance are known, as if key and value were jointly Gaussian:
 * E e^{s⟨q,k⟩} = exp(s⟨q,μ⟩ + σ²/2) with σ² = s²qᵀΣq, and E[v·e^{s⟨q,k⟩}] / E e^{s⟨q,k⟩} = v̄ + s·Cq.
 * Source: not from the papers. The moment generating function of a Gaussian, and its derivative along the values.
 * Deviation: N tokens are a sample. The largest of N Gaussian scores stands near σ√(2 ln N), so beyond σ = √(2 ln N) their mean
 *   of exponentials is e^{σ√(2 ln N)}/N and no longer e^{σ²/2} (the freezing of the random energy model, Derrida 1981). There
 *   log mass continues as that tangent, and C, its derivative, is scaled by √(2 ln N)/σ. Values never leave the box of those seen.
 *
 * @param values  rows × dv, written
 */
export function gaussianClosure(
  moments: ClosureMoments,
  queries: Matrix,
  scale: number,
  values: Float64Array,
): ClosureAnswer {
  const { weight, mean, low, high } = moments
  const spread = unpacked(moments)
  const { rows, cols: d } = queries
  const dv = low.length
  const width = d + dv
  const levels = new Float64Array(rows)
  const frozen = new Uint8Array(rows)
  const products = productScratch(rows * width) // Σq and Cq side by side
  kernels().product('nn', products, queries.data, spread, rows, d, width)
  const count = Math.log(Math.max(1, weight))
  const widest = Math.sqrt(2 * count)
  for (let r = 0; r < rows; r++) {
    let centre = 0
    let variance = 0
    for (let i = 0; i < d; i++) {
      const q = scale * queries.data[r * d + i]
      centre += q * mean[i]
      variance += q * scale * products[r * width + i]
    }
    if (!(variance < Infinity)) variance = widestVariance(spread, queries, r, scale) // Σq left float32
    const deviation = Math.sqrt(Math.max(0, variance))
    const isFrozen = deviation > widest
    const rise = isFrozen ? deviation * widest - count : variance / 2
    levels[r] = Math.log(weight) + centre + Math.max(0, rise)
    frozen[r] = isFrozen ? 1 : 0
    const tilt = scale * (isFrozen ? widest / deviation : 1)
    for (let c = 0; c < dv; c++) {
      const value = mean[d + c] + tilt * products[r * width + d + c]
      const sound = Number.isNaN(value) ? mean[d + c] : value
      values[r * dv + c] = Math.min(high[c], Math.max(low[c], sound))
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
