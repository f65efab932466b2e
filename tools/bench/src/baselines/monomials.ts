/**
 * The monomials of x (rows × d) up to `degree` by the suffix construction (see Kernels.monomials) in plain JavaScript. Indices stay
 * 32-bit integers and a row is built in one small array, then copied: the fastest of five forms.
 */
export function suffixMonomials(
  out: Float32Array,
  x: Float32Array,
  ratios: Float32Array,
  rows: number,
  d: number,
  degree: number,
): void {
  const t = ratios.length
  const suffix = new Int32Array(d)
  const row = new Float32Array(t)
  for (let r = 0; r < rows; r++) {
    row[0] = ratios[0]
    suffix.fill(1)
    let next = 1
    for (let g = 1; g <= degree; g++) {
      const start = next
      for (let i = 0; i < d; i++) {
        const xi = x[r * d + i]
        let from = (start - suffix[i]) | 0
        const end = (next + suffix[i]) | 0
        while (next < end) {
          row[next] = Math.fround(xi * row[from]) * ratios[next]
          from = (from + 1) | 0
          next = (next + 1) | 0
        }
      }
      let total = 0
      for (let i = d - 1; i >= 0; i--) suffix[i] = total += suffix[i]
    }
    out.set(row, r * t)
  }
}

/** Monomials of x up to `degree`, feature by feature (out is t × rows): a monomial is computed for all rows before the next one is. */
export function suffixColumns(
  out: Float32Array,
  x: Float32Array,
  ratios: Float32Array,
  rows: number,
  d: number,
  degree: number,
): void {
  const columns = new Float32Array(d * rows)
  for (let r = 0; r < rows; r++) for (let i = 0; i < d; i++) columns[i * rows + r] = x[r * d + i]
  const suffix = new Int32Array(d).fill(1)
  out.fill(ratios[0], 0, rows)
  let next = 1
  for (let g = 1; g <= degree; g++) {
    const start = next
    for (let i = 0; i < d; i++) {
      let from = Math.imul(start - suffix[i], rows)
      const end = (next + suffix[i]) | 0
      for (; next < end; next++) {
        const ratio = ratios[next]
        let to = Math.imul(next, rows)
        let at = Math.imul(i, rows)
        for (const stop = to + rows; to < stop; to++, at++, from++)
          out[to] = Math.fround(columns[at] * out[from]) * ratio
      }
    }
    let total = 0
    for (let i = d - 1; i >= 0; i--) suffix[i] = total += suffix[i]
  }
}

/** Monomials of a table (see Kernels.monomialTable) in plain JavaScript, row by row: x is rows × d, out rows × t. */
export function tableRows(
  out: Float32Array,
  x: Float32Array,
  parents: Uint32Array,
  coordinates: Uint32Array,
  factors: Float32Array,
  rows: number,
  d: number,
): void {
  const t = factors.length
  const row = new Float32Array(t)
  for (let r = 0; r < rows; r++) {
    row[0] = factors[0]
    const at = Math.imul(r, d)
    for (let f = 1; f < t; f++) row[f] = row[parents[f]] * x[at + coordinates[f]] * factors[f]
    out.set(row, r * t)
  }
}

/** Monomials of a table, feature by feature: x is d × rows, out t × rows. */
export function tableColumns(
  out: Float32Array,
  x: Float32Array,
  parents: Uint32Array,
  coordinates: Uint32Array,
  factors: Float32Array,
  rows: number,
): void {
  out.fill(factors[0], 0, rows)
  for (let f = 1; f < factors.length; f++) {
    let [to, from, at] = [Math.imul(f, rows), Math.imul(parents[f], rows), Math.imul(coordinates[f], rows)]
    const factor = factors[f]
    for (const stop = to + rows; to < stop; to++, from++, at++) out[to] = x[at] * out[from] * factor
  }
}
