import { matrix, type FeatureMap, type Matrix } from '@sublinear/core'
import { normalise } from '@sublinear/exact-attention'
import { kernels } from '@sublinear/kernels'
import { anisotropicFeatures, featureDimension, MOST_DEGREE, taylorFeatures } from '@sublinear/poly-features'
import { closureStream } from '@sublinear/streaming-attention'
import { rowsAt, type Answered } from './error-law'
import type { MeasuredPilot } from './pilot'

/** A summary that could be kept instead of the tokens. */
export interface Candidate {
  readonly name: string
  readonly kind: 'closure' | 'feature'
  readonly features?: FeatureMap
  readonly t: number
  /** Bytes by part; what the stream will hold. */
  readonly bytes: Readonly<Record<string, number>>
}

export interface CandidateShape {
  readonly d: number
  readonly dv: number
  readonly scale: number
}

/** Sizes of anisotropic maps that are tried. */
const SIZES = [16, 32, 64, 128, 256, 512, 1024, 2048, 4096]
/** More features than these are slower than most would wait for. */
const MOST_FEATURES = 2 ** 13
const HELD = 64
const HELD_CLOSURE = 16

export const total = (bytes: Readonly<Record<string, number>>): number => Object.values(bytes).reduce((a, b) => a + b, 0)

/** What a feature stream holds. */
export function featureBytes({ t, spec, d }: FeatureMap, dv: number): Record<string, number> {
  return { state: 4 * t * dv, totals: 8 * t, map: spec.length, buffer: 4 * HELD * (d + dv + 1) }
}

export function closureBytes({ d, dv }: CandidateShape): Record<string, number> {
  return { moments: 4 * d * (d + dv) + 8 * (d + 2 * dv) + 8, buffer: 4 * HELD_CLOSURE * (d + dv + 1) }
}

/** What a pilot allows to try within so many bytes: averages, the Gaussian closure, Taylor and anisotropic features; smallest first. */
export function candidates(shape: CandidateShape, pilot: MeasuredPilot, mostBytes: number): Candidate[] {
  const { d, dv, scale } = shape
  const found: Candidate[] = [{ name: 'Gaussian closure', kind: 'closure', t: d, bytes: closureBytes(shape) }]
  const add = (name: string, t: number, make: () => FeatureMap) => {
    if (4 * t * dv > mostBytes) return
    const features = make()
    found.push({ name, kind: 'feature', features, t, bytes: featureBytes(features, dv) })
  }
  const centre = pilot.meanKey
  for (let degree = 0; degree <= MOST_DEGREE; degree++) {
    const t = featureDimension(d, degree)
    if (t > MOST_FEATURES) break
    const name = degree === 0 ? 'averages' : `Taylor features of degree ${degree}`
    add(name, t, () => taylorFeatures({ d, degree, scale, centre }))
  }
  if (d > 1) {
    for (const t of SIZES.filter((t) => t > d + 1 && t < featureDimension(d, Math.min(MOST_DEGREE, 8)))) {
      add(`${t} anisotropic features`, t, () =>
        anisotropicFeatures({ pilotKeys: pilot.keys, pilotQueries: pilot.queries, t, scale }),
      )
    }
  }
  return found.filter(({ bytes }) => total(bytes) <= mostBytes).toSorted((a, b) => total(a.bytes) - total(b.bytes))
}

/** What a candidate's answers are off by, from some of the pilot's tokens: its answer less the exact one. */
export function errorOf(candidate: Candidate, pilot: MeasuredPilot, shape: CandidateShape): Answered {
  if (candidate.kind === 'closure') {
    return (chosen, values) => {
      const stream = closureStream(shape)
      const own = rowsAt(values, chosen)
      stream.push({ keys: rowsAt(pilot.keys, chosen), values: own })
      const answers = normalise(stream.attend(pilot.queries))
      stream[Symbol.dispose]()
      const exact = weighted(shares(pilot.weights, pilot, chosen), own)
      return { ...answers, data: answers.data.map((x, i) => x - exact.data[i]!) }
    }
  }
  const approximate = pairs(candidate.features!, pilot)
  return (chosen, values) => {
    const off = shares(approximate, pilot, chosen, LEAST_MASS * chosen.length)
    const exact = shares(pilot.weights, pilot, chosen)
    return weighted(
      off.map((x, i) => x - exact[i]!),
      rowsAt(values, chosen),
    )
  }
}

/** The exact answers themselves. */
export function outputOf(pilot: MeasuredPilot): Answered {
  return (chosen, values) => weighted(shares(pilot.weights, pilot, chosen), rowsAt(values, chosen))
}

/** ⟨φ(q), φ(k)⟩ for all pairs: queries × tokens. */
function pairs(features: FeatureMap, { queries, keys }: MeasuredPilot): Float64Array {
  const { t } = features
  const u1 = matrix(queries.rows, t)
  const u2 = matrix(keys.rows, t)
  features.mapQueries(queries, u1, new Float32Array(queries.rows)) // a row's common factor cancels
  features.mapKeys(keys, u2)
  const out = new Float32Array(queries.rows * keys.rows)
  kernels().product('nt', out, u1.data, u2.data, queries.rows, t, keys.rows)
  return Float64Array.from(out)
}

/** Below this share of the mass of plain averages a stream falls back; here to averages. */
const LEAST_MASS = 2 ** -10

/** Each row's weights of the chosen tokens over their sum, or averages where that is not above `least`: queries × chosen. */
function shares(
  weights: Float64Array,
  { queries, keys }: MeasuredPilot,
  chosen: Uint32Array,
  least = 0,
): Float64Array {
  const out = new Float64Array(queries.rows * chosen.length)
  for (let r = 0, at = 0; r < queries.rows; r++, at += chosen.length) {
    let mass = 0
    for (let c = 0; c < chosen.length; c++) {
      const weight = weights[r * keys.rows + chosen[c]!]!
      out[at + c] = weight
      mass += weight
    }
    const sound = mass > least
    for (let c = 0; c < chosen.length; c++) out[at + c] = sound ? out[at + c]! / mass : 1 / chosen.length
  }
  return out
}

function weighted(weights: Float64Array, values: Matrix): Matrix {
  const rows = weights.length / values.rows
  const out = matrix(rows, values.cols)
  kernels().product('nn', out.data, Float32Array.from(weights), values.data, rows, values.rows, values.cols)
  return out
}
