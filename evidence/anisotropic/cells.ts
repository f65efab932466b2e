import { matrix, philox, type Matrix } from '@sublinear/core'

/** One data set: keys and queries of 64 coordinates from one distribution, scores of a standard deviation. */
export interface Cell {
  /** Eigenvalues of the covariance are i^−decay. */
  readonly decay: 0 | 1 | 2
  readonly data: 'Gaussian' | 'mixture of 8' | 'two sinks'
  /** Standard deviation of the scores scale·⟨q, k − mean⟩. */
  readonly std: number
}

export const D = 64
export const DV = 8

export const cells: readonly Cell[] = ([0, 1, 2] as const).flatMap((decay) =>
  (['Gaussian', 'mixture of 8', 'two sinks'] as const).flatMap((data) =>
    [0.5, 1, 2].map((std) => ({ decay, data, std })),
  ),
)

export interface Tokens {
  readonly keys: Matrix
  readonly values: Matrix
  readonly queries: Matrix
  /** Queries that a map is fitted to. */
  readonly pilotQueries: Matrix
  readonly scale: number
}

/** Keys about a mean as long as they are wide, values tanh of a random image of the key; both functions of (cell, seed). */
export function tokensOf({ decay, data, std }: Cell, n: number, queries: number, seed: number): Tokens {
  const spectrum = Float64Array.from({ length: D }, (_, i) => (i + 1) ** -decay)
  const deviations = spectrum.map(Math.sqrt)
  const scale = std / Math.sqrt(spectrum.reduce((sum, x) => sum + x * x, 0))
  const turn = orthogonal(normals(D * D, seed, 0))
  const centres = normals(8 * D, seed, 1)
  const draw = (rows: number, lane: number, mean: Float64Array): Matrix => {
    const noise = normals(rows * D, seed, lane)
    const which = normals(rows, seed, lane + 10)
    const out = matrix(rows, D)
    for (let r = 0; r < rows; r++) {
      const cluster = Math.abs(Math.floor(which[r] * 1e6)) % 8
      const z = Float64Array.from({ length: D }, (_, i) => {
        const x = noise[r * D + i]
        const mixed = data === 'mixture of 8' ? Math.sqrt(0.75) * centres[cluster * D + i] + x / 2 : x
        return deviations[i] * mixed
      })
      for (let c = 0; c < D; c++) out.data[r * D + c] = mean[c] + dot(turn.subarray(c * D, (c + 1) * D), z)
    }
    return out
  }
  const direction = normals(D, seed, 2)
  const trace = spectrum.reduce((sum, x) => sum + x, 0)
  const mean = direction.map((x) => (x * Math.sqrt(trace)) / Math.sqrt(dot(direction, direction)))
  const keys = draw(n, 3, mean)
  if (data === 'two sinks') for (let i = 0; i < 2 * D; i++) keys.data[i] *= 5
  const image = normals(D * DV, seed, 4)
  const values = matrix(n, DV)
  for (let r = 0; r < n; r++) {
    for (let v = 0; v < DV; v++) {
      let sum = 0
      for (let c = 0; c < D; c++) sum += image[v * D + c] * (keys.data[r * D + c] - mean[c])
      values.data[r * DV + v] = Math.tanh(sum / Math.sqrt(trace))
    }
  }
  const asked = draw(queries, 5, new Float64Array(D))
  return { keys, values, queries: asked, pilotQueries: asked, scale }
}

/** Independent standard normal numbers of (seed, lane). */
function normals(count: number, seed: number, lane: number): Float64Array {
  const words = new Uint32Array(4)
  return Float64Array.from({ length: count }, (_, i) => {
    philox(words, seed, 0, i, lane, 0, 0)
    return Math.sqrt(-2 * Math.log((words[0] + 0.5) / 2 ** 32)) * Math.cos((2 * Math.PI * words[1]) / 2 ** 32)
  })
}

/** The rows made orthonormal. */
function orthogonal(rows: Float64Array): Float64Array {
  for (let i = 0; i < D; i++) {
    const row = rows.subarray(i * D, (i + 1) * D)
    for (let j = 0; j < i; j++) {
      const other = rows.subarray(j * D, (j + 1) * D)
      const share = dot(row, other)
      for (let c = 0; c < D; c++) row[c] -= share * other[c]
    }
    const norm = Math.sqrt(dot(row, row))
    for (let c = 0; c < D; c++) row[c] /= norm
  }
  return rows
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i]
  return sum
}
