import type { KvBlock, Matrix } from '@sublinear/core'

/** Σ w·exp(scale·⟨q, k⟩)·v and Σ w·exp(scale·⟨q, k⟩) of one query, in float64: rows × (dv + 1), the mass last. */
export function sumsOf(query: ArrayLike<number>, { keys, values, weights }: KvBlock, scale: number): Float64Array {
  const { cols: d } = keys
  const { cols: dv } = values
  const out = new Float64Array(dv + 1)
  for (let j = 0; j < keys.rows; j++) {
    let score = 0
    for (let c = 0; c < d; c++) score += query[c] * keys.data[j * d + c]
    const w = (weights?.[j] ?? 1) * Math.exp(scale * score)
    for (let c = 0; c < dv; c++) out[c] += w * values.data[j * dv + c]
    out[dv] += w
  }
  return out
}

/** Some rows with weights, copied plainly. */
export function chosen({ keys, values }: KvBlock, rows: ArrayLike<number>, weights: Float32Array): KvBlock {
  const pick = ({ cols, data }: Matrix): Matrix => ({
    rows: rows.length,
    cols,
    data: Float32Array.from(
      { length: rows.length * cols },
      (_, i) => data[rows[Math.floor(i / cols)] * cols + (i % cols)],
    ),
  })
  return { keys: pick(keys), values: pick(values), weights }
}

/** Rows less their mean. */
export function centredRows({ rows, cols, data }: Matrix): Matrix {
  const mean = new Float64Array(cols)
  for (let i = 0; i < data.length; i++) mean[i % cols] += data[i] / rows
  return { rows, cols, data: data.map((x, i) => x - mean[i % cols]) }
}

export const norm = (x: ArrayLike<number>) => Math.hypot(...Array.from(x))

/** The largest norm of a row. */
export function largestRow({ rows, cols, data }: Matrix): number {
  return Array.from({ length: rows }, (_, r) => norm(data.subarray(r * cols, (r + 1) * cols))).reduce(
    (a, b) => Math.max(a, b),
    0,
  )
}
