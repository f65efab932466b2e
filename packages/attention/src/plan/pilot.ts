import { checkFinite, checkKeys, checkScale, checkValues, matrix, type Matrix } from '@sublinear/core'
import { kernels } from '@sublinear/kernels'

/** Rows of the user's data: some hundred tokens and queries like those to come. */
export interface Pilot {
  readonly queries: Matrix // rows × d
  readonly keys: Matrix // m × d
  readonly values: Matrix // m × dv
}

/** More tokens and queries than these are thinned out evenly. */
const MOST_TOKENS = 512
const MOST_QUERIES = 512
export const LEAST_TOKENS = 32

/** What a pilot shows of the data, in numbers. */
export interface PilotFindings {
  readonly tokens: number
  readonly queries: number
  /** Largest |scale·⟨q, k − mean key⟩|. */
  readonly radius: number
  /** Standard deviation of a query's scores, root mean square over queries. */
  readonly scoreSpread: number
  /** n·‖softmax‖², mean over queries: by how much attention concentrates; 1 for averages. */
  readonly concentration: number
  /** Root mean squares. */
  readonly norms: { readonly query: number; readonly key: number; readonly centredKey: number; readonly value: number }
}

export interface MeasuredPilot {
  readonly queries: Matrix
  readonly keys: Matrix
  readonly values: Matrix
  readonly meanKey: Float32Array
  /** e^{scale·⟨q, k − mean key⟩ − the row's largest}, queries × tokens. */
  readonly weights: Float64Array
  /** The rows' largest scores. */
  readonly tops: Float64Array
  /** Standard deviation of each query's scores. */
  readonly spreads: Float64Array
  readonly findings: PilotFindings
}

export function measurePilot(who: string, pilot: Pilot, scale: number): MeasuredPilot {
  if (typeof pilot !== 'object' || pilot === null)
    throw new TypeError(`${who}: pilot must be { queries, keys, values }, got ${String(pilot)}`)
  checkScale(who, scale)
  checkFinite(who, 'scale', scale, 0)
  checkKeys(who, 'pilot.keys', pilot.keys)
  const { rows, cols: d } = pilot.keys
  checkKeys(who, 'pilot.queries', pilot.queries, d)
  checkValues(who, 'pilot.values', pilot.values, undefined, rows)
  if (rows < LEAST_TOKENS) throw new RangeError(`${who}: pilot.keys must have at least ${LEAST_TOKENS} rows, got ${rows}`)
  if (pilot.queries.rows === 0) throw new RangeError(`${who}: pilot.queries must have at least one row`)
  const queries = thinned(pilot.queries, MOST_QUERIES)
  const keys = thinned(pilot.keys, MOST_TOKENS)
  const values = thinned(pilot.values, MOST_TOKENS)

  const meanKey = meanRow(keys)
  const centred = matrix(
    keys.rows,
    d,
    keys.data.map((x, i) => x - meanKey[i % d]!),
  )
  const scores = new Float32Array(queries.rows * keys.rows)
  kernels().product('nt', scores, queries.data, centred.data, queries.rows, d, keys.rows)
  const weights = new Float64Array(scores.length)
  const spreads = new Float64Array(queries.rows)
  const tops = new Float64Array(queries.rows)
  let radius = 0
  let spread = 0
  let concentration = 0
  for (let r = 0; r < queries.rows; r++) {
    const row = scores.subarray(r * keys.rows, (r + 1) * keys.rows).map((x) => x * scale)
    let top = -Infinity
    let sum = 0
    let squares = 0
    for (const s of row) {
      top = Math.max(top, s)
      radius = Math.max(radius, Math.abs(s))
      sum += s
      squares += s * s
    }
    tops[r] = top
    spreads[r] = Math.sqrt(Math.max(0, squares / row.length - (sum / row.length) ** 2))
    spread += spreads[r]! ** 2
    let mass = 0
    let energy = 0
    for (const [j, s] of row.entries()) {
      const weight = Math.exp(s - top)
      weights[r * keys.rows + j] = weight
      mass += weight
      energy += weight * weight
    }
    concentration += (energy / mass ** 2) * keys.rows
  }
  return {
    queries,
    keys,
    values,
    meanKey,
    weights,
    tops,
    spreads,
    findings: {
      tokens: keys.rows,
      queries: queries.rows,
      radius,
      scoreSpread: Math.sqrt(spread / queries.rows),
      concentration: concentration / queries.rows,
      norms: { query: rms(queries), key: rms(keys), centredKey: rms(centred), value: rms(values) },
    },
  }
}

/** At most `most` rows, evenly spaced. */
function thinned(rows: Matrix, most: number): Matrix {
  if (rows.rows <= most) return rows
  const out = matrix(most, rows.cols)
  for (let r = 0; r < most; r++) {
    const from = Math.floor((r * rows.rows) / most) * rows.cols
    out.data.set(rows.data.subarray(from, from + rows.cols), r * rows.cols)
  }
  return out
}

function meanRow({ rows, cols, data }: Matrix): Float32Array {
  const total = new Float64Array(cols)
  for (let i = 0; i < data.length; i++) total[i % cols]! += data[i]!
  return Float32Array.from(total, (x) => x / rows)
}

/** Root mean square length of a row. */
function rms({ rows, data }: Matrix): number {
  let sum = 0
  for (const x of data) sum += x * x
  return Math.sqrt(sum / rows)
}
