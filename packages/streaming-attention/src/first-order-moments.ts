import type { KvBlock, Matrix } from '@sublinear/core'
import { kernels, scratch } from '@sublinear/kernels'

/** Weight, means, and covariance of keys with values; normalised, so that nothing overflows. */
export interface FirstOrder {
  /** Sum of the weights, N. */
  weight: number
  readonly mean: Float64Array // d + dv: μ, v̄
  readonly cross: Float32Array // d × dv: Cᵀ = Cov(k, v)
  readonly low: Float32Array // dv: the smallest value seen in each column
  readonly high: Float32Array // dv
}

const keyScratch = scratch(Float32Array)
const valueScratch = scratch(Float32Array)
const crossScratch = scratch(Float32Array)
const shiftScratch = scratch(Float32Array)

export function noFirstOrder(d: number, dv: number): FirstOrder {
  return {
    weight: 0,
    mean: new Float64Array(d + dv),
    cross: new Float32Array(d * dv),
    low: new Float32Array(dv).fill(Infinity),
    high: new Float32Array(dv).fill(-Infinity),
  }
}

/** Moments of one block, centred at its own means before anything is multiplied. Their `cross` is valid until the next call. */
export function firstOrderOf({ keys, values, weights }: KvBlock): FirstOrder {
  const { rows, cols: d } = keys
  const { cols: dv } = values
  const out = { ...noFirstOrder(0, dv), mean: new Float64Array(d + dv), cross: crossScratch(d * dv) }
  for (let r = 0; r < rows; r++) out.weight += weights?.[r] ?? 1
  const share = (r: number) => (weights?.[r] ?? 1) / out.weight
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < d; c++) out.mean[c] += share(r) * keys.data[r * d + c]
    for (let c = 0; c < dv; c++) out.mean[d + c] += share(r) * values.data[r * dv + c]
  }
  const [centred, shared] = [valueScratch(rows * dv), keyScratch(rows * d)]
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < d; c++) shared[r * d + c] = (keys.data[r * d + c] - out.mean[c]) * share(r)
    for (let c = 0; c < dv; c++) {
      const value = values.data[r * dv + c]
      centred[r * dv + c] = value - out.mean[d + c]
      out.low[c] = Math.min(out.low[c], value)
      out.high[c] = Math.max(out.high[c], value)
    }
  }
  kernels().product('tn', out.cross, shared, centred, d, rows, dv)
  return out
}

/** Adds the tokens of b to a, by the pairwise update of Chan, Golub and LeVeque (1979): a large common mean then loses no digits. */
export function addFirstOrder(a: FirstOrder, b: FirstOrder): void {
  if (b.weight === 0) return
  const { mean, cross, low, high } = a
  const [dv, weight] = [low.length, a.weight + b.weight]
  const d = mean.length - dv
  const share = b.weight / weight
  const shift = mean.map((x, i) => b.mean[i] - x)
  for (let i = 0; i < d; i++) {
    const between = share * (1 - share) * shift[i]
    for (let c = 0, at = i * dv; c < dv; c++, at++)
      cross[at] = cross[at] + share * (b.cross[at] - cross[at]) + between * shift[d + c]
  }
  for (const [i, by] of shift.entries()) mean[i] += share * by
  for (let c = 0; c < dv; c++) {
    low[c] = Math.min(low[c], b.low[c])
    high[c] = Math.max(high[c], b.high[c])
  }
  a.weight = weight
}

/** Answers each query as N·e^{s⟨q,μ⟩} tokens with the value v̄ + s·Cq, kept within the values seen. */
export function firstOrderAnswer(
  { weight, mean, cross, low, high }: FirstOrder,
  scale: number,
  { rows, cols: d, data }: Matrix,
  { max, mass, sum }: { readonly max: Float32Array; readonly mass: Float64Array; readonly sum: Float32Array },
): void {
  const dv = low.length
  const moved = shiftScratch(rows * dv) // Cq
  kernels().product('nn', moved, data, cross, rows, d, dv)
  for (let r = 0; r < rows; r++) {
    let level = Math.log(weight)
    for (let i = 0; i < d; i++) level += scale * data[r * d + i] * mean[i]
    max[r] = level
    const rest = Math.exp(Math.min(1, Math.max(-1, level - max[r]))) // the part that float32 rounded off; beyond 2^24 it is more, and without meaning
    mass[r] = rest
    for (let c = 0; c < dv; c++) {
      const value = mean[d + c] + scale * moved[r * dv + c]
      const sound = Number.isNaN(value) ? mean[d + c] : value
      sum[r * dv + c] = rest * Math.min(high[c], Math.max(low[c], sound))
    }
  }
}
