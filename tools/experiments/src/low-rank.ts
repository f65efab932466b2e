/**
 * `pnpm --filter @sublinear/experiments run low-rank`: how near U₁U₂ᵀ comes to exp(scale·QKᵀ), beside the best matrix of the same rank.
 * Gaussian queries and keys, n = 192. Writes results/low-rank.json and low-rank.svg.
 */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { featureDimension, matrix, symmetricEigen, taylorFeatures, type Matrix } from '@sublinear/attention'
import { kernels } from '@sublinear/kernels'
import { fourDigits } from './four-digits.ts'
import { logLogPlot } from './plot.ts'

const N = 192

export interface LowRank {
  readonly d: number
  /** Standard deviation of the scores. */
  readonly spread: number
  readonly degree: number
  readonly t: number
  /** ‖A − U₁U₂ᵀ‖_F/‖A‖_F, and the least any matrix of rank t has. */
  readonly features: number
  readonly best: number
}

export function measured(): LowRank[] {
  return [2, 4, 8].flatMap((d) =>
    [0.3, 1].flatMap((spread) => {
      const [queries, keys] = [normals(d, 1), normals(d, 2)]
      const scale = spread / Math.sqrt(d)
      const exact = new Float64Array(N * N)
      for (let i = 0; i < N; i++) {
        for (let j = 0; j < N; j++) {
          let s = 0
          for (let c = 0; c < d; c++) s += scale * queries.data[i * d + c]! * keys.data[j * d + c]!
          exact[i * N + j] = Math.exp(s)
        }
      }
      const energies = squaredSingularValues(exact)
      const whole = energies.reduce((a, b) => a + b, 0)
      return [1, 2, 3, 4, 6].flatMap((degree) => {
        const t = featureDimension(d, degree)
        if (t >= N) return []
        const product = productOf(taylorFeatures({ d, degree, scale }), queries, keys)
        let off = 0
        for (const [i, x] of exact.entries()) off += (x - product[i]!) ** 2
        const left = energies.slice(t).reduce((a, b) => a + b, 0)
        return [{ d, spread, degree, t, features: Math.sqrt(off / whole), best: Math.sqrt(left / whole) }]
      })
    }),
  )
}

function normals(d: number, stream: number): Matrix {
  const out = matrix(N, d)
  kernels().normalColumns(out.data, [7, 7], stream, 0, N, d, 1)
  return out
}

function productOf(features: ReturnType<typeof taylorFeatures>, queries: Matrix, keys: Matrix): Float32Array {
  const [u1, u2] = [matrix(N, features.t), matrix(N, features.t)]
  features.mapQueries(queries, u1, new Float32Array(N))
  features.mapKeys(keys, u2)
  const out = new Float32Array(N * N)
  kernels().product('nt', out, u1.data, u2.data, N, features.t, N)
  return out
}

/** Largest first: the eigenvalues of AAᵀ. */
function squaredSingularValues(a: Float64Array): number[] {
  const square = new Float64Array(N * N)
  for (let i = 0; i < N; i++) {
    for (let j = i; j < N; j++) {
      let sum = 0
      for (let c = 0; c < N; c++) sum += a[i * N + c]! * a[j * N + c]!
      square[i * N + j] = square[j * N + i] = sum
    }
  }
  return Array.from(symmetricEigen(square, N).values, (x) => Math.max(0, x))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const result = measured()
  writeFileSync(new URL('../results/low-rank.json', import.meta.url), `${JSON.stringify(result, fourDigits, 1)}\n`)
  const line = (d: number, spread: number, of: 'features' | 'best') => ({
    name: `${of === 'best' ? 'best' : 'Taylor'}, d = ${d}, σ = ${spread}`,
    points: result
      .filter((one) => one.d === d && one.spread === spread && one[of] > 1e-7)
      .map((one): [number, number] => [one.t, one[of]]),
  })
  const lines = [
    line(2, 1, 'features'),
    line(2, 1, 'best'),
    line(4, 1, 'features'),
    line(4, 1, 'best'),
    line(8, 1, 'features'),
  ]
  const title = 'relative Frobenius error of exp(scale·QKᵀ) against the rank t'
  writeFileSync(new URL('../results/low-rank.svg', import.meta.url), logLogPlot(title, lines, ''))
  for (const one of result) console.log(JSON.stringify(one, fourDigits))
}
