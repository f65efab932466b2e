import { matrix, type FeatureMap } from '@sublinear/core'
import { kernels } from '@sublinear/kernels'
import { anisotropicFeatures, featureDimension, MOST_DEGREE, taylorFeatures } from '@sublinear/poly-features'
import type { PlanShape } from './check-options'
import { centredAt, scoresOf, type Sample } from './sample'

/** A summary that could be kept instead of the tokens. */
export interface Summary {
  readonly name: string
  /** The method that holds it, and its options. */
  readonly method: 'closure' | 'taylor' | 'anisotropic'
  readonly options: object
  readonly features?: FeatureMap | undefined
  /** Degree of Taylor features. */
  readonly degree?: number | undefined
  readonly t: number
  readonly bytes: number
}

/** Features of degree 0: every answer is the mean of the values. */
export const AVERAGES = 'averages'

/** Numbers of anisotropic features that are tried. */
const SIZES = [16, 32, 64, 128, 256, 512, 1024, 2048, 4096]
/** Most features: more would be slower than most users would wait for. */
const MOST_FEATURES = 2 ** 13
/** Most tokens that feature streams and closures hold exactly. */
const HELD = 64
const HELD_CLOSURE = 16

/** Summaries that fit the bytes and that a pilot can judge: averages, the Gaussian closure, Taylor and anisotropic features; smallest first. */
export function summaries(
  { d, dv, scale, methods, tokens, weighted, keysAndValuesTogether }: PlanShape,
  pilot: Sample,
  mostBytes: number,
): Summary[] {
  const shape = { d, dv, scale }
  const found: Summary[] = []
  const consider = (method: Summary['method'], one: Omit<Summary, 'method' | 'bytes'>) => {
    const held = methods.find(({ name }) => name === method)
    if (!held && keysAndValuesTogether) return // no method would make the stream
    // Algorithm 1 needs no method: its own bytes follow when Ψ is known.
    const bytes = held ? held.bytes(shape, one.options, { tokens, weighted }) : 4 * one.t * dv
    if (bytes <= mostBytes) found.push({ ...one, method, bytes })
  }
  const add = (
    method: 'taylor' | 'anisotropic',
    one: Pick<Summary, 'name' | 't' | 'degree'>,
    make: () => FeatureMap,
  ) => {
    if (4 * one.t * dv > mostBytes || !(scale > 0)) return
    const features = make()
    consider(method, { ...one, options: { features: features.spec }, features })
  }
  if (keysAndValuesTogether) consider('closure', { name: 'Gaussian closure', options: {}, t: d })
  const centre = pilot.meanKey
  for (let degree = 0; degree <= MOST_DEGREE; degree++) {
    const t = featureDimension(d, degree)
    if (t > MOST_FEATURES) break
    const name = degree === 0 ? AVERAGES : `Taylor features of degree ${degree}`
    add('taylor', { name, t, degree }, () => taylorFeatures({ d, degree, scale, centre }))
  }
  if (d > 1) {
    for (const t of SIZES.filter((t) => t > d + 1 && t < featureDimension(d, Math.min(MOST_DEGREE, 8)))) {
      add('anisotropic', { name: `${t} anisotropic features`, t }, () =>
        anisotropicFeatures({ pilotKeys: pilot.keys, pilotQueries: pilot.queries, t, scale }),
      )
    }
  }
  return found.toSorted((a, b) => a.bytes - b.bytes)
}

/** Weights that a summary gives tokens in place of softmax's own, queries × tokens, on the scale of e^{scale·⟨q, k − mean key⟩}. */
export interface Weights {
  readonly weights: Float64Array
  /** Number of tokens that it still holds and answers exactly, on average. */
  readonly held: number
  /** Whether answers are kept within the box of the values. */
  readonly isWithinValues: boolean
}

/** @param centre  mean key of the pilot, at which features are centred */
export function weightsOf(
  { features, degree }: Summary,
  sample: Sample,
  { scale, centre, n }: { readonly scale: number; readonly centre: Float32Array; readonly n: number },
): Weights {
  if (!features) return closureWeights(sample, scale, n)
  const weights = degree === undefined ? featureWeights(features, sample) : taylorWeights(sample, scale, centre, degree)
  return { weights, held: (HELD + 1) / 2, isWithinValues: false }
}

/** The weights of softmax itself: e^score. */
export function softmaxWeights({ weights, tops, keys }: Sample): Float64Array {
  const out = new Float64Array(weights.length)
  for (let r = 0, i = 0; r < tops.length; r++) {
    const unit = Math.exp(tops[r])
    for (let j = 0; j < keys.rows; j++, i++) out[i] = weights[i] * unit
  }
  return out
}

/** The weights of a closure: mass e^{σ²/2}, its tangent beyond √(2 ln n), and v̄ + s·Cq as weights 1 + s⟨q, k − μ⟩ of the values. */
function closureWeights({ queries, keys, meanKey, spreads }: Sample, scale: number, n: number): Weights {
  const { cols: d } = keys
  const widest = Math.sqrt(2 * Math.log(Math.max(2, n)))
  const weights = new Float64Array(queries.rows * keys.rows)
  for (let r = 0, at = 0; r < queries.rows; r++) {
    const spread = spreads[r]
    const mass = spread > widest ? Math.exp(spread * widest) / n : Math.exp(spread ** 2 / 2)
    const slope = scale * Math.min(1, widest / spread)
    for (let j = 0; j < keys.rows; j++, at++) {
      let product = 0
      for (let i = 0; i < d; i++) product += queries.data[r * d + i] * (keys.data[j * d + i] - meanKey[i])
      weights[at] = mass * (1 + slope * product)
    }
  }
  return { weights, held: (HELD_CLOSURE + 1) / 2, isWithinValues: true }
}

/** The weights ⟨φ(q), φ(k)⟩ of features for all pairs. The map is centred at the pilot's mean key, and so is the sample. */
function featureWeights(features: FeatureMap, { queries, keys }: Sample): Float64Array {
  const { t } = features
  const u1 = matrix(queries.rows, t)
  const u2 = matrix(keys.rows, t)
  features.mapQueries(queries, u1, new Float32Array(queries.rows)) // the factor of the centre is left out
  features.mapKeys(keys, u2)
  const out = new Float32Array(queries.rows * keys.rows)
  kernels().product('nt', out, u1.data, u2.data, queries.rows, t, keys.rows)
  return new Float64Array(out)
}

/** The same for Taylor features: Σᵢ sⁱ/i! up to the degree, of each pair's score s. It costs d numbers a pair and not t. */
function taylorWeights({ queries, keys }: Sample, scale: number, centre: Float32Array, degree: number): Float64Array {
  const scores = scoresOf(queries, centredAt(keys, centre), scale)
  const out = new Float64Array(scores.length)
  for (let i = 0; i < out.length; i++) {
    let sum = 1
    for (let power = degree; power > 0; power--) sum = 1 + (sum * scores[i]) / power
    out[i] = sum
  }
  return out
}
