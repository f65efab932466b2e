import type { FeatureKernels } from '../feature-kernels'
import { doubles, floats } from './operands'

export const monomialTable: FeatureKernels['monomialTable'] = (out, z, parents, coordinates, factors, rows) => {
  const to = floats(out)
  const variables = floats(z)
  to.fill(factors[0], 0, rows)
  for (let f = 1; f < factors.length; f++) {
    const from = parents[f] * rows
    const by = coordinates[f] * rows
    // The product is rounded before the sum, as in the SIMD kernel: both give a map's features the same bits.
    for (let r = 0; r < rows; r++) to[f * rows + r] = Math.fround(variables[by + r] * to[from + r]) * factors[f]
  }
}

export const dotColumns: FeatureKernels['dotColumns'] = (out, a, x, inner, cols) => {
  const to = doubles(out)
  const from = floats(a)
  const by = doubles(x)
  to.fill(0, 0, cols)
  for (let i = 0; i < inner; i++) for (let c = 0; c < cols; c++) to[c] += by[i] * from[i * cols + c]
}

export const rowSums: FeatureKernels['rowSums'] = (out, a, rows, cols, weights) => {
  const to = doubles(out)
  const from = floats(a)
  for (let r = 0; r < rows; r++) {
    let total = 0
    for (let c = 0; c < cols; c++) total += (weights ? weights[c] : 1) * from[r * cols + c]
    to[r] += total
  }
}
