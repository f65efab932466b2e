import {
  checkFinite,
  checkInteger,
  checkKeys,
  checkObject,
  checkScale,
  type FeatureMap,
  type Matrix,
} from '@sublinear/core'
import { anisotropicMap, MOST_FEATURES, MOST_VARIABLES, type Anisotropy } from './anisotropic-map'
import { featureDimension } from './feature-dimension'
import { MOST_DEGREE } from './monomial-map'
import { bestMonomials, type MonomialTable } from './monomial-search'
import { symmetricEigen } from './symmetric-eigen'

export interface AnisotropicFeatures {
  /** Keys like those to come, n × d, n ≥ 2, such as the first of a stream; without those that are kept exactly elsewhere. */
  readonly pilotKeys: Matrix
  /** Queries like those to come, m × d, m ≥ 1. */
  readonly pilotQueries: Matrix
  /** Number of features, 1 to 65536. */
  readonly t: number
  /** Factor inside exp, > 0. */
  readonly scale: number
}

/**
 * Makes a feature map of the t monomials that matter most for keys and queries like the pilot's: high degrees go to directions of large variance.
 * Source: not from the papers; Lemma 3.1's monomials (one-pass paper), a part of them instead of all of a degree.
 *
 * Keys are centred at the pilot's mean and, with the queries, rotated to the eigenbasis of the keys' covariance. There coordinate i
 * of a product has the typical size w_i = scale·rms(q_i)·√λ_i, and x^e/√e! on both sides the size ∏ w_i^{e_i}/e_i!: a best-first search on
 * ∏ w_i^{e_i}/√(e_i!) takes t exponents, each after all lower ones. The largest part of them that is a whole even degree of the first variables
 * comes first: it and its lower even degrees are the fallbacks, which are positive for every pair.
 *
 * Guarantee: with a_i, b_i the rotated coordinates times √scale, |⟨φ(q), φ(k)⟩ − e^s| ≤ Σ over exponents left out of ∏|a_i·b_i|^{e_i}/e_i!
 *   for every pair. For the degree that is whole this needs scale·‖q‖·‖k − centre‖ ≤ radius, a small number: there the relative error is at most
 *   1/10. Beyond the radius accuracy depends on the pilot, without a bound; a stream's counter of fallbacks shows when it fails.
 * Cost: d + t multiplications a row and its rotation, d² more; O(d³) and O(t·d) to build.
 *
 * @returns a FeatureMap whose spec holds centre, basis and exponents: about 5.4·d² + 8·t characters
 * @throws TypeError, RangeError when a size or the scale is out of range, the pilot not finite or its widths differ
 * @example
 * const rows = matrix(100, 2, Float32Array.from({ length: 200 }, (_, i) => Math.sin(i * i)))
 * anisotropicFeatures({ pilotKeys: rows, pilotQueries: rows, t: 16, scale: 0.5 }).t // 16
 */
export function anisotropicFeatures(options: AnisotropicFeatures): FeatureMap {
  const { pilotKeys, pilotQueries, t, scale } = checkObject('anisotropicFeatures', options)
  const who = 'anisotropicFeatures'
  checkKeys(who, 'pilotKeys', pilotKeys)
  const d = pilotKeys.cols
  checkInteger(who, 'pilotKeys.cols', d, 1, MOST_VARIABLES)
  checkInteger(who, 'pilotKeys.rows', pilotKeys.rows, 2)
  checkKeys(who, 'pilotQueries', pilotQueries, d)
  checkInteger(who, 'pilotQueries.rows', pilotQueries.rows, 1)
  checkInteger(who, 't', t, 1, d < 16 ? Math.min(MOST_FEATURES, featureDimension(d, MOST_DEGREE)) : MOST_FEATURES)
  checkFinite(who, 'scale', scale, 0)
  checkScale(who, scale)

  const centre = meanOf(pilotKeys)
  const { values, vectors } = symmetricEigen(covariance(pilotKeys, centre), d)
  const sizes = rmsAlong(vectors, pilotQueries).map((size, i) => scale * size * Math.sqrt(Math.max(0, values[i])))
  const order = Array.from({ length: d }, (_, i) => i).toSorted((i, j) => sizes[j] - sizes[i] || i - j)
  const weights = Float64Array.from(order, (i) => sizes[i])
  const basis = new Float32Array(d * d)
  for (const [to, from] of order.entries()) basis.set(vectors.subarray(from * d, (from + 1) * d), to * d)
  const found = bestMonomials(weights, t, MOST_DEGREE)
  return anisotropicMap(who, { d, scale, centre, basis, ...wholeFirst(found, weights) })
}

function meanOf({ rows, cols, data }: Matrix): Float32Array {
  const total = new Float64Array(cols)
  for (let i = 0; i < data.length; i++) total[i % cols] += data[i]
  return Float32Array.from(total, (x) => x / rows)
}

/** Covariance of the rows about the centre, d × d. */
function covariance({ rows, cols: d, data }: Matrix, centre: Float32Array): Float64Array {
  const out = new Float64Array(d * d)
  const row = new Float64Array(d)
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < d; c++) row[c] = data[r * d + c] - centre[c]
    for (let i = 0; i < d; i++) for (let j = i; j < d; j++) out[i * d + j] += row[i] * row[j]
  }
  for (let i = 0; i < d; i++) for (let j = i; j < d; j++) out[j * d + i] = out[i * d + j] /= rows
  return out
}

/** Root mean squares of the rows' coordinates along each vector. */
function rmsAlong(vectors: Float64Array, { rows, cols: d, data }: Matrix): Float64Array {
  const squares = new Float64Array(d)
  for (let r = 0; r < rows; r++) {
    for (let i = 0; i < d; i++) {
      let x = 0
      for (let c = 0; c < d; c++) x += vectors[i * d + c] * data[r * d + c]
      squares[i] += x * x
    }
  }
  return squares.map((sum) => Math.sqrt(sum / rows))
}

/**
 * The same monomials with a block in front: all of degree ≤ `even` in the first `variables` variables, by degree. Of the blocks that exist, it takes the one
 * with the largest typical size Σ_{j ≤ even} (Σ w²)^j/j!.
 */
function wholeFirst(found: MonomialTable, weights: Float64Array): Pick<Anisotropy, keyof MonomialTable | 'block'> {
  const { degrees, last } = shapeOf(found)
  let block = { variables: 0, even: 0 }
  let most = 1
  for (let even = 2; even <= MOST_DEGREE; even += 2) {
    let sum = 0
    for (let variables = 1; variables <= weights.length; variables++) {
      const whole = featureDimension(variables, even)
      let count = 0
      for (const [f, degree] of degrees.entries()) if (degree <= even && last[f] < variables) count++
      if (count < whole) break
      sum += weights[variables - 1] * weights[variables - 1]
      let [size, term] = [1, 1]
      for (let j = 1; j <= even; j++) size += term *= sum / j
      if (size > most) [block, most] = [{ variables, even }, size]
    }
  }
  const isIn = (f: number) => degrees[f] <= block.even && last[f] < block.variables
  const rank = (f: number) => (isIn(f) ? degrees[f] : MOST_DEGREE + 1)
  const order = Array.from(degrees, (_, f) => f).toSorted((f, g) => rank(f) - rank(g) || f - g)
  const place = new Uint32Array(order.length)
  for (const [to, from] of order.entries()) place[from] = to
  return {
    block,
    parents: Uint32Array.from(order, (f) => place[found.parents[f]]),
    coordinates: Uint32Array.from(order, (f) => found.coordinates[f]),
  }
}

/** Degree and last variable of every feature; −1 for the constant. */
function shapeOf({ parents, coordinates }: MonomialTable) {
  const degrees = new Uint8Array(parents.length)
  const last = new Int32Array(parents.length).fill(-1)
  for (let f = 1; f < parents.length; f++) {
    degrees[f] = degrees[parents[f]] + 1
    last[f] = Math.max(last[parents[f]], coordinates[f])
  }
  return { degrees, last }
}
