import {
  checkFinite,
  checkInteger,
  checkObject,
  checkScale,
  checkSeed,
  philox,
  seedWords,
  type FeatureMap,
  type Matrix,
  type Seed,
} from '@sublinear/core'
import { checkKeyCall, checkQueryCall, MOST_DEGREE } from './monomial-map'

export interface TensorSketchFeatures {
  /** Width of queries and keys. */
  readonly d: number
  /** Degree of the Taylor polynomial that is sketched, 2 to 20. Degree 2 is best for most data, see the guarantee. */
  readonly degree: number
  /** Features, at least d + degree; d·t up to 2^20. */
  readonly t: number
  /** Factor inside exp, > 0. */
  readonly scale: number
  /** 64 bits that decide every hash. */
  readonly seed: Seed
}

const MOST_FEATURES = 1_048_576 // 2^20
/** Multiplications of a row's convolutions, about: a hundredth of a second. */
const MOST_PRODUCTS = 1_048_576 // 2^20
/** The last word of the Philox counter, so that these hashes share no numbers with other uses of the seed. */
const STREAM = 0x74656e73 // 'tens'

/** TensorSketch of one degree: features first … first + width. */
interface Part {
  readonly first: number
  readonly width: number
  /** Hashes of each factor: bucket and signed share of every coordinate. */
  readonly factors: readonly { readonly buckets: Uint32Array; readonly signs: Float64Array }[]
}

/**
 * Makes a feature map of the Taylor polynomial of exp, with degrees 0 and 1 exact and a TensorSketch of each higher degree: x^{⊗j}/√(j!) hashed to few
 * features.
 * Source: not from the papers; N. Pham and R. Pagh, Fast and scalable polynomial kernels via explicit feature maps. Deviation: low degrees
 * are exact, which gives most of the gain; CountSketches are convolved one coordinate at a time, d·width operations instead of a transform.
 *
 * The t − 1 − d features left go to degrees 2 … degree in proportion to 3^{j/2}/j!, which balances the bounds on their variances. Hashes are words of Philox.
 *
 * Guarantee: E⟨φ(q), φ(k)⟩ = Σ_{j ≤ degree} s^j/j! over the seed, the Taylor polynomial and not exp. With x = √scale·q, y = √scale·k the variance of
 * degree j is at most
 *   (3^j − 1)·(‖x‖‖y‖)^{2j}/(j!²·width): it grows fast with the degree and makes masses negative. This map is for comparison, not a default.
 * Cost: O((degree − 1)·d·t) operations a row; 12·d·degree² bytes at most.
 *
 * @returns a FeatureMap with radius 0, since no pair is certified, and the constant as its fallback
 * @throws TypeError, RangeError when a size, the scale or the seed is out of range
 * @example tensorSketchFeatures({ d: 8, degree: 2, t: 64, scale: 0.35, seed: 1 }).t // 64
 */
export function tensorSketchFeatures(options: TensorSketchFeatures): FeatureMap {
  const { d, degree, t, scale, seed } = checkObject('tensorSketchFeatures', options)
  const who = 'tensorSketchFeatures'
  checkInteger(who, 'd', d, 1, MOST_FEATURES)
  checkInteger(who, 'degree', degree, 2, MOST_DEGREE)
  checkInteger(who, 't', t, d + degree, MOST_FEATURES)
  checkInteger(who, 'd·t', d * t, 1, MOST_PRODUCTS)
  checkFinite(who, 'scale', scale, 0)
  checkScale(who, scale)
  const key = checkSeed(who, seed)
  const unit = Math.sqrt(scale)
  let made: readonly Part[] | undefined
  const parts = () => (made ??= partsOf(d, degree, t, key))
  const expand = (x: Matrix, out: Matrix) => {
    for (let r = 0; r < x.rows; r++) {
      const row = Float64Array.from(x.data.subarray(r * d, (r + 1) * d), (value) => value * unit)
      const to = out.data.subarray(r * t, (r + 1) * t)
      to[0] = 1
      to.set(row, 1)
      for (const part of parts()) to.set(convolved(part, row), part.first)
    }
  }
  return {
    d,
    t,
    scale,
    radius: 0,
    spec: JSON.stringify({ kind: 'tensor-sketch', d, degree, t, scale, seed: String(key) }),
    fallbacks: [1],
    mapKeys(keys, out) {
      checkKeyCall(who, d, t, keys, out)
      expand(keys, out)
    },
    mapQueries(queries, out, logScale) {
      checkQueryCall(who, d, t, queries, out, logScale)
      logScale.fill(0)
      expand(queries, out)
    },
  }
}

/** The cyclic convolution of the row's CountSketches, divided by √(j!): the factors' shares carry it. */
function convolved({ width, factors }: Part, row: Float64Array): Float64Array {
  let sketch = new Float64Array(width)
  for (const [k, { buckets, signs }] of factors.entries()) {
    const next = new Float64Array(width)
    for (const [i, x] of row.entries()) {
      const [at, value] = [buckets[i], signs[i] * x]
      if (k === 0) next[at] += value
      else {
        for (let b = 0, to = at; b < width; b++, to++) {
          if (to === width) to = 0
          next[to] += value * sketch[b]
        }
      }
    }
    sketch = next
  }
  return sketch
}

function partsOf(d: number, degree: number, t: number, seed: bigint): Part[] {
  const [low, high] = seedWords(seed)
  const words = new Uint32Array(4)
  let first = 1 + d
  return widthsOf(degree, t - 1 - d).map((width, index) => {
    const j = index + 2
    const factors = Array.from({ length: j }, (_, k) => {
      const buckets = new Uint32Array(d)
      const signs = new Float64Array(d)
      for (let i = 0; i < d; i++) {
        philox(words, low, high, i, k, j, STREAM)
        buckets[i] = Math.floor((words[0] * width) / 2 ** 32)
        signs[i] = (words[1] & 1 ? -1 : 1) / Math.sqrt(k + 1)
      }
      return { buckets, signs }
    })
    first += width
    return { first: first - width, width, factors }
  })
}

/** Shares of `room` for degrees 2 … degree, in proportion to 3^{j/2}/j!, at least 1 each; what rounding leaves over goes to degree 2. */
function widthsOf(degree: number, room: number): number[] {
  const wanted: number[] = []
  let size = 1
  for (let j = 1; j <= degree; j++) {
    size *= Math.sqrt(3) / j
    if (j >= 2) wanted.push(size)
  }
  const total = wanted.reduce((sum, x) => sum + x, 0)
  const spare = room - wanted.length
  const widths = wanted.map((x) => 1 + Math.floor((spare * x) / total))
  widths[0] += room - widths.reduce((sum, w) => sum + w, 0)
  return widths
}
