// Moments of the random maps, two-sided over seeds, against closed forms.
// Positive random features: mean e^s, variance e^{2s}(e^{|x + y|²} − 1)/t. TensorSketch of degree p into m: with c = ⟨x, y⟩², e = Σxᵢ²yᵢ²,
// b = |x|²|y|² − e, a = c − e and γ = 2 for even m, else 1, the variance of one degree is
// [(c + b)^p + (c + a)^p − 2c^p]/m + γ[(c + a + b)^p − (c + b)^p − (c + a)^p + c^p]/m², over independent hashes; degrees add, each over p!².
// Bounds are five standard errors, those of variances from the sample's fourth moment: false alarm below 1e-6 a bound for normal estimates, below 1e-4 with skew.
// Kills: −|x|²/2 left out on one side (mean off by e^{|x|²/2}), √t or a factorial missing (30 standard errors), frequencies shared by two
// features or hashes by two factors (variance off by 2), signs without buckets, Gram–Schmidt lengths all √d (the fourth moment is 2.3 for 3).
// Misses: frequencies shared by two features below 1e-9 (over 8 other sets of 3000 seeds the variance of six of the eight pairs is 11 to 20 standard errors off; of the pair with the longest
// x + y at scale 1 it is 5.9 ± 1.4, so that this one alone misses with 0.25); half the width of a tensor sketch below 1e-9 (12 to 23; normal).
import { describe, expect, it } from 'vitest'
import { certificate, randomFeatures, tensorSketchFeatures } from '../src'
import { crc32, type FeatureMap } from '@sublinear/core'
import { frequenciesOf } from '../src/random-features'

const product = (map: FeatureMap, q: Float32Array, k: Float32Array) => {
  const rows = (x: Float32Array) => ({ rows: 1, cols: map.d, data: x })
  const out = () => ({ rows: 1, cols: map.t, data: new Float32Array(map.t) })
  const [left, right, logScale] = [out(), out(), new Float32Array(1)]
  map.mapQueries(rows(q), left, logScale)
  map.mapKeys(rows(k), right)
  return Math.exp(logScale[0]) * left.data.reduce((sum, x, f) => sum + x * right.data[f], 0)
}
const dot = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i]
  return sum
}
/** Mean and variance of a sample, with the standard errors of both. */
const moments = (sample: readonly number[]) => {
  const n = sample.length
  const mean = sample.reduce((sum, x) => sum + x, 0) / n
  const central = (power: number) => sample.reduce((sum, x) => sum + (x - mean) ** power, 0) / n
  const variance = central(2)
  return { mean, variance, ofMean: Math.sqrt(variance / n), ofVariance: Math.sqrt((central(4) - variance ** 2) / n) }
}
const expectMoments = (sample: readonly number[], mean: number, variance: number) => {
  const got = moments(sample)
  expect(Math.abs(got.mean - mean) / got.ofMean).toBeLessThan(5)
  expect(Math.abs(got.variance - variance) / got.ofVariance).toBeLessThan(5)
  expect(got.ofVariance / variance).toBeLessThan(0.2) // else the test says little
}

const pairs = [
  { q: [0.5, -0.2, 0.4], k: [0.1, 0.3, -0.6] },
  { q: [0.6, 0.2, 0.1], k: [0.5, 0.1, 0.3] },
  { q: [-0.5, 0.3, 0.4], k: [0.4, -0.4, -0.3] },
  { q: [0.9, 0, 0], k: [-0.2, 0, 0.7] },
].map(({ q, k }) => ({ q: Float32Array.from(q), k: Float32Array.from(k) }))

describe.each([0.5, 1])('randomFeatures at scale %d', (scale) => {
  it.each(pairs)('are unbiased, with the variance of the closed form: $q, $k', ({ q, k }) => {
    const t = 24
    const sample = Array.from({ length: 3000 }, (_, seed) => product(randomFeatures({ d: 3, t, scale, seed }), q, k))
    const s = scale * dot(q, k)
    const both = scale * q.reduce((sum, x, i) => sum + (x + k[i]) ** 2, 0)
    expectMoments(sample, Math.exp(s), (Math.exp(2 * s) * (Math.exp(both) - 1)) / t)
  })

  it.each(pairs)('orthogonal: unbiased, and no more variance: $q, $k', ({ q, k }) => {
    const t = 24
    const make = (seed: number) => randomFeatures({ d: 3, t, scale, seed, orthogonal: true })
    const got = moments(Array.from({ length: 3000 }, (_, seed) => product(make(seed), q, k)))
    const s = scale * dot(q, k)
    const both = scale * q.reduce((sum, x, i) => sum + (x + k[i]) ** 2, 0)
    expect(Math.abs(got.mean - Math.exp(s)) / got.ofMean).toBeLessThan(5)
    expect(got.variance).toBeLessThan((Math.exp(2 * s) * (Math.exp(both) - 1)) / t + 5 * got.ofVariance)
  })
})

/** ω_f of a map with scale 1: ln(φ_f(e_i)·√t) + ½ is its coordinate i. */
const frequencies = (map: FeatureMap) => {
  const { d, t } = map
  const keys = { rows: d, cols: d, data: new Float32Array(d * d) }
  for (let i = 0; i < d; i++) keys.data[i * d + i] = 1
  const out = { rows: d, cols: t, data: new Float32Array(d * t) }
  map.mapKeys(keys, out)
  return Array.from({ length: t }, (_, f) =>
    Float64Array.from({ length: d }, (_, i) => Math.log(out.data[i * t + f] * Math.sqrt(t)) + 0.5),
  )
}

const digest = ({ buffer, byteOffset, byteLength }: Float32Array) =>
  crc32(new Uint8Array(buffer, byteOffset, byteLength))

describe('bits', () => {
  it('of the frequencies are fixed by the seed, on every engine', () => {
    expect([false, true].map((orthogonal) => digest(frequenciesOf(5, 13, 7n, orthogonal)))).toMatchInlineSnapshot(`
      [
        224647030,
        2610726922,
      ]
    `)
  })

  it('of a tensor sketch of integers are fixed by the seed, on every engine', () => {
    const map = tensorSketchFeatures({ d: 5, degree: 3, t: 40, scale: 1, seed: 7 })
    const out = { rows: 1, cols: 40, data: new Float32Array(40) }
    map.mapKeys({ rows: 1, cols: 5, data: Float32Array.of(1, -2, 3, 5, -7) }, out)
    expect(digest(out.data)).toMatchInlineSnapshot(`1278705045`)
  })
})

describe('frequencies', () => {
  it.each([false, true])('are standard normal, orthogonal: %s', (orthogonal) => {
    const d = 16
    const rows = frequencies(randomFeatures({ d, t: 16_000, scale: 1, seed: 3, orthogonal }))
    const all = rows.flatMap((row) => [...row])
    const power = (p: number) => all.reduce((sum, x) => sum + x ** p, 0) / all.length
    const n = all.length / (orthogonal ? 4 : 1) // entries of a group are not quite independent
    for (const [p, wanted, spread] of [
      [1, 0, 1],
      [2, 1, 2],
      [3, 0, 15],
      [4, 3, 96],
    ] as const)
      expect(Math.abs(power(p) - wanted), `moment ${p}`).toBeLessThan(5 * Math.sqrt(spread / n))
    // Lengths are those of d independent normal numbers: E|ω|² = d, E|ω|⁴ = d(d + 2).
    const lengths = rows.map((row) => dot(row, row))
    expect(Math.abs(lengths.reduce((sum, x) => sum + x * x, 0) / lengths.length / (d * (d + 2)) - 1)).toBeLessThan(0.04)
  })

  it('are orthogonal within groups of d, and only there', () => {
    const rows = frequencies(randomFeatures({ d: 6, t: 20, scale: 1, seed: 4, orthogonal: true }))
    for (let f = 0; f < 20; f++) {
      for (let g = 0; g < f; g++) {
        const cosine = Math.abs(dot(rows[f], rows[g])) / Math.sqrt(dot(rows[f], rows[f]) * dot(rows[g], rows[g]))
        if (Math.floor(f / 6) === Math.floor(g / 6)) expect(cosine).toBeLessThan(1e-5)
        else expect(cosine).toBeGreaterThan(1e-5)
      }
    }
  })
})

describe('randomFeatures', () => {
  it('are finite for keys and queries of any size, and never negative', () => {
    const map = randomFeatures({ d: 2, t: 50, scale: 1, seed: 1 })
    for (const size of [0, 1, 30, 1e4, 1e12]) {
      const x = Float32Array.of(size, -size)
      const out = { rows: 1, cols: 50, data: new Float32Array(50) }
      const logScale = new Float32Array(1)
      map.mapKeys({ rows: 1, cols: 2, data: x }, out)
      expect(out.data.every((value) => value >= 0 && value < 2e31)).toBe(true)
      map.mapQueries({ rows: 1, cols: 2, data: x }, out, logScale)
      expect(Math.max(...out.data)).toBe(1)
      expect(Number.isFinite(logScale[0])).toBe(true)
    }
    expect(certificate(map)).toMatchObject({ premise: 'none', positive: 'everywhere', unbiased: 'exp' })
    expect(certificate(map)).toMatchObject({ error: Infinity, verdict: 'uncertified' })
  })

  it.each([
    [{ d: 0 }, RangeError, 'randomFeatures: d must be an integer >= 1, got 0'],
    [{ t: 0 }, RangeError, 'randomFeatures: t must be an integer >= 1, got 0'],
    [{ d: 2 ** 13, t: 2 ** 12 }, RangeError, 'randomFeatures: d·t must be an integer from 1 to 16777216, got 33554432'],
    [
      { d: 2 ** 10, t: 2 ** 10, orthogonal: true },
      RangeError,
      'randomFeatures: d·t·min(d, t) must be an integer from 1 to 268435456, got 1073741824',
    ],
    [{ scale: -1 }, RangeError, 'randomFeatures: scale must be a finite number > 0, got -1'],
    [{ seed: -1 }, RangeError, 'randomFeatures: seed must be an integer >= 0, got -1'],
    [{ seed: undefined }, TypeError, 'randomFeatures: seed must be an integer >= 0, got undefined'],
    [{ orthogonal: 1 }, TypeError, 'randomFeatures: orthogonal must be a boolean, got number'],
  ])('refuses %o', (change, error, message) => {
    const call = () => randomFeatures({ d: 2, t: 8, scale: 1, seed: 1, ...(change as object) })
    expect(call).toThrow(error)
    expect(call).toThrow(expect.objectContaining({ message }))
  })
})

const sketchVariance = (p: number, m: number, q: Float32Array, k: Float32Array) => {
  const c = dot(q, k) ** 2
  const same = q.reduce((sum, x, i) => sum + x ** 2 * k[i] ** 2, 0)
  const b = dot(q, q) * dot(k, k) - same
  const a = c - same
  const both = (c + a + b) ** p - (c + b) ** p - (c + a) ** p + c ** p
  return ((c + b) ** p + (c + a) ** p - 2 * c ** p) / m + ((m % 2 === 0 ? 2 : 1) * both) / m ** 2
}

describe('tensorSketchFeatures', () => {
  it.each(pairs.flatMap((pair) => [5, 6].map((width) => ({ ...pair, width }))))(
    'of degree 2: mean 1 + s + s²/2 and the variance of the closed form, $width features, $q, $k',
    ({ q, k, width }) => {
      const big = [q, k].map((x) => x.map((value) => 2 * value))
      const make = (seed: number) => tensorSketchFeatures({ d: 3, degree: 2, t: 4 + width, scale: 1, seed })
      const sample = Array.from({ length: 4000 }, (_, seed) => product(make(seed), big[0], big[1]))
      const s = dot(big[0], big[1])
      expectMoments(sample, 1 + s + s ** 2 / 2, sketchVariance(2, width, big[0], big[1]) / 4)
    },
  )

  it.each(pairs)('of degree 3: degrees are independent and add, $q, $k', ({ q, k }) => {
    // 21 features are left for degrees 2 and 3 in proportion to 1.5 and 0.866, at least one each: 14 and 7.
    const big = [q, k].map((x) => x.map((value) => 2 * value))
    const sample = Array.from({ length: 4000 }, (_, seed) =>
      product(tensorSketchFeatures({ d: 3, degree: 3, t: 25, scale: 1, seed }), big[0], big[1]),
    )
    const s = dot(big[0], big[1])
    const variance = sketchVariance(2, 14, big[0], big[1]) / 4 + sketchVariance(3, 7, big[0], big[1]) / 36
    expectMoments(sample, 1 + s + s ** 2 / 2 + s ** 3 / 6, variance)
  })

  it('has no bound, and says so', () => {
    const map = tensorSketchFeatures({ d: 3, degree: 2, t: 9, scale: 1, seed: 1 })
    expect(certificate(map)).toMatchObject({ premise: 'none', positive: 'no', unbiased: 'taylor polynomial' })
  })

  it.each([
    [{ degree: 1 }, RangeError, 'tensorSketchFeatures: degree must be an integer from 2 to 20, got 1'],
    [{ t: 4 }, RangeError, 'tensorSketchFeatures: t must be an integer from 5 to 1048576, got 4'],
    [
      { seed: 2n ** 64n },
      RangeError,
      'tensorSketchFeatures: seed must be from 0 to 2^64 - 1, got 18446744073709551616',
    ],
  ])('refuses %o', (change, error, message) => {
    const call = () => tensorSketchFeatures({ d: 3, degree: 2, t: 9, scale: 1, seed: 1, ...(change as object) })
    expect(call).toThrow(error)
    expect(call).toThrow(expect.objectContaining({ message }))
  })
})
