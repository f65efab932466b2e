import type { KvBlock } from '@sublinear/core'
import { kernels, scratch } from '@sublinear/kernels'

/** Mean and covariance of weighted tokens, as a Gaussian of keys and values needs them; normalised, so that nothing overflows. */
export interface ClosureMoments {
  /** Sum of the weights, N. */
  weight: number
  readonly mean: Float64Array // d + dv: μ, v̄
  /** Σ = Cov(k) and Cᵀ = Cov(k, v) side by side, d × (d + dv), row by row from the diagonal on: Σ is symmetric. */
  readonly spread: Float32Array // spreadSize(d, dv)
  readonly low: Float32Array // d + dv: the smallest entry seen in each column of keys and values
  readonly high: Float32Array // d + dv
  readonly d: number
}

const wholeScratch = scratch(Float32Array)
const spreadScratch = scratch(Float32Array)
const centredScratch = scratch(Float32Array)
const sharedScratch = scratch(Float32Array)

/** Numbers in the rows of Σ from the diagonal on, and in Cᵀ. */
export function spreadSize(d: number, dv: number): number {
  return (d * (d + 1)) / 2 + d * dv
}

/** The variances of the keys: the diagonal of Σ. */
export function variancesOf({ mean, spread }: Pick<ClosureMoments, 'mean' | 'spread'>, d: number): Float32Array {
  const out = new Float32Array(d)
  for (let i = 0, at = 0; i < d; at += mean.length - i, i++) out[i] = spread[at]
  return out
}

/** Σ and Cᵀ in full, d × (d + dv); valid until the next call. */
export function unpacked({ mean, spread, d }: ClosureMoments): Float32Array {
  const width = mean.length
  const out = wholeScratch(d * width)
  for (let i = 0, at = 0; i < d; i++) {
    for (let j = i; j < width; j++, at++) {
      out[i * width + j] = spread[at]
      if (j < d) out[j * width + i] = spread[at]
    }
  }
  return out
}

export function noMoments(d: number, dv: number): ClosureMoments {
  return {
    weight: 0,
    mean: new Float64Array(d + dv),
    spread: new Float32Array(spreadSize(d, dv)),
    ...noBounds(d + dv),
    d,
  }
}

function noBounds(width: number): Pick<ClosureMoments, 'low' | 'high'> {
  return { low: new Float32Array(width).fill(Infinity), high: new Float32Array(width).fill(-Infinity) }
}

/** Moments of one block, in two passes: rows are centred at the block's own mean before anything is squared. Their spread is valid until the next call. */
export function momentsOf({ keys, values, weights }: KvBlock): ClosureMoments {
  const { rows, cols: d } = keys
  const { cols: dv } = values
  let weight = 0
  for (let r = 0; r < rows; r++) weight += weights?.[r] ?? 1
  const out = {
    ...noBounds(d + dv),
    d,
    weight,
    mean: new Float64Array(d + dv),
    spread: spreadScratch(spreadSize(d, dv)),
  }
  const shares = new Float64Array(rows)
  for (let r = 0; r < rows; r++) {
    shares[r] = (weights?.[r] ?? 1) / weight
    for (let c = 0; c < d; c++) out.mean[c] += shares[r] * keys.data[r * d + c]
    for (let c = 0; c < dv; c++) out.mean[d + c] += shares[r] * values.data[r * dv + c]
  }
  const width = d + dv
  const centred = centredScratch(rows * width) // keys and values side by side
  const shared = sharedScratch(rows * d)
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < d; c++) {
      const key = keys.data[r * d + c]
      const x = key - out.mean[c]
      centred[r * width + c] = x
      shared[r * d + c] = x * shares[r]
      if (key < out.low[c]) out.low[c] = key
      if (key > out.high[c]) out.high[c] = key
    }
    for (let c = 0; c < dv; c++) {
      const value = values.data[r * dv + c]
      centred[r * width + d + c] = value - out.mean[d + c]
      if (value < out.low[d + c]) out.low[d + c] = value
      if (value > out.high[d + c]) out.high[d + c] = value
    }
  }
  const full = wholeScratch(d * width)
  kernels().product('tn', full, shared, centred, d, rows, width)
  for (let i = 0, at = 0; i < d; i++) for (let j = i; j < width; j++, at++) out.spread[at] = full[i * width + j]
  return out
}

/**
 * Adds the tokens of moments b to moments a.
 * Source: the pairwise update of Chan, Golub and LeVeque (1979), on covariances instead of sums: Σ += r·(Σ_b − Σ) + r(1 − r)·δδᵀ with
 * r = N_b/(N + N_b). Only differences of means are squared, so a large common mean costs nothing; an addend too small for float32
 * leaves a covariance as it is, where a sum would stop growing under a growing N.
 */
export function addMoments(a: ClosureMoments, b: ClosureMoments): void {
  if (b.weight === 0) return
  const weight = a.weight + b.weight
  const share = b.weight / weight
  const width = a.mean.length
  const { d } = a
  const shift = new Float64Array(width)
  for (let i = 0; i < width; i++) shift[i] = b.mean[i] - a.mean[i]
  for (let i = 0, at = 0; i < d; i++) {
    const between = share * (1 - share) * shift[i]
    for (let j = i; j < width; j++, at++) {
      a.spread[at] = a.spread[at] + share * (b.spread[at] - a.spread[at]) + between * shift[j]
    }
  }
  for (let i = 0; i < width; i++) a.mean[i] += share * shift[i]
  for (let c = 0; c < a.low.length; c++) {
    a.low[c] = Math.min(a.low[c], b.low[c])
    a.high[c] = Math.max(a.high[c], b.high[c])
  }
  a.weight = weight
}

export function copyMoments({ weight, mean, spread, low, high, d }: ClosureMoments): ClosureMoments {
  return { weight, mean: mean.slice(), spread: spread.slice(), low: low.slice(), high: high.slice(), d }
}
