import type { Kernels } from '../kernels'
import { doubles, floats } from './operands'

export const exp: Kernels['exp'] = (outOperand, xOperand, count) => {
  const out = floats(outOperand)
  const x = floats(xOperand)
  for (let i = 0; i < count; i++) out[i] = Math.exp(x[i])
}

export const softmaxStep: Kernels['softmaxStep'] = (scoresOperand, maxOperand, massOperand, factors, rows, cols) => {
  const scores = floats(scoresOperand)
  const max = floats(maxOperand)
  const mass = doubles(massOperand)
  const rescale = floats(factors)
  for (let r = 0; r < rows; r++) {
    const old = max[r]
    let top = old
    for (let i = r * cols; i < (r + 1) * cols; i++) top = Math.max(top, scores[i])
    const base = top === -Infinity ? 0 : top
    const factor = old === -Infinity ? 1 : Math.exp(old - top)
    let total = 0
    for (let i = r * cols; i < (r + 1) * cols; i++) {
      const p = Math.exp(scores[i] - base)
      scores[i] = p
      total += p
    }
    rescale[r] = factor
    mass[r] = mass[r] * factor + total
    max[r] = top
  }
}

export const largestMagnitude: Kernels['largestMagnitude'] = (operand, count) => {
  const x = floats(operand)
  let largest = 0
  for (let i = 0; i < count; i++) {
    const magnitude = Math.abs(x[i])
    if (!(magnitude <= largest)) largest = magnitude // also where it is NaN
    if (Number.isNaN(magnitude)) return NaN
  }
  return largest
}

export const addScaled: Kernels['addScaled'] = (outOperand, xOperand, factor, count) => {
  const out = floats(outOperand)
  const x = floats(xOperand)
  for (let i = 0; i < count; i++) out[i] += factor * x[i]
}

export const dotRows: Kernels['dotRows'] = (outOperand, aOperand, xOperand, rows, inner) => {
  const out = doubles(outOperand)
  const a = floats(aOperand)
  const x = doubles(xOperand)
  const whole = inner & ~3
  for (let r = 0; r < rows; r++) {
    const at = r * inner
    let s0 = 0
    let s1 = 0
    let s2 = 0
    let s3 = 0
    for (let i = 0; i < whole; i += 4) {
      s0 += a[at + i] * x[i]
      s1 += a[at + i + 1] * x[i + 1]
      s2 += a[at + i + 2] * x[i + 2]
      s3 += a[at + i + 3] * x[i + 3]
    }
    for (let i = whole; i < inner; i++) s0 += a[at + i] * x[i]
    out[r] = s0 + s1 + (s2 + s3)
  }
}

export const columnSums: Kernels['columnSums'] = (outOperand, aOperand, rows, cols, weights) => {
  const out = doubles(outOperand)
  const a = floats(aOperand)
  for (let r = 0; r < rows; r++) {
    const weight = weights ? weights[r] : 1
    for (let c = 0; c < cols; c++) out[c] += weight * a[r * cols + c]
  }
}
