import { matrix, type FeatureMap } from '@sublinear/core'
import { kernels } from '@sublinear/kernels'
import { anisotropicFeatures, featureDimension, MOST_DEGREE, taylorFeatures } from '@sublinear/poly-features'
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
  return { state: 4 * t * dv, totals: 8 * t, map: spec.length, buffer: 4 * HELD * (d + dv) }
}

export function closureBytes({ d, dv }: CandidateShape): Record<string, number> {
  return { moments: 2 * d * (d + 1) + 4 * d * dv + 8 * (d + 2 * dv) + 8, buffer: 4 * HELD_CLOSURE * (d + dv) }
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

/** Weights that a summary gives tokens, queries × tokens, on the scale of e^{scale·⟨q, k − mean key⟩}: what it has for softmax's own. */
export interface Weights {
  readonly weights: Float64Array
  /** Tokens that it still holds, and answers exactly, on average. */
  readonly held: number
  /** Answers are kept within the box of the values. */
  readonly boxed: boolean
}

export function weightsOf(candidate: Candidate, sample: Sample, scale: number, n: number): Weights {
  return candidate.kind === 'closure' ? closureWeights(sample, scale, n) : featureWeights(candidate.features!, sample)
}

/** Softmax's own. */
export function softmaxWeights({ weights, tops, keys }: Sample): Float64Array {
  return weights.map((weight, i) => weight * Math.exp(tops[Math.floor(i / keys.rows)]!))
}

/** Mass e^{σ²/2}, its tangent beyond √(2 ln n), and v̄ + s·Cq as weights 1 + s⟨q, k − μ⟩ of the values. */
function closureWeights({ queries, keys, meanKey, spreads }: Sample, scale: number, n: number): Weights {
  const { cols: d } = keys
  const widest = Math.sqrt(2 * Math.log(Math.max(2, n)))
  const weights = new Float64Array(queries.rows * keys.rows)
  for (let r = 0, at = 0; r < queries.rows; r++) {
    const spread = spreads[r]!
    const mass = spread > widest ? Math.exp(spread * widest) / n : Math.exp(spread ** 2 / 2)
    const slope = scale * Math.min(1, widest / spread)
    for (let j = 0; j < keys.rows; j++, at++) {
      let product = 0
      for (let i = 0; i < d; i++) product += queries.data[r * d + i]! * (keys.data[j * d + i]! - meanKey[i]!)
      weights[at] = mass * (1 + slope * product)
    }
  }
  return { weights, held: (HELD_CLOSURE + 1) / 2, boxed: true }
}

/** ⟨φ(q), φ(k)⟩ for all pairs. A map is centred at the pilot's mean key, and so is the sample. */
function featureWeights(features: FeatureMap, { queries, keys }: Sample): Weights {
  const { t } = features
  const u1 = matrix(queries.rows, t)
  const u2 = matrix(keys.rows, t)
  features.mapQueries(queries, u1, new Float32Array(queries.rows)) // without the factor of the centre
  features.mapKeys(keys, u2)
  const out = new Float32Array(queries.rows * keys.rows)
  kernels().product('nt', out, u1.data, u2.data, queries.rows, t, keys.rows)
  return { weights: Float64Array.from(out), held: (HELD + 1) / 2, boxed: false }
}
