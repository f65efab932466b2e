import { matrix, type Matrix, type Pilot } from '@sublinear/core'
import { kernels, sketchKernels } from '@sublinear/kernels'
import { symmetricEigen } from '@sublinear/poly-features'
import { withinTheValues } from './within-the-values'
import { curveOf, curvePoints } from './curve'
import { centredAt, covariance, meanRow, sampleOf, type Sample } from './sample'

/** How many tokens and how many queries are drawn. */
const TOKENS = 2048
const QUERIES = 1024
/** Number of queries over which an error is a mean: what is rarer than one in so many does not count. */
const ASKED = 4096
/** Tokens that are so many times rarer than one in n still count: over many queries they get many chances. */
const RARER = 2
const KEY = [0x706c616e, 0x6d6f6465] as const
/** Share of the trace that is added to a covariance to keep it invertible. */
const RIDGE = 1e-6
/** How far the mean square of importance weights may exceed the square of their mean, as a factor. */
const UNEVEN = 3
/** Values have a mean, or depend on keys, only where that explains so many times what chance explains. */
const DEPENDS = 2

/** A population of tokens and queries: points with probabilities. */
export interface GaussianModel {
  /** Number of tokens of the stream to come. */
  readonly tokens: number
  /** Points: queries, keys, and the values that the keys predict, within the box of the pilot's values. */
  readonly sample: Sample
  /** Share of each token; all shares add up to 1. The same for each query. */
  readonly tokenShares: Float64Array
  readonly queryShares: Float64Array
  /** Variance of the values about their prediction, summed over columns. */
  readonly residual: number
}

/**
 * Models tokens and queries like the pilot's as if they were Gaussian: with the same means and covariances, values a function of the keys, within the box of
 * the pilot's values, plus noise. They are drawn with a larger spread, and weights correct for it (importance sampling). So the model has tails, which a pilot
 * of some hundred rows lacks, up to what is to be expected once among n tokens and ASKED queries.
 */
export function gaussianModel({ queries, keys, values }: Pilot, scale: number, n: number): GaussianModel {
  const d = keys.cols
  const [meanKey, meanValue, meanQuery] = [meanRow(keys), meanRow(values), meanRow(queries)]
  const keySpread = covariance(centredAt(keys, meanKey))
  const querySpread = covariance(centredAt(queries, meanQuery))
  const [keyFactor, queryFactor] = [cholesky(keySpread), cholesky(querySpread)]
  const { values: valuesOf, residual } = regression(centredAt(keys, meanKey), centredAt(values, meanValue), keyFactor)
  // With k = L·z and q = L′·z′ a score is z′ᵀMz: in the singular bases of M, a sum over coordinates, the largest first.
  const [keyBasis, sizes] = eigenbasis(times(times(keyFactor, querySpread, 'tn'), keyFactor))
  const [queryBasis] = eigenbasis(times(times(queryFactor, keySpread, 'tn'), queryFactor))
  const wide = directionsOf(sizes)
  const tokens = drawn(TOKENS, d, { stream: 0, wide, reach: RARER * n })
  const asked = drawn(QUERIES, d, { stream: 1, wide, reach: ASKED })
  const centredKeys = times(times(tokens.points, keyBasis), keyFactor, 'nt')
  const centredQueries = times(times(asked.points, queryBasis), queryFactor, 'nt')
  const mean = seenMean(meanValue, residual / keys.rows)
  const sample = sampleOf(
    {
      queries: plus(centredQueries, meanQuery),
      keys: plus(centredKeys, meanKey),
      values: withinTheValues(plus(valuesOf(centredKeys), mean), values),
    },
    scale,
    tokens.shares,
  )
  return { tokens: n, sample, tokenShares: tokens.shares, queryShares: asked.shares, residual }
}

/** The mean; or zeros where chance alone makes a mean of squared length `square` as likely. */
function seenMean(mean: Float32Array, square: number): Float32Array {
  const length = mean.reduce((sum, x) => sum + x * x, 0)
  return length > DEPENDS * square ? mean : new Float32Array(mean.length)
}

/** A function of the keys that predicts the values, and the squared residual that it leaves, summed over columns. */
interface Regression {
  /** Predicts values from centred keys. */
  readonly values: (keys: Matrix) => Matrix
  readonly residual: number
}

/**
 * Fits values by keys: least squares, both centred; then each column by a curve of its linear prediction (a single-index model; for Gaussian keys the
 * direction is right whatever the curve, Brillinger 1982). Zeros where chance explains as much.
 */
function regression(keys: Matrix, values: Matrix, factor: Matrix): Regression {
  const { rows, cols: d } = keys
  const { cols } = values
  const cross = matrix(d, cols)
  kernels().product('tn', cross.data, keys.data, values.data, d, rows, cols)
  const slopes = solve(factor, { ...cross, data: cross.data.map((x) => x / rows) })
  const fitted = times(keys, slopes)
  const [left, explained] = [energyOf(values, fitted), energyOf(fitted)]
  const free = Math.max(1, rows - d - 1)
  if (explained / d < (DEPENDS * left) / free)
    return { values: (asked) => matrix(asked.rows, cols), residual: energyOf(values) / rows }
  const curves = Array.from({ length: cols }, (_, c) => curveOf(column(fitted, c), column(values, c)))
  const through = (asked: Matrix) => {
    const out = times(asked, slopes)
    for (let i = 0; i < out.data.length; i++) out.data[i] = curves[i % cols](out.data[i])
    return out
  }
  return { values: through, residual: energyOf(values, through(keys)) / Math.max(1, free - curvePoints(rows)) }
}

function energyOf({ data }: Matrix, less?: Matrix): number {
  let sum = 0
  for (let i = 0; i < data.length; i++) sum += (data[i] - (less?.data[i] ?? 0)) ** 2
  return sum
}

const column = ({ rows, cols, data }: Matrix, c: number): Float64Array =>
  Float64Array.from({ length: rows }, (_, r) => data[r * cols + c])

/** The eigenvectors (as rows) and eigenvalues of a symmetric matrix, largest first. */
function eigenbasis({ cols: d, data }: Matrix): [Matrix, Float64Array] {
  const { values, vectors } = symmetricEigen(Float64Array.from(data), d)
  const order = Array.from(values.keys()).toSorted((a, b) => values[b] - values[a] || a - b)
  const rows = order.flatMap((i) => Array.from(vectors.subarray(i * d, (i + 1) * d)))
  return [matrix(d, d, Float32Array.from(rows)), Float64Array.from(order, (i) => Math.max(0, values[i]))]
}

/** The number of directions that the variance of the scores fills: (Σx)²/Σx², rounded. */
function directionsOf(x: Float64Array): number {
  let [sum, squares] = [0, 0]
  for (const size of x) {
    sum += size
    squares += size * size
  }
  return squares > 0 ? Math.max(1, Math.round(sum ** 2 / squares)) : 1
}

/**
 * Draws standard normal points with their probabilities, the first `wide` coordinates from a wider normal distribution, and no point whose wide coordinates are
 * rarer than one in `reach`.
 */
function drawn(
  count: number,
  d: number,
  { stream, wide, reach }: { readonly stream: number; readonly wide: number; readonly reach: number },
): { points: Matrix; shares: Float64Array } {
  const ratio = UNEVEN ** (2 / wide)
  const square = ratio + Math.sqrt(ratio * ratio - ratio) // E ρ² = (square/√(2·square − 1))^wide = UNEVEN
  const points = normals(count, d, stream)
  const shares = new Float64Array(count)
  const most = reachOf(wide, reach)
  let total = 0
  for (let r = 0; r < count; r++) {
    let energy = 0
    for (let i = r * d; i < r * d + wide; i++) {
      points.data[i] *= Math.sqrt(square)
      energy += points.data[i] ** 2
    }
    shares[r] = energy > most ? 0 : Math.exp((-energy / 2) * (1 - 1 / square))
    total += shares[r]
  }
  return { points, shares: shares.map((x) => x / total) }
}

/** The squared length that one of `count` standard normal points of d coordinates reaches (Wilson and Hilferty, 1931). */
function reachOf(d: number, count: number): number {
  const z = Math.sqrt(2 * Math.log(Math.max(2, count)))
  const typical = z - (Math.log(Math.log(Math.max(3, count))) + 2.53) / (2 * z) // the largest of so many normal numbers, typically
  return d * Math.max(0, 1 - 2 / (9 * d) + typical * Math.sqrt(2 / (9 * d))) ** 3
}

function normals(rows: number, cols: number, stream: number): Matrix {
  const out = matrix(rows, cols)
  sketchKernels().normalColumns(out.data, KEY, stream, 0, rows, cols, 1)
  return out
}

function times(a: Matrix, b: Matrix, form: 'nn' | 'nt' | 'tn' = 'nn'): Matrix {
  const [rows, inner] = form === 'tn' ? [a.cols, a.rows] : [a.rows, a.cols]
  const out = matrix(rows, form === 'nt' ? b.rows : b.cols)
  kernels().product(form, out.data, a.data, b.data, rows, inner, out.cols)
  return out
}

/** Computes the lower triangular L with LLᵀ = a. A direction in which rounding leaves less than half of the ridge has no part in what comes after it. */
function cholesky({ cols: d, data }: Matrix): Matrix {
  const out = matrix(d, d)
  let trace = 0
  for (let i = 0; i < d; i++) trace += data[i * d + i]
  const ridge = (RIDGE * trace) / d + 1e-30
  const isFlat = new Uint8Array(d)
  for (let i = 0; i < d; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = data[i * d + j] + (i === j ? ridge : 0)
      for (let c = 0; c < j; c++) sum -= out.data[i * d + c] * out.data[j * d + c]
      if (i === j) {
        if (sum < ridge / 2) isFlat[i] = 1
        out.data[i * d + i] = Math.sqrt(Math.max(sum, ridge / 2))
      } else out.data[i * d + j] = isFlat[j] ? 0 : sum / out.data[j * d + j]
    }
  }
  return out
}

/** Solves LLᵀx = b. */
function solve({ cols: d, data }: Matrix, b: Matrix): Matrix {
  const out = matrix(d, b.cols, b.data.slice())
  for (let c = 0; c < b.cols; c++) {
    const at = (i: number) => i * b.cols + c
    for (let i = 0; i < d; i++) {
      for (let j = 0; j < i; j++) out.data[at(i)] -= data[i * d + j] * out.data[at(j)]
      out.data[at(i)] /= data[i * d + i]
    }
    for (let i = d - 1; i >= 0; i--) {
      for (let j = i + 1; j < d; j++) out.data[at(i)] -= data[j * d + i] * out.data[at(j)]
      out.data[at(i)] /= data[i * d + i]
    }
  }
  return out
}

const plus = (rows: Matrix, mean: Float32Array): Matrix =>
  centredAt(
    rows,
    mean.map((x) => -x),
  )
