import type { Kernels } from '../kernels'
import { floats } from './operands'

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
