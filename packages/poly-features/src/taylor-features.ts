import {
  checkFinite,
  checkInteger,
  checkKeys,
  checkScale,
  checkShape,
  type FeatureMap,
  type Matrix,
} from '@sublinear/core'
import { kernels } from '@sublinear/kernels'
import { featureDimension } from './feature-dimension'

export interface TaylorFeatures {
  readonly d: number
  readonly degree: number
  /** Factor inside exp, > 0. */
  readonly scale: number
  /** d numbers subtracted from every key, chosen before the stream starts: the mean key shortens the range of scores. Default: zero. */
  readonly centre?: Float32Array
}

/** At degree 20 the least value of the polynomial, 2.7e-3, is 80 times its float32 rounding; at 24 it would be 9 times. */
export const MOST_DEGREE = 20

/** Where `radius` puts the line: the relative error that the Taylor polynomial reaches there. */
const RELATIVE_ERROR = 0.1

/**
 * The Taylor polynomial of exp as an inner product: feature e is x^e / √(e₁!·…·e_d!) with x = q·√scale or (k − centre)·√scale.
 * Source: Lemma 3.1 (one-pass paper). Deviation: keys may be centred; the shift e^{scale·⟨q, centre⟩} goes to logScale.
 *
 * @returns a FeatureMap with t = C(d + degree, degree), in graded order: a lower degree is a prefix
 * @throws TypeError, RangeError when a size is out of range, scale not > 0 or the centre not d finite numbers
 * Guarantee: while |scale·⟨q, k − centre⟩| ≤ radius, the relative error of one pair is at most 1/10 and, from cancellation in
 *   float32, up to e^{2·radius}·2⁻²⁴ more: 1/100 at degree 20, the largest that is not refused. An even degree is positive everywhere.
 * Cost: one multiply a feature and row.
 */
export function taylorFeatures({ d, degree, scale, centre }: TaylorFeatures): FeatureMap {
  const who = 'taylorFeatures'
  checkInteger(who, 'd', d, 1)
  checkInteger(who, 'degree', degree, 0, MOST_DEGREE)
  checkFinite(who, 'scale', scale, 0)
  checkScale(who, scale)
  const t = featureDimension(d, degree)
  checkInteger(who, 'the number of features', t, 1, 2 ** 26)
  if (centre !== undefined && !(centre instanceof Float32Array))
    throw new TypeError(`${who}: centre must be a Float32Array`)
  const shift = centre ? centre.slice() : new Float32Array(d)
  checkKeys(who, 'centre', { rows: 1, cols: shift.length, data: shift }, d)

  const unit = Math.sqrt(scale)
  let made: Float32Array | undefined
  const ratios = () => (made ??= taylorRatios(d, degree, t)) // a spec read from a file costs nothing before it is believed
  const zero = new Float32Array(d)
  /** (x − by)·√scale for every row, and its monomials. */
  const expand = (x: Float32Array, by: Float32Array, out: Matrix) => {
    const shifted = new Float32Array(x.length)
    for (let r = 0, i = 0; r < out.rows; r++) for (let c = 0; c < d; c++, i++) shifted[i] = (x[i]! - by[c]!) * unit
    kernels().monomials(out.data, shifted, ratios(), out.rows, d, degree)
  }
  const shiftOf = (queries: Float32Array, logScale: Float32Array) => {
    if (!centre) return void logScale.fill(0)
    for (let r = 0, i = 0; r < logScale.length; r++) {
      let total = 0
      for (let c = 0; c < d; c++, i++) total += queries[i]! * shift[c]!
      logScale[r] = total * scale
    }
  }
  return {
    d,
    t,
    scale,
    radius: taylorRadius(degree, RELATIVE_ERROR),
    spec: JSON.stringify({ kind: 'taylor', d, degree, scale, ...(centre && { centre: [...shift] }) }),
    fallbacks: lowerEvenDegrees(degree).map((lower) => featureDimension(d, lower)),
    mapKeys(keys, out) {
      checkKeys(who, 'keys', keys, d)
      checkShape(who, 'out', out, t, keys.rows)
      expand(keys.data, shift, out)
    },
    mapQueries(queries, out, logScale) {
      checkKeys(who, 'queries', queries, d)
      checkShape(who, 'out', out, t, queries.rows)
      if (!(logScale instanceof Float32Array)) throw new TypeError(`${who}: logScale must be a Float32Array`)
      if (logScale.length !== queries.rows) {
        throw new RangeError(`${who}: logScale must have ${queries.rows} entries, got ${logScale.length}`)
      }
      shiftOf(queries.data, logScale)
      expand(queries.data, zero, out)
    },
    resident: {
      mapKeys(keys, rows, out) {
        kernels().monomialColumns(out, keys, shift, unit, ratios(), rows, d, degree)
      },
      mapQueries(queries, rows, out, logScale) {
        shiftOf(queries, logScale)
        kernels().monomialColumns(out, queries, zero, unit, ratios(), rows, d, degree)
      },
    },
  }
}

/**
 * The largest R with |p(s)·e^{−s} − 1| ≤ error for all |s| ≤ R, p the Taylor polynomial of the degree; by bisection.
 * The relative error is |1 − p(s)e^{−s}| = e^{−s}·|Σ_{j > degree} s^j/j!|, largest at s = −R.
 */
export function taylorRadius(degree: number, error: number): number {
  checkInteger('taylorRadius', 'degree', degree, 0)
  checkFinite('taylorRadius', 'error', error, 0)
  let low = 0
  let high = 2 * degree + 4
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2
    let term = 1
    let p = 1
    for (let j = 1; j <= degree; j++) p += term *= -middle / j
    if (Math.abs(p * Math.exp(middle) - 1) <= error) low = middle
    else high = middle
  }
  return low
}

/** Feature f is x_i times an earlier one times ratios[f] = 1/√e_i, where i is its first variable and e_i its exponent. */
function taylorRatios(d: number, degree: number, t: number): Float32Array {
  const ratios = new Float32Array(t).fill(1)
  const first = new Uint32Array(t).fill(d) // first variable of each feature; d for the constant
  const exponent = new Uint8Array(t) // of that variable
  let start = 0
  let end = 1
  for (let g = 1; g <= degree; g++) {
    let f = end
    for (let i = 0; i < d; i++) {
      for (let from = start; from < end; from++) {
        if (first[from]! < i) continue
        first[f] = i
        exponent[f] = first[from] === i ? exponent[from]! + 1 : 1
        ratios[f] = 1 / Math.sqrt(exponent[f]!)
        f++
      }
    }
    start = end
    end = f
  }
  return ratios
}

/** Even degrees below `degree`, largest first: each positive by itself. */
function lowerEvenDegrees(degree: number): number[] {
  const all: number[] = []
  for (let g = degree % 2 === 0 ? degree - 2 : degree - 1; g >= 0; g -= 2) all.push(g)
  return all
}
