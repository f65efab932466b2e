import { matrix, type FeatureMap, type Matrix } from '@sublinear/attention'
import { symmetricEigen } from '@sublinear/poly-features'
import { kernels } from '@sublinear/kernels'

export interface AgainstBest {
  readonly t: number
  /** ‖A − Ã‖_F/‖A‖_F, and the least any matrix of rank t has. */
  readonly features: number
  readonly best: number
  /** The same for rows that sum to 1, P and P̃. */
  readonly rows: number
  readonly bestRows: number
  /** Share of the rows of Ã whose sum is not positive. */
  readonly negative: number
}

/** A = exp(scale·QKᵀ), all of it (n × n, float64), against feature maps of its scale. */
export function againstBest(
  queries: Matrix,
  keys: Matrix,
  scale: number,
  maps: readonly FeatureMap[],
): readonly AgainstBest[] {
  const n = queries.rows
  const scores = new Float64Array(n * n)
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      let s = 0
      for (let c = 0; c < keys.cols; c++) s += scale * queries.data[i * keys.cols + c] * keys.data[j * keys.cols + c]
      scores[i * n + j] = s
    }
  }
  const most = scores.reduce((a, b) => Math.max(a, b), -Infinity) // scores reach hundreds; a common factor changes no relative error
  const exact = scores.map((s) => Math.exp(s - most))
  const shares = exactShares(scores, n)
  const [energies, energiesOfRows] = [squaredSingularValues(exact, n), squaredSingularValues(shares, n)]
  return maps.map((features) => {
    const { t } = features
    const { product, logScale } = productOf(features, queries, keys)
    const approximate = product.map((x, i) => x * Math.exp(logScale[Math.floor(i / n)] - most))
    const sums = sumsOf(product, n)
    const approximateShares = product.map((x, i) => x / sums[Math.floor(i / n)])
    return {
      t,
      features: relative(approximate, exact),
      best: leastOf(energies, t),
      rows: relative(approximateShares, shares),
      bestRows: leastOf(energiesOfRows, t),
      negative: sums.filter((sum) => !(sum > 0)).length / n,
    }
  })
}

function exactShares(scores: Float64Array, n: number): Float64Array {
  const out = new Float64Array(n * n)
  for (let i = 0; i < n; i++) {
    const row = scores.subarray(i * n, (i + 1) * n)
    const most = row.reduce((a, b) => Math.max(a, b), -Infinity)
    const total = row.reduce((sum, s) => sum + Math.exp(s - most), 0)
    for (let j = 0; j < n; j++) out[i * n + j] = Math.exp(row[j] - most) / total
  }
  return out
}

/** U₁U₂ᵀ, and the logarithms that its rows are multiplied by. */
function productOf(features: FeatureMap, queries: Matrix, keys: Matrix) {
  const n = queries.rows
  const [u1, u2, logScale] = [matrix(n, features.t), matrix(n, features.t), new Float32Array(n)]
  features.mapQueries(queries, u1, logScale)
  features.mapKeys(keys, u2)
  const out = new Float32Array(n * n)
  kernels().product('nt', out, u1.data, u2.data, n, features.t, n)
  return { product: Float64Array.from(out), logScale }
}

function sumsOf(product: Float64Array, n: number): Float64Array {
  return Float64Array.from({ length: n }, (_, i) => product.subarray(i * n, (i + 1) * n).reduce((a, b) => a + b, 0))
}

function relative(got: Float64Array, truth: Float64Array): number {
  let [off, norm] = [0, 0]
  for (const [i, x] of truth.entries()) {
    off += (x - got[i]) ** 2
    norm += x * x
  }
  return Math.sqrt(off / norm)
}

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0)

/** The relative error that no matrix of rank t is below (Eckart and Young). */
function leastOf(energies: readonly number[], t: number): number {
  return Math.sqrt(sum(energies.slice(t)) / sum(energies))
}

/** Largest first: the eigenvalues of AAᵀ. */
function squaredSingularValues(a: Float64Array, n: number): number[] {
  const square = new Float64Array(n * n)
  for (let i = 0; i < n; i++) {
    for (let j = i; j < n; j++) {
      let sum = 0
      for (let c = 0; c < n; c++) sum += a[i * n + c] * a[j * n + c]
      square[i * n + j] = square[j * n + i] = sum
    }
  }
  return Array.from(symmetricEigen(square, n).values, (x) => Math.max(0, x))
}
