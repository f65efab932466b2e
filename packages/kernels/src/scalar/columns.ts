import type { Kernels } from '../kernels'
import { doubles, floats } from './operands'

/** Computes feature by feature: each is an earlier feature times a variable, rounded as in the SIMD kernel. */
export const monomialColumns: Kernels['monomialColumns'] = (out, x, shift, unit, ratios, rows, d, degree) => {
  const to = floats(out)
  const from = floats(x)
  const suffix = new Float64Array(d).fill(1)
  const by = Math.fround(unit)
  to.fill(ratios[0], 0, rows)
  let next = 1
  for (let g = 1; g <= degree; g++) {
    const start = next
    for (let i = 0; i < d; i++) {
      let previous = start - suffix[i]
      for (const end = next + suffix[i]; next < end; next++, previous++) {
        for (let r = 0; r < rows; r++) {
          const variable = Math.fround(Math.fround(from[r * d + i] - shift[i]) * by)
          to[next * rows + r] = Math.fround(variable * to[previous * rows + r]) * ratios[next]
        }
      }
    }
    let total = 0
    for (let i = d - 1; i >= 0; i--) suffix[i] = total += suffix[i]
  }
}

export const monomialTable: Kernels['monomialTable'] = (out, z, parents, coordinates, factors, rows) => {
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

export const dotColumns: Kernels['dotColumns'] = (out, a, x, inner, cols) => {
  const to = doubles(out)
  const from = floats(a)
  const by = doubles(x)
  to.fill(0, 0, cols)
  for (let i = 0; i < inner; i++) for (let c = 0; c < cols; c++) to[c] += by[i] * from[i * cols + c]
}

export const rowSums: Kernels['rowSums'] = (out, a, rows, cols, weights) => {
  const to = doubles(out)
  const from = floats(a)
  for (let r = 0; r < rows; r++) {
    let total = 0
    for (let c = 0; c < cols; c++) total += (weights ? weights[c] : 1) * from[r * cols + c]
    to[r] += total
  }
}
