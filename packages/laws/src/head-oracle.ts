import { perRow, type Matrix, type Rotary, type Shape } from '@sublinear/core'

/**
 * Computes the answers of a head in float64 from the definitions, score by score: row i·groups + g stands at place first + i and sees the keys up to its own.
 *
 * @param first  the place of the first query's token; keys stand at 0, 1, …
 * @returns queries.rows × dv
 */
export function headOracle(
  shape: Shape,
  queries: Matrix,
  keys: Matrix,
  values: Matrix,
  groups: number,
  first = 0,
  weights?: Float32Array,
): Float64Array {
  const { d, dv, scale, softcap, sinkLogit, slope, window = Infinity, rotary } = shape
  const out = new Float64Array(queries.rows * dv)
  const rowOf = ({ data }: Matrix, row: number, place: number) => {
    const own = Float64Array.from(data.subarray(row * d, (row + 1) * d))
    return rotary ? turnedRow(own, place, rotary) : own
  }
  const turnedKeys = Array.from({ length: keys.rows }, (_, j) => rowOf(keys, j, j))
  for (let r = 0; r < queries.rows; r++) {
    const place = first + Math.floor(r / groups)
    const query = rowOf(queries, r, place)
    const seen = [...turnedKeys.keys()].filter((j) => j <= place && place - j < window)
    const scores = new Map<number, number>()
    for (const j of seen) {
      let score = scale * query.reduce((sum, x, c) => sum + x * turnedKeys[j][c], 0)
      if (softcap !== undefined) score = softcap * Math.tanh(score / softcap)
      if (slope !== undefined) score -= perRow(slope, r) * (place - j)
      scores.set(j, score + Math.log(weights?.[j] ?? 1))
    }
    const sink = sinkLogit === undefined ? -Infinity : perRow(sinkLogit, r)
    const top = Math.max(sink, ...scores.values())
    let mass = sink === -Infinity ? 0 : Math.exp(sink - top)
    for (const [j, score] of scores) {
      const share = Math.exp(score - top)
      mass += share
      const value = (c: number) => (shape.values === 'in keys' ? keys.data[j * d + c] : values.data[j * dv + c])
      for (let c = 0; c < dv; c++) out[r * dv + c] += share * value(c)
    }
    for (let c = r * dv; c < (r + 1) * dv; c++) out[c] /= mass || 1
  }
  return out
}

function turnedRow(row: Float64Array, place: number, rotary: Rotary): Float64Array {
  const { base = 1, frequencies, pairing, first = 0, width = row.length - first, scaling } = rotary
  const out = row.slice()
  for (let i = 0; i < width / 2; i++) {
    const angle = place * (frequencies?.[i] ?? base ** ((-2 * i) / width)) * (scaling?.[i] ?? 1)
    const [one, other] = pairing === 'halves' ? [first + i, first + i + width / 2] : [first + 2 * i, first + 2 * i + 1]
    out[one] = row[one] * Math.cos(angle) - row[other] * Math.sin(angle)
    out[other] = row[one] * Math.sin(angle) + row[other] * Math.cos(angle)
  }
  return out
}
