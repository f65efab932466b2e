import type { Matrix, SketchMatrix } from '@sublinear/core'

/** Row r of a matrix, in float64. */
export function row({ cols, data }: Matrix, r: number): Float64Array {
  return Float64Array.from(data.subarray(r * cols, (r + 1) * cols))
}

export function column({ rows, cols, data }: Matrix, c: number): Float64Array {
  return Float64Array.from({ length: rows }, (_, r) => data[r * cols + c])
}

export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i]
  return sum
}

export const norm = (a: ArrayLike<number>) => Math.sqrt(dot(a, a))

/** |a − b| over |b|. */
export function relative(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return norm(Float64Array.from(b, (x, i) => a[i] - x)) / norm(b)
}

/** P̃ in float64, row by row and without a feature: p(s) over its sum, p the Taylor polynomial of exp of this degree. */
export function taylorShares(queries: Matrix, keys: Matrix, scale: number, degree: number): Float64Array[] {
  return Array.from({ length: queries.rows }, (_, r) => {
    const q = row(queries, r)
    const shares = Float64Array.from({ length: keys.rows }, (_, j) => {
      const s = scale * dot(q, row(keys, j))
      let p = 1
      for (let g = degree; g >= 1; g--) p = 1 + (p * s) / g
      return p
    })
    const total = shares.reduce((a, b) => a + b, 0)
    return shares.map((p) => p / total)
  })
}

/** Columns 0 … n − 1 of Ψ, one an array. */
export function columnsOf(psi: SketchMatrix, n: number): Float32Array[] {
  return Array.from({ length: n }, (_, j) => {
    const into = { rows: psi.m, cols: 1, data: new Float32Array(psi.m) }
    psi.accumulate(into, { rows: 1, cols: 1, data: Float32Array.of(1) }, j)
    return into.data
  })
}

/** Ψ·a for a vector of one number a column of Ψ. */
export function sketched(columns: readonly Float32Array[], a: ArrayLike<number>): Float64Array {
  const out = new Float64Array(columns[0].length)
  for (let j = 0; j < columns.length; j++) {
    if (a[j] !== 0) for (let r = 0; r < out.length; r++) out[r] += columns[j][r] * a[j]
  }
  return out
}

/**
 * P̃ΨᵀΨV by definition, column by column: each share row and each value column through Ψ. With the control variate the mean of a
 * row of P̃, which is 1/n, and the mean of a column of V go around Ψ: (P̃ − 1/n)ΨᵀΨ(V − v̄) + v̄.
 */
export function sketchedAnswers(
  shares: readonly Float64Array[],
  values: Matrix,
  columns: readonly Float32Array[],
  controlVariate: boolean,
): Float64Array[] {
  const n = values.rows
  const left = shares.map((p) => sketched(columns, controlVariate ? p.map((x) => x - 1 / n) : p))
  return Array.from({ length: values.cols }, (_, c) => {
    const v = column(values, c)
    const mean = controlVariate ? v.reduce((a, b) => a + b, 0) / n : 0
    const right = sketched(
      columns,
      v.map((x) => x - mean),
    )
    return Float64Array.from(left, (p) => dot(p, right) + mean)
  })
}
