import {
  checkFinite,
  checkInteger,
  checkKeys,
  checkScale,
  checkShape,
  type FeatureMap,
  type Matrix,
} from '@sublinear/core'
import { isFloat32, kernelsInUse } from '@sublinear/kernels'
import { featureDimension } from './feature-dimension'

/** Options that every map of whole degrees has. */
export interface WholeDegrees {
  readonly d: number
  readonly degree: number
  /** Factor inside exp, > 0. */
  readonly scale: number
  /** Vector of d numbers that is subtracted from every key, chosen before the stream starts: the mean key shortens the range of scores. Default: zeros. */
  readonly centre?: Float32Array | undefined
}

/** Highest degree. At degree 20 the smallest value of the Taylor polynomial, 2.7e-3, is 80 times its float32 rounding; at 24 it would be 9 times. */
export const MOST_DEGREE = 20
/**
 * `leastMass` of centred maps. With keys centred at their mean, every query's mass is at least that of averages; an eighth allows for a centre that is off.
 */
export const CENTRED_MASS = 2 ** -3
export const MOST_FEATURES = 2 ** 26

/** Checks the options of a map of whole degrees; returns t. */
export function checkWholeDegrees(who: string, { d, degree, scale, centre }: WholeDegrees): number {
  checkInteger(who, 'd', d, 1)
  checkInteger(who, 'degree', degree, 0, MOST_DEGREE)
  checkFinite(who, 'scale', scale, 0)
  checkScale(who, scale)
  const t = featureDimension(d, degree)
  checkInteger(who, 'the number of features', t, 1, MOST_FEATURES)
  checkCentre(who, centre, d)
  return t
}

export function checkCentre(who: string, centre: Float32Array | undefined, d: number): void {
  if (centre === undefined) return
  if (!isFloat32(centre)) throw new TypeError(`${who}: centre must be a Float32Array`)
  checkKeys(who, 'centre', { rows: 1, cols: centre.length, data: centre }, d)
}

/** Checks the arguments of mapKeys: keys rows × d, out rows × t. */
export function checkKeyCall(who: string, d: number, t: number, keys: Matrix, out: Matrix): void {
  checkKeys(who, 'keys', keys, d)
  checkShape(who, 'out', out, t, keys.rows)
}

/** Checks the arguments of mapQueries: queries rows × d, out rows × t, one number a row for logScale. */
export function checkQueryCall(
  who: string,
  d: number,
  t: number,
  queries: Matrix,
  out: Matrix,
  logScale: Float32Array,
): void {
  checkKeys(who, 'queries', queries, d)
  checkShape(who, 'out', out, t, queries.rows)
  if (!isFloat32(logScale)) throw new TypeError(`${who}: logScale must be a Float32Array`)
  if (logScale.length !== queries.rows)
    throw new RangeError(`${who}: logScale must have ${queries.rows} entries, got ${logScale.length}`)
}

/** Computes scale·⟨q, centre⟩ for every query. */
export function shiftOf(
  queries: Float32Array,
  centre: Float32Array | undefined,
  scale: number,
  logScale: Float32Array,
): void {
  if (!centre) return void logScale.fill(0)
  for (let r = 0, i = 0; r < logScale.length; r++) {
    let total = 0
    for (let c = 0; c < centre.length; c++, i++) total += queries[i] * centre[c]
    logScale[r] = total * scale
  }
}

/**
 * Makes a feature map of a polynomial p(s) = Σ w_j·s^j/j! of the centred score: feature e of degree j is √|w_j|·x^e/√(e₁!·…·e_d!),
 * x = q·√scale or (k − centre)·√scale, and takes the sign of w_j on the side of the keys. Each is one earlier feature times a variable times a constant.
 *
 * @param weights  w_0 … w_degree, none of them 0
 * @param rest  radius, spec and fallbacks of the map
 * @returns a FeatureMap of t features in graded order: a lower degree is a prefix
 */
export function monomialMap(
  who: string,
  { d, degree, scale, centre }: WholeDegrees,
  weights: Float64Array,
  rest: Pick<FeatureMap, 'radius' | 'spec' | 'fallbacks'>,
): FeatureMap {
  const t = featureDimension(d, degree)
  const unit = Math.sqrt(scale)
  const signed = weights.some((w) => w < 0)
  let made: Record<'queries' | 'keys', Float32Array> | undefined
  const ratios = () => (made ??= ratiosOf(d, degree, t, weights, signed)) // made at first use: a spec read from a file must cost nothing before it is checked
  const zero = new Float32Array(d)
  const kept = centre?.slice()
  const shift = kept ?? zero
  /** Expands rows: (x − by)·√scale for every row, and its monomials. */
  const expand = (x: Float32Array, by: Float32Array, side: 'queries' | 'keys', out: Matrix) => {
    const shifted = new Float32Array(x.length)
    for (let r = 0, i = 0; r < out.rows; r++) for (let c = 0; c < d; c++, i++) shifted[i] = (x[i] - by[c]) * unit
    kernelsInUse().monomials(out.data, shifted, ratios()[side], out.rows, d, degree)
  }
  return {
    d,
    t,
    scale,
    ...rest,
    ...(kept && { leastMass: CENTRED_MASS }),
    mapKeys(keys, out) {
      checkKeyCall(who, d, t, keys, out)
      expand(keys.data, shift, 'keys', out)
    },
    mapQueries(queries, out, logScale) {
      checkQueryCall(who, d, t, queries, out, logScale)
      shiftOf(queries.data, kept, scale, logScale)
      expand(queries.data, zero, 'queries', out)
    },
    resident: {
      mapKeys(keys, rows, out) {
        kernelsInUse().monomialColumns(out, keys, shift, unit, ratios().keys, rows, d, degree)
      },
      mapQueries(queries, rows, out, logScale) {
        shiftOf(queries, kept, scale, logScale)
        kernelsInUse().monomialColumns(out, queries, zero, unit, ratios().queries, rows, d, degree)
      },
    },
  }
}

/**
 * Feature f is x_i times an earlier one times ratios[f] = √|w_j/w_{j − 1}|/√e_i, where i is its first variable, e_i its exponent and j
 * its degree; the keys' ratios carry the signs.
 */
function ratiosOf(d: number, degree: number, t: number, weights: Float64Array, signed: boolean) {
  const queries = new Float32Array(t)
  queries[0] = Math.sqrt(Math.abs(weights[0]))
  const first = new Uint32Array(t).fill(d) // first variable of each feature; d for the constant
  const exponent = new Uint8Array(t) // of that variable
  const starts = [0, 1] // where each degree begins
  for (let j = 1; j <= degree; j++) {
    const lift = Math.sqrt(Math.abs(weights[j] / weights[j - 1]))
    let f = starts[j]
    for (let i = 0; i < d; i++) {
      for (let from = starts[j - 1]; from < starts[j]; from++) {
        if (first[from] < i) continue
        first[f] = i
        exponent[f] = first[from] === i ? exponent[from] + 1 : 1
        queries[f] = lift / Math.sqrt(exponent[f])
        f++
      }
    }
    starts.push(f)
  }
  if (!signed) return { queries, keys: queries }
  const keys = queries.map((ratio, f) => {
    const j = starts.findLastIndex((start) => start <= f)
    return weights[j] * (weights[j - 1] ?? 1) < 0 ? -ratio : ratio
  })
  return { queries, keys }
}

/** Even degrees below `degree`, largest first. */
export function lowerEvenDegrees(degree: number): number[] {
  const all: number[] = []
  for (let g = degree % 2 === 0 ? degree - 2 : degree - 1; g >= 0; g -= 2) all.push(g)
  return all
}
