import { checkKeys, checkScale, checkValues, matrix, type Matrix, type Pilot } from '@sublinear/core'
import { kernels } from '@sublinear/kernels'

/** Findings of a pilot about the data, in numbers; of scores as they are before any cap, and of no sink. */
export interface PilotFindings {
  readonly tokens: number
  readonly queries: number
  /** Largest |scale·⟨q, k − mean key⟩|. */
  readonly radius: number
  /** Standard deviation of a query's scores, as root mean square over queries. */
  readonly scoreSpread: number
  /** Number of directions that the variance of the keys fills: (Σλ)²/Σλ² of their covariance, 1 … d. */
  readonly directions: number
  /** Root mean square lengths. */
  readonly norms: { readonly query: number; readonly key: number; readonly centredKey: number; readonly value: number }
}

/** Tokens and queries with all exact attention weights between them. */
export interface Sample extends Pilot {
  /** Weights e^{scale·⟨q, k⟩ − the row's largest}, queries × tokens. */
  readonly weights: Float64Array
  /** Standard deviation of each query's scores. */
  readonly spreads: Float64Array
  /** Largest score of each query, with the keys centred. */
  readonly tops: Float64Array
  readonly meanKey: Float32Array
}

export interface MeasuredPilot extends Sample {
  readonly findings: PilotFindings
}

/** Most tokens, and most queries: of more, an evenly spaced part is taken. */
const MOST = 512
/** Fewest tokens of a pilot: fewer say nothing. */
export const LEAST_TOKENS = 32

export function measurePilot(who: string, pilot: Pilot, scale: number, least = LEAST_TOKENS): MeasuredPilot {
  if (typeof pilot !== 'object' || pilot === null)
    throw new TypeError(`${who}: pilot must be { queries, keys, values }, got ${String(pilot)}`)
  checkScale(who, scale)
  checkKeys(who, 'pilot.keys', pilot.keys)
  const { rows, cols: d } = pilot.keys
  checkKeys(who, 'pilot.queries', pilot.queries, d)
  checkValues(who, 'pilot.values', pilot.values, undefined, rows)
  if (rows < least) throw new RangeError(`${who}: pilot.keys must have at least ${least} rows, got ${rows}`)
  if (pilot.queries.rows === 0) throw new RangeError(`${who}: pilot.queries must have at least one row, got 0`)
  const sample = sampleOf(
    { queries: thinned(pilot.queries, MOST), keys: thinned(pilot.keys, MOST), values: thinned(pilot.values, MOST) },
    scale,
  )
  const { queries, keys, values, spreads, meanKey } = sample
  const centred = centredAt(keys, meanKey)
  let radius = 0
  const scores = scoresOf(queries, centred, scale)
  for (const s of scores) radius = Math.max(radius, Math.abs(s))
  const findings: PilotFindings = {
    tokens: keys.rows,
    queries: queries.rows,
    radius,
    scoreSpread: Math.sqrt(spreads.reduce((sum, x) => sum + x * x, 0) / queries.rows),
    directions: directions(centred),
    norms: { query: rms(queries), key: rms(keys), centredKey: rms(centred), value: rms(values) },
  }
  return { ...sample, findings }
}

/** Computes all weights of a pilot, whatever its size. `shares` are the probabilities of its tokens; absent: equal. */
export function sampleOf({ queries, keys, values }: Pilot, scale: number, shares?: Float64Array): Sample {
  const { rows } = keys
  const meanKey = meanRow(keys)
  const scores = scoresOf(queries, centredAt(keys, meanKey), scale)
  const weights = new Float64Array(scores.length)
  const spreads = new Float64Array(queries.rows)
  const tops = new Float64Array(queries.rows)
  for (let r = 0; r < queries.rows; r++) {
    const row = scores.subarray(r * rows, (r + 1) * rows)
    let [top, sum, squares] = [-Infinity, 0, 0]
    for (let j = 0; j < rows; j++) {
      const share = shares ? shares[j] : 1 / rows
      if (share === 0) continue
      top = Math.max(top, row[j])
      sum += share * row[j]
      squares += share * row[j] ** 2
    }
    tops[r] = top
    spreads[r] = Math.sqrt(Math.max(0, squares - sum ** 2))
    for (let j = 0; j < rows; j++) weights[r * rows + j] = Math.exp(row[j] - top)
  }
  return { queries, keys, values, weights, spreads, tops, meanKey }
}

export function meanRow({ rows, cols, data }: Matrix): Float32Array {
  const total = new Float64Array(cols)
  for (let i = 0; i < data.length; i++) total[i % cols] += data[i]
  return Float32Array.from(total, (x) => x / rows)
}

export function centredAt(rows: Matrix, centre: Float32Array): Matrix {
  return matrix(
    rows.rows,
    rows.cols,
    rows.data.map((x, i) => x - centre[i % rows.cols]),
  )
}

/** The covariance aᵀa / rows of a centred matrix, cols × cols. */
export function covariance({ rows, cols, data }: Matrix): Matrix {
  const out = matrix(cols, cols)
  kernels().product('tn', out.data, data, data, cols, rows, cols)
  return { ...out, data: out.data.map((x) => x / rows) }
}

/** Scores scale·⟨q, k⟩ of all pairs, queries × keys. */
export function scoresOf(queries: Matrix, keys: Matrix, scale: number): Float32Array {
  const out = new Float32Array(queries.rows * keys.rows)
  kernels().product('nt', out, queries.data, keys.data, queries.rows, keys.cols, keys.rows)
  for (let i = 0; i < out.length; i++) out[i] *= scale
  return out
}

/** Thins a matrix to at most `most` rows, evenly spaced. */
function thinned(rows: Matrix, most: number): Matrix {
  if (rows.rows <= most) return rows
  const out = matrix(most, rows.cols)
  for (let r = 0; r < most; r++) {
    const from = Math.floor((r * rows.rows) / most) * rows.cols
    out.data.set(rows.data.subarray(from, from + rows.cols), r * rows.cols)
  }
  return out
}

function directions(centred: Matrix): number {
  const { cols, data } = covariance(centred)
  let [trace, squares] = [0, 0]
  for (let i = 0; i < cols; i++) trace += data[i * cols + i]
  for (const x of data) squares += x * x
  return squares > 0 ? trace ** 2 / squares : 1
}

/** The root mean square length of a row. */
function rms({ rows, data }: Matrix): number {
  let sum = 0
  for (const x of data) sum += x * x
  return Math.sqrt(sum / rows)
}
