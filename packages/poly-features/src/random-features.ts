import {
  checkFinite,
  checkInteger,
  checkObject,
  checkScale,
  checkSeed,
  matrix,
  type FeatureMap,
  type Seed,
} from '@sublinear/core'
import { gaussianSketch } from '@sublinear/gaussian-sketch'
import { kernels } from '@sublinear/kernels'
import { checkKeyCall, checkQueryCall } from './monomial-map'

export interface RandomFeatures {
  /** Width of queries and keys. */
  readonly d: number
  /** Number of features, ≥ 1; d·t is at most 2^24. */
  readonly t: number
  /** Factor inside exp, > 0. */
  readonly scale: number
  /** 64 bits that decide every feature. */
  readonly seed: Seed
  /** Frequencies orthogonal in groups of d, each still N(0, I): somewhat less variance; d·t·min(d, t) up to 2^28. Default: independent. */
  readonly orthogonal?: boolean | undefined
}

const MOST_ENTRIES = 16_777_216 // 2^24
/** Multiplications of the Gram–Schmidt of orthogonal frequencies, at most: about a second. */
const MOST_PRODUCTS = 268_435_456 // 2^28
/** Columns of the sketch that are made at a time. */
const PIECE = 64
/**
 * Largest exponent of a key; larger ones are cut, so that 2^20 of them add up in float32: e^72 = 1.9e31. A key reaches it at ‖k‖ ≥ 12/√scale at the earliest.
 */
const MOST_EXPONENT = 72

/**
 * Makes positive random features of exp: φ_f(x) = e^{⟨ω_f, x⟩ − ‖x‖²/2}/√t with x = √scale·q or √scale·k and ω_f ~ N(0, I).
 * Source: not from the papers; K. Choromanski et al., Rethinking attention with Performers (FAVOR+). Deviation: keys are not divided by their
 * largest exponential, which a stream cannot know; exponents of keys above 72 are cut there.
 *
 * Frequencies are columns of gaussianSketch under the seed. Orthogonal ones go through Gram–Schmidt in groups of d and keep their lengths:
 * of a Gaussian matrix these are independent of the directions, so each is exactly N(0, I). The query's largest exponent goes to logScale.
 *
 * Guarantee: E⟨φ(q), φ(k)⟩ = e^{⟨x, y⟩} over the seed, with variance e^{2⟨x, y⟩}·(e^{‖x + y‖²} − 1)/t for independent frequencies,
 *   at every size of the score. The variance grows like e^{‖x + y‖²}, so this map is for comparison, not a default. When to take it: where scores are
 *   large and masses must be positive whatever comes. Monomials and, with a pilot, nystromFeatures err less in small d; trigonometricFeatures err less only
 *   where values do not follow keys.
 * Cost: 2·d operations and one exponential a feature and row; 4·d·t bytes. Building orthogonal ones takes 2·t·d² operations.
 *
 * @returns a FeatureMap with radius 0, since no pair is certified, and without fallbacks: no feature is negative
 * @throws TypeError, RangeError when a size, the scale or the seed is out of range
 * @example randomFeatures({ d: 8, t: 64, scale: 0.35, seed: 1 }).t // 64
 */
export function randomFeatures(options: RandomFeatures): FeatureMap {
  const { d, t, scale, seed, orthogonal = false } = checkObject('randomFeatures', options)
  const who = 'randomFeatures'
  checkInteger(who, 'd', d, 1)
  checkInteger(who, 't', t, 1)
  checkInteger(who, 'd·t', d * t, 1, MOST_ENTRIES)
  checkFinite(who, 'scale', scale, 0)
  checkScale(who, scale)
  const key = checkSeed(who, seed)
  if (typeof orthogonal !== 'boolean')
    throw new TypeError(`${who}: orthogonal must be a boolean, got ${typeof orthogonal}`)
  if (orthogonal) checkInteger(who, 'd·t·min(d, t)', d * t * Math.min(d, t), 1, MOST_PRODUCTS)
  const unit = Math.sqrt(scale)
  let made: Float32Array | undefined
  const frequencies = () => (made ??= frequenciesOf(d, t, key, orthogonal).map((w) => w * unit)) // t × d
  const logRoot = Math.log(t) / 2
  /** The number ‖x‖²/2 + ln √t of a row. */
  const loss = (rows: Float32Array, r: number) => {
    let square = 0
    for (let c = r * d; c < (r + 1) * d; c++) square += rows[c] * rows[c]
    return (scale * square) / 2 + logRoot
  }
  return {
    d,
    t,
    scale,
    radius: 0,
    spec: JSON.stringify({ kind: 'random', d, t, scale, seed: String(key), orthogonal }),
    fallbacks: [],
    mapKeys(keys, out) {
      checkKeyCall(who, d, t, keys, out)
      kernels().product('nt', out.data, keys.data, frequencies(), keys.rows, d, t)
      for (let r = 0, i = 0; r < keys.rows; r++) {
        const less = loss(keys.data, r)
        for (const end = i + t; i < end; i++) out.data[i] = Math.min(out.data[i] - less, MOST_EXPONENT)
      }
      kernels().exp(out.data, out.data, out.data.length)
    },
    mapQueries(queries, out, logScale) {
      checkQueryCall(who, d, t, queries, out, logScale)
      kernels().product('nt', out.data, queries.data, frequencies(), queries.rows, d, t)
      const most = new Float32Array(queries.rows).fill(-Infinity)
      const ignored = { mass: new Float64Array(queries.rows), rescale: new Float32Array(queries.rows) }
      kernels().softmaxStep(out.data, most, ignored.mass, ignored.rescale, queries.rows, t) // e^{exponent − most}
      for (let r = 0; r < queries.rows; r++) logScale[r] = most[r] - loss(queries.data, r)
    },
  }
}

/** Draws t × d entries of N(0, 1): column j of the t × d sketch times √t, turned. */
export function frequenciesOf(d: number, t: number, seed: bigint, orthogonal: boolean): Float32Array {
  const sketch = gaussianSketch({ m: t, seed })
  const root = Math.sqrt(t)
  const rows = new Float64Array(t * d)
  for (let first = 0; first < d; first += PIECE) {
    const count = Math.min(PIECE, d - first)
    const identity = matrix(count, count)
    for (let i = 0; i < count; i++) identity.data[i * count + i] = 1
    const columns = matrix(t, count)
    sketch.accumulate(columns, identity, first)
    for (let f = 0; f < t; f++)
      for (let c = 0; c < count; c++) rows[f * d + first + c] = columns.data[f * count + c] * root
  }
  if (orthogonal && d > 1) orthogonalise(rows, d)
  return new Float32Array(rows)
}

/** Makes the rows orthogonal by Gram–Schmidt, in groups of d, each of its old length. */
function orthogonalise(rows: Float64Array, d: number): void {
  const dot = (i: number, j: number) => {
    let sum = 0
    for (let c = 0; c < d; c++) sum += rows[i * d + c] * rows[j * d + c]
    return sum
  }
  const squares = new Float64Array(d) // of the lengths of the group's rows that are done
  for (let i = 0; i < rows.length / d; i++) {
    const first = i - (i % d)
    const length = Math.sqrt(dot(i, i))
    for (let pass = 0; pass < 2; pass++) {
      for (let j = first; j < i; j++) {
        const share = dot(i, j) / squares[j - first]
        for (let c = 0; c < d; c++) rows[i * d + c] -= share * rows[j * d + c]
      }
    }
    const factor = length / Math.sqrt(dot(i, i))
    for (let c = 0; c < d; c++) rows[i * d + c] *= factor
    squares[i - first] = dot(i, i)
  }
}
