import { matrix, type FeatureMap } from '@sublinear/core'
import { kernels } from '@sublinear/kernels'
import { anisotropicFeatures, featureDimension, MOST_DEGREE, taylorFeatures } from '@sublinear/poly-features'
import type { Shares } from './error-law'
import type { Sample } from './pilot'

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

/** Features of degree 0: every answer is the mean of the values. */
export const AVERAGES = 'averages'

/** Sizes of anisotropic maps that are tried. */
const SIZES = [16, 32, 64, 128, 256, 512, 1024, 2048, 4096]
/** More features than these are slower than most would wait for. */
const MOST_FEATURES = 2 ** 13
const HELD = 64
const HELD_CLOSURE = 16

export const total = (bytes: Readonly<Record<string, number>>): number =>
  Object.values(bytes).reduce((a, b) => a + b, 0)

/** What a feature stream holds. */
export function featureBytes({ t, spec, d }: FeatureMap, dv: number): Record<string, number> {
  return { state: 4 * t * dv, totals: 8 * t, map: spec.length, buffer: 4 * HELD * (d + dv + 1) }
}

export function closureBytes({ d, dv }: CandidateShape): Record<string, number> {
  return { moments: 4 * d * (d + dv) + 8 * (d + 2 * dv) + 8, buffer: 4 * HELD_CLOSURE * (d + dv + 1) }
}

/** What a pilot allows to try within so many bytes: averages, the Gaussian closure, Taylor and anisotropic features; smallest first. */
export function candidates(shape: CandidateShape, pilot: Sample, mostBytes: number): Candidate[] {
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
    const name = degree === 0 ? AVERAGES : `Taylor features of degree ${degree}`
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

/** The shares that a candidate gives tokens; `n`: how many the stream will have. */
export function sharesOf(candidate: Candidate, sample: Sample, scale: number, n: number): Shares {
  if (candidate.kind === 'closure') return closureShares(sample, scale, n)
  const pairs = pairsOf(candidate.features!, sample)
  return (chosen, counts) => normalised(pairs, sample, chosen, counts, LEAST_MASS)
}

/** Softmax's own. */
export function softmaxShares(sample: Sample): Shares {
  return (chosen, counts) => normalised(sample.weights, sample, chosen, counts, 0)
}

/** v̄ + s·Cq as shares of the values: (1 + s⟨q, k − μ⟩) of a mean, the slope smaller where the closure freezes. */
function closureShares({ queries, keys, spreads }: Sample, scale: number, n: number): Shares {
  const { cols: d } = keys
  const widest = Math.sqrt(2 * Math.log(Math.max(2, n)))
  const shares = (chosen: Uint32Array, counts?: Float64Array) => {
    const mass = counts ? counts.reduce((a, b) => a + b, 0) : chosen.length
    const mean = new Float64Array(d)
    for (const [c, j] of chosen.entries()) {
      for (let i = 0; i < d; i++) mean[i]! += ((counts?.[c] ?? 1) * keys.data[j * d + i]!) / mass
    }
    const out = new Float64Array(queries.rows * chosen.length)
    for (let r = 0, at = 0; r < queries.rows; r++) {
      const slope = scale * Math.min(1, widest / spreads[r]!)
      for (let c = 0; c < chosen.length; c++, at++) {
        let product = 0
        for (let i = 0; i < d; i++) product += queries.data[r * d + i]! * (keys.data[chosen[c]! * d + i]! - mean[i]!)
        out[at] = ((counts?.[c] ?? 1) / mass) * (1 + slope * product)
      }
    }
    return out
  }
  return Object.assign(shares, { boxed: true })
}

/** ⟨φ(q), φ(k)⟩ for all pairs: queries × tokens. */
function pairsOf(features: FeatureMap, { queries, keys }: Sample): Float32Array {
  const { t } = features
  const u1 = matrix(queries.rows, t)
  const u2 = matrix(keys.rows, t)
  features.mapQueries(queries, u1, new Float32Array(queries.rows)) // a row's common factor cancels
  features.mapKeys(keys, u2)
  const out = new Float32Array(queries.rows * keys.rows)
  kernels().product('nt', out, u1.data, u2.data, queries.rows, t, keys.rows)
  return out
}

/** Below this share of the mass of plain averages a stream falls back; here to averages. */
const LEAST_MASS = 2 ** -10

/** Each row's weights of the chosen tokens over their sum, or averages where that is not above `least` of all tokens. */
function normalised(
  weights: Float32Array | Float64Array,
  { queries, keys }: Sample,
  chosen: Uint32Array,
  counts: Float64Array | undefined,
  least: number,
): Float64Array {
  const out = new Float64Array(queries.rows * chosen.length)
  const all = counts ? counts.reduce((a, b) => a + b, 0) : chosen.length
  for (let r = 0, at = 0; r < queries.rows; r++, at += chosen.length) {
    let mass = 0
    for (let c = 0; c < chosen.length; c++) {
      const count = counts?.[c] ?? 1
      const weight = count === 0 ? 0 : weights[r * keys.rows + chosen[c]!]! * count
      out[at + c] = weight
      mass += weight
    }
    const sound = mass > least * all
    for (let c = 0; c < chosen.length; c++) out[at + c] = sound ? out[at + c]! / mass : (counts?.[c] ?? 1) / all
  }
  return out
}
