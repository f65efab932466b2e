import { matrix, type Matrix } from '@sublinear/core'
import { kernels } from '@sublinear/kernels'
import type { OnePassState } from './one-pass-state'

type Sketched = Pick<OnePassState, 'skU2' | 'skV' | 'prodU2' | 'sumV' | 'keys' | 'controlVariate'>

/**
 * Computes sk(U₂)ᵀ·sk(V) ≈ U₂ᵀV (t × dv), the middle of Algorithm 1.
 * Source: line 33 of Algorithm 1 (one-pass paper). Deviation: with the control variate
 * (ΨU₂ − pūᵀ)ᵀ(ΨV − pv̄ᵀ) + n·ūv̄ᵀ, where p = Ψ1, ū = U₂ᵀ1/n and v̄ = Vᵀ1/n: ΨᵀΨ multiplies U₂ and V without their means,
 * and the product of the means is exact.
 *
 * Cost: 2·m₂·t·dv operations and copies of both sketches.
 */
export function sketchedProduct({ skU2, skV, prodU2, sumV, keys, controlVariate }: Sketched): Matrix {
  const [t, dv] = [prodU2.length, sumV.length]
  const m = skU2.matrix.m
  const out = matrix(t, dv)
  const n = keys.count
  if (n === 0) return out
  const left = skU2.state.data as Float32Array // ΨU₂, m₂ × t
  const right = skV.state.data as Float32Array // Ψ[V 1], m₂ × (dv + 1)
  if (!controlVariate) {
    kernels().product('tn', out.data, left, right, t, m, dv)
    return out
  }
  const values = new Float32Array(m * dv)
  for (let r = 0; r < m; r++) {
    const p = right[r * (dv + 1) + dv]
    for (let f = 0; f < t; f++) left[r * t + f] -= (p * prodU2[f]) / n
    for (let c = 0; c < dv; c++) values[r * dv + c] = right[r * (dv + 1) + c] - (p * sumV[c]) / n
  }
  kernels().product('tn', out.data, left, values, t, m, dv)
  for (let f = 0; f < t; f++) for (let c = 0; c < dv; c++) out.data[f * dv + c] += (prodU2[f] * sumV[c]) / n
  return out
}

/** [block 1]: the column of ones that the control variate sketches along. */
export function withOnes({ rows, cols, data }: Matrix): Matrix {
  const out = matrix(rows, cols + 1)
  for (let r = 0; r < rows; r++) {
    out.data.set(data.subarray(r * cols, (r + 1) * cols), r * (cols + 1))
    out.data[r * (cols + 1) + cols] = 1
  }
  return out
}
