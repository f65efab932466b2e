/**
 * Cosines and sines of the rotary angles at positions first … first + rows − 1: rows × d, the d/2 cosines of a position before its sines.
 * Source: RoPE (Su et al. 2021); coordinates i and i + d/2 turn by position·base^(−2i/d). Angles in float64, so that positions may be large.
 */
export function rotaryTable(first: number, rows: number, d: number, base: number): Float64Array {
  const half = d / 2
  const table = new Float64Array(rows * d)
  for (let i = 0; i < half; i++) {
    const speed = base ** ((-2 * i) / d)
    for (let r = 0; r < rows; r++) {
      table[r * d + i] = Math.cos((first + r) * speed)
      table[r * d + half + i] = Math.sin((first + r) * speed)
    }
  }
  return table
}

/**
 * One head's rows out of x (rows × stride, from column `at`): turned by the table, and of the given length where there is one.
 *
 * @returns rows × d, fresh
 */
export function turned(
  x: Float32Array,
  { rows, stride, at, d }: { readonly rows: number; readonly stride: number; readonly at: number; readonly d: number },
  table: Float64Array,
  length?: number,
): Float32Array {
  const half = d / 2
  const out = new Float32Array(rows * d)
  for (let r = 0; r < rows; r++) {
    const from = r * stride + at
    const to = r * d
    let squares = 0
    for (let i = 0; i < half; i++) {
      const [a, b] = [x[from + i]!, x[from + half + i]!]
      const [cosine, sine] = [table[to + i]!, table[to + half + i]!]
      out[to + i] = a * cosine - b * sine
      out[to + half + i] = a * sine + b * cosine
      squares += a * a + b * b
    }
    if (length === undefined || squares === 0) continue
    const factor = length / Math.sqrt(squares)
    for (let i = to; i < to + d; i++) out[i]! *= factor
  }
  return out
}
