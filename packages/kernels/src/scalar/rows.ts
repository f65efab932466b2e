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
    if (!(magnitude <= largest)) largest = magnitude // true also where the magnitude is NaN
    if (Number.isNaN(magnitude)) return NaN
  }
  return largest
}

export const addScaled: Kernels['addScaled'] = (outOperand, xOperand, factor, count) => {
  const out = floats(outOperand)
  const x = floats(xOperand)
  for (let i = 0; i < count; i++) out[i] += factor * x[i]
}

/**
 * Computes the sum of two numbers and its error.
 * Source: Knuth, TAOCP 4.2.2, Theorem B.
 */
export const carry: Kernels['carry'] = (totalOperand, restOperand, count) => {
  const total = floats(totalOperand)
  const rest = floats(restOperand)
  const { fround } = Math
  for (let i = 0; i < count; i++) {
    const [a, b] = [total[i], rest[i]]
    const sum = fround(a + b)
    const added = fround(sum - a)
    total[i] = sum
    rest[i] = fround(a - fround(sum - added)) + fround(b - added)
  }
}
