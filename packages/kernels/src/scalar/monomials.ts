import type { Kernels } from '../kernels'
import { floats } from './operands'

/**
 * Builds monomials by suffixes: those of degree g with least index i are xᵢ times a contiguous suffix of the block of degree g − 1. Each product is rounded, as in the
 * SIMD kernel: both give a map's features the same bits.
 */
export const monomials: Kernels['monomials'] = (outOperand, xOperand, ratios, rows, d, degree) => {
  const out = floats(outOperand)
  const x = floats(xOperand)
  const t = ratios.length
  const suffix = new Float64Array(d)
  for (let r = 0; r < rows; r++) {
    const row = r * t
    out[row] = ratios[0]
    suffix.fill(1)
    let next = 1
    for (let g = 1; g <= degree; g++) {
      const start = next
      for (let i = 0; i < d; i++) {
        const xi = x[r * d + i]
        const count = suffix[i]
        let from = row + start - count
        for (const end = next + count; next < end; next++)
          out[row + next] = Math.fround(xi * out[from++]) * ratios[next]
      }
      let total = 0
      for (let i = d - 1; i >= 0; i--) suffix[i] = total += suffix[i]
    }
  }
}
