import { matrix, philox, type Matrix } from '@sublinear/core'
import { kernels, sketchKernels } from '@sublinear/kernels'

/** A synthetic stream of independent tokens, drawn by its seed. */
export interface Configuration {
  readonly seed: number
  readonly n: number
  readonly d: number
  readonly dv: number
  /** Standard deviation of scores. */
  readonly spread: number
  /** Eigenvalue i of the keys' covariance is i^−decay. */
  readonly decay: 0 | 1 | 2
  readonly values: 'noise' | 'mean + noise' | 'smooth'
  readonly epsilon: number
}

export function configuration(seed: number): Configuration {
  const uniform = uniforms(seed, 0)
  const pick = <T>(all: readonly T[]): T => all[Math.floor(uniform() * all.length)]!
  return {
    seed,
    n: Math.round(10 ** (3 + 3 * uniform())),
    d: pick([2, 4, 8, 16, 32]),
    dv: pick([4, 8, 16]),
    spread: 0.2 + 1.8 * uniform(),
    decay: pick([0, 1, 2] as const),
    values: pick(['noise', 'mean + noise', 'smooth'] as const),
    epsilon: 10 ** (-3 + Math.log10(500) * uniform()),
  }
}

export interface Source {
  readonly scale: number
  /** Rows first … first + count − 1 of keys and values. */
  tokens(first: number, count: number): { readonly keys: Matrix; readonly values: Matrix }
  queries(count: number): Matrix
}

/** Gaussian keys and queries of one random covariance, keys about a mean; `part` 0 is the stream, others are independent of it. */
export function source({ seed, d, dv, spread, decay, values }: Configuration, part: number): Source {
  const scale = 1 / Math.sqrt(d)
  const uniform = uniforms(seed, 1)
  const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform())
  const rotation = orthogonal(d, normal)
  const deviations = Float64Array.from({ length: d }, (_, i) => (i + 1) ** (-decay / 2))
  // scores have variance scale²·c²·Σλ², with queries c times as long as keys
  const energy = deviations.reduce((sum, x) => sum + x ** 4, 0)
  const length = spread / (scale * Math.sqrt(energy))
  const keyMap = matrix(
    d,
    d,
    Float32Array.from(rotation, (x, i) => x * deviations[Math.floor(i / d)]),
  )
  const queryMap = matrix(
    d,
    d,
    keyMap.data.map((x) => x * length),
  )
  const mean = Float32Array.from({ length: d }, normal)
  const slope = Float32Array.from({ length: d * dv }, () => (2 * normal()) / Math.sqrt(d))
  const draw = (count: number, cols: number, stream: number, first: number) => {
    const out = new Float32Array(count * cols)
    sketchKernels().normalColumns(out, [seed, 100 + part], stream, first, cols, count, 1)
    return transposed(out, cols, count)
  }
  return {
    scale,
    tokens(first, count) {
      const keys = through(draw(count, d, 0, first), keyMap)
      const noise = draw(count, dv, 1, first)
      const own =
        values === 'noise'
          ? noise
          : values === 'mean + noise'
            ? { ...noise, data: noise.data.map((x) => 1 + 0.3 * x) }
            : { ...noise, data: through(keys, matrix(d, dv, slope)).data.map(Math.tanh) }
      return { keys: { ...keys, data: keys.data.map((x, i) => x + mean[i % d]) }, values: own }
    },
    queries: (count) => through(draw(count, d, 2, 0), queryMap),
  }
}

function uniforms(seed: number, stream: number): () => number {
  const words = new Uint32Array(4)
  let drawn = 0
  return () => {
    if (drawn % 4 === 0) philox(words, seed, 77, drawn / 4, stream, 0, 0)
    return (words[drawn++ % 4] + 0.5) / 2 ** 32
  }
}

/** Rows of Gaussian numbers, made orthonormal one after the other. */
function orthogonal(d: number, normal: () => number): Float64Array {
  const out = new Float64Array(d * d)
  for (let i = 0; i < d; i++) {
    const row = out.subarray(i * d, (i + 1) * d)
    for (let c = 0; c < d; c++) row[c] = normal()
    for (let pass = 0; pass < 2; pass++) {
      for (let j = 0; j < i; j++) {
        const other = out.subarray(j * d, (j + 1) * d)
        const along = row.reduce((sum, x, c) => sum + x * other[c], 0)
        for (let c = 0; c < d; c++) row[c] -= along * other[c]
      }
    }
    const norm = Math.hypot(...row)
    for (let c = 0; c < d; c++) row[c] /= norm
  }
  return out
}

function transposed(data: Float32Array, rows: number, cols: number): Matrix {
  const out = matrix(cols, rows)
  for (let r = 0; r < rows; r++) for (let c = 0; c < cols; c++) out.data[c * rows + r] = data[r * cols + c]
  return out
}

function through(rows: Matrix, map: Matrix): Matrix {
  const out = matrix(rows.rows, map.cols)
  kernels().product('nn', out.data, rows.data, map.data, rows.rows, rows.cols, map.cols)
  return out
}
