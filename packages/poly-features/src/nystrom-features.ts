import {
  checkFinite,
  checkInteger,
  checkKeys,
  checkObject,
  checkScale,
  type FeatureMap,
  type Matrix,
} from '@sublinear/core'
import { kernels } from '@sublinear/kernels'
import { encodeFloats } from './base64'
import { checkKeyCall, checkQueryCall } from './monomial-map'

export interface NystromFeatures {
  /** Keys like those to come, n × d, n ≥ 1. */
  readonly pilotKeys: Matrix
  /** Number of features, 2 … 4096: a constant, and one for each landmark; fewer where the pilot has fewer keys than t − 1. */
  readonly t: number
  /** Factor inside exp, > 0. */
  readonly scale: number
}

/** The parts of a map, as its spec has them. */
export interface Landmarks {
  readonly d: number
  readonly scale: number
  readonly centre: Float32Array // d
  /** count × d, about the centre and times √scale. */
  readonly landmarks: Float32Array
}

const MOST_FEATURES = 4096
/** Share of its diagonal that a landmark must add to those before it; float32 sums then stay within a thousandth. */
const RIDGE = 1e-5
/** Exponents of keys end here: with 1/√RIDGE and 4096 features sums stay within float32. */
const MOST_EXPONENT = 60

/**
 * Makes landmark features of exp: 1 + g(q)ᵀ(G + λ)⁻¹g(k) with g_j(x) = e^{⟨x, l_j⟩} − 1 for landmarks l, which are rows of a pilot of keys.
 * Source: not from the papers; C. Williams and M. Seeger, Using the Nyström method to speed up kernel machines (2001). Deviation: the constant of exp is
 *   kept exactly, as the first feature. It is the fallback of a stream: where skewed keys give a vanishing or negative mass, the answer is the mean of the
 *   values. Landmarks are evenly spaced rows of the pilot, about its mean; G is divided by its diagonal of e^{‖l‖²} and has a ridge.
 *
 * Guarantee: none for a pair. e^{⟨x, y⟩} − 1 is exact for landmarks, up to the ridge; for other keys it is as good as the pilot is like them.
 *   When to take it: for small d and even keys, where it comes near the monomials of its size. On skewed keys with large scores it fails (README): the
 *   fallback catches only masses below an eighth of the constant's, and directions that the pilot lacks are lost.
 * Cost: t·(d + t) multiplications and t exponentials a row; 4·t·(d + t) bytes; t³/3 operations to build.
 *
 * @returns a FeatureMap with radius 0, since no pair is certified; its spec holds the landmarks, 5.4·d characters each
 * @throws TypeError, RangeError when a size or the scale is out of range, or the pilot is not finite
 * @example
 * const rows = matrix(100, 2, Float32Array.from({ length: 200 }, (_, i) => Math.sin(i * i)))
 * nystromFeatures({ pilotKeys: rows, t: 16, scale: 0.5 }).t // 16
 */
export function nystromFeatures(options: NystromFeatures): FeatureMap {
  const { pilotKeys, t, scale } = checkObject('nystromFeatures', options)
  const who = 'nystromFeatures'
  checkKeys(who, 'pilotKeys', pilotKeys)
  const { rows, cols: d, data } = pilotKeys
  checkInteger(who, 'pilotKeys.cols', d, 1)
  checkInteger(who, 'pilotKeys.rows', rows, 1)
  checkInteger(who, 't', t, 2, MOST_FEATURES)
  checkFinite(who, 'scale', scale, 0)
  checkScale(who, scale)
  const sums = new Float64Array(d)
  for (let i = 0; i < data.length; i++) sums[i % d] += data[i]
  const centre = Float32Array.from(sums, (sum) => sum / rows)
  const count = Math.min(t - 1, rows)
  const unit = Math.sqrt(scale)
  const landmarks = Float32Array.from({ length: count * d }, (_, i) => {
    const row = Math.floor((Math.floor(i / d) * rows) / count)
    return (data[row * d + (i % d)] - centre[i % d]) * unit
  })
  return nystromMap({ d, scale, centre, landmarks })
}

/** Makes the map of landmarks, as a spec holds them. */
export function nystromMap({ d, scale, centre, landmarks }: Landmarks): FeatureMap {
  const who = 'nystromFeatures'
  const count = landmarks.length / d
  const t = count + 1
  const halves = Float64Array.from({ length: count }, (_, j) => dot(landmarks, j, landmarks, j, d) / 2)
  const unit = Math.sqrt(scale)
  let made: Float32Array | undefined
  const solve = () => (made ??= inverseFactor(landmarks, halves, count, d)) // count × count
  /** Writes out = [constant, (e^{u − shift} − e^{−shift})·e^{−‖l‖²/2}·Wᵀ] with u = ⟨x, l⟩. */
  const write = (rows: number, out: Float32Array, products: Float32Array, shifts: Float64Array) => {
    for (let r = 0, i = 0; r < rows; r++) {
      for (let j = 0; j < count; j++, i++) {
        const lower = halves[j] + shifts[r]
        products[i] = Math.exp(Math.min(products[i] - lower, MOST_EXPONENT)) - Math.exp(-lower)
      }
    }
    const features = new Float32Array(rows * count)
    kernels().product('nt', features, products, solve(), rows, count, count)
    for (let r = 0; r < rows; r++) {
      out[r * t] = Math.exp(-shifts[r])
      out.set(features.subarray(r * count, (r + 1) * count), r * t + 1)
    }
  }
  const productsOf = (x: Float32Array, rows: number) => {
    const products = new Float32Array(rows * count)
    kernels().product('nt', products, x, landmarks, rows, d, count)
    return products
  }
  return {
    d,
    t,
    scale,
    radius: 0,
    spec: JSON.stringify({
      kind: 'nystrom',
      d,
      t,
      scale,
      centre: encodeFloats(centre),
      landmarks: encodeFloats(landmarks),
    }),
    fallbacks: [1],
    mapKeys(keys, out) {
      checkKeyCall(who, d, t, keys, out)
      const x = keys.data.map((value, i) => (value - centre[i % d]) * unit)
      write(keys.rows, out.data, productsOf(x, keys.rows), new Float64Array(keys.rows))
    },
    mapQueries(queries, out, logScale) {
      checkQueryCall(who, d, t, queries, out, logScale)
      const x = queries.data.map((value) => value * unit)
      const products = productsOf(x, queries.rows)
      const shifts = new Float64Array(queries.rows) // the largest exponent of a row, at least 0, which is that of the constant
      for (let i = 0; i < products.length; i++) {
        const r = Math.floor(i / count)
        shifts[r] = Math.max(shifts[r], products[i] - halves[i % count])
      }
      write(queries.rows, out.data, products, shifts)
      for (let r = 0; r < queries.rows; r++) {
        let about = 0
        for (let c = 0; c < d; c++) about += queries.data[r * d + c] * centre[c]
        logScale[r] = shifts[r] + scale * about
      }
    },
  }
}

/** Computes L⁻¹ of the factor of (G + λ), G_ij = (e^{⟨l_i, l_j⟩} − 1)·e^{−‖l_i‖²/2 − ‖l_j‖²/2}, so that features are L⁻¹g. */
function inverseFactor(landmarks: Float32Array, halves: Float64Array, count: number, d: number): Float32Array {
  const low = new Float64Array(count * count)
  for (let i = 0; i < count; i++) {
    for (let j = 0; j <= i; j++) {
      const shift = halves[i] + halves[j]
      let sum = Math.exp(dot(landmarks, i, landmarks, j, d) - shift) - Math.exp(-shift) + (i === j ? RIDGE : 0)
      for (let k = 0; k < j; k++) sum -= low[i * count + k] * low[j * count + k]
      low[i * count + j] = i === j ? Math.sqrt(Math.max(sum, RIDGE)) : sum / low[j * count + j]
    }
  }
  const inverse = new Float64Array(count * count)
  for (let c = 0; c < count; c++) {
    inverse[c * count + c] = 1 / low[c * count + c]
    for (let i = c + 1; i < count; i++) {
      let sum = 0
      for (let k = c; k < i; k++) sum += low[i * count + k] * inverse[k * count + c]
      inverse[i * count + c] = -sum / low[i * count + i]
    }
  }
  return Float32Array.from(inverse)
}

function dot(a: Float32Array, i: number, b: Float32Array, j: number, d: number): number {
  let sum = 0
  for (let c = 0; c < d; c++) sum += a[i * d + c] * b[j * d + c]
  return sum
}
