// Anisotropic monomials. Truth: exponents read from the spec and multiplied out in float64, a brute-force search, the remainder of the
// exponential series term by term. Kills: a basis turned on one side only, √e! left out of a feature or of the score, a search that leaves
// a divisor behind, a block that is no whole degree (negative prefixes), the centre left out of logScale, a table or basis that is not tried.
import { describe, expect, it } from 'vitest'
import type { FeatureMap, Matrix } from '@sublinear/core'
import { anisotropicFeatures, certificate, featureDimension, restoreFeatures, taylorFeatures } from '../src'
import { decodeBytes, decodeFloats, encodeBytes, encodeFloats } from '../src/base64'
import { bestMonomials } from '../src/monomial-search'
import { cloud, normals } from './pilot'

interface Spec {
  readonly d: number
  readonly t: number
  readonly scale: number
  readonly block: [number, number]
  readonly centre: string
  readonly basis: string
  readonly table: string
}

const make = ({ d = 8, t = 60, scale = 0.4, decay = 1, mean = 0.5, seed = 1, size = 1 } = {}) =>
  anisotropicFeatures({
    pilotKeys: cloud(200, d, { seed, decay, mean, size }),
    pilotQueries: cloud(100, d, { seed: seed + 1, decay, size }),
    t,
    scale,
  })

/** What a spec says, decoded by hand. */
function parts(map: FeatureMap) {
  const spec = JSON.parse(map.spec) as Spec
  const { d, t } = spec
  const bytes = new DataView(decodeBytes('test', 'table', spec.table, 6 * t).buffer)
  const exponents: number[][] = []
  for (let f = 0; f < t; f++) {
    const e = f === 0 ? Array.from({ length: d }, () => 0) : [...exponents[bytes.getUint32(6 * f, true)]]
    if (f > 0) e[bytes.getUint16(6 * f + 4, true)]++
    exponents.push(e)
  }
  return {
    ...spec,
    exponents,
    centre: decodeFloats('test', 'centre', spec.centre, d),
    basis: decodeFloats('test', 'basis', spec.basis, d * d),
  }
}
const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1))
const monomial = (z: readonly number[], e: readonly number[]) =>
  e.reduce((product, power, i) => product * z[i] ** power, 1)

function mapped(map: FeatureMap, side: 'keys' | 'queries', x: Matrix) {
  const out = { rows: x.rows, cols: map.t, data: new Float32Array(x.rows * map.t) }
  const logScale = new Float32Array(x.rows)
  if (side === 'keys') map.mapKeys(x, out)
  else map.mapQueries(x, out, logScale)
  return { features: out.data, logScale }
}
const rms = (x: readonly number[]) => Math.sqrt(x.reduce((sum, v) => sum + v * v, 0) / x.length)

/** Rotated coordinates times √scale, in float64. */
const rotated = ({ d, scale, basis }: ReturnType<typeof parts>, x: readonly number[]) =>
  Array.from({ length: d }, (_, i) => Math.sqrt(scale) * x.reduce((sum, v, c) => sum + v * basis[i * d + c], 0))

/** How many exponents have degree ≤ g in the first m variables alone. */
const within = (exponents: readonly number[][], m: number, g: number) =>
  exponents.filter((e) => e.reduce((sum, p) => sum + p, 0) <= g && e.slice(m).every((p) => p === 0)).length

describe.each([
  { d: 1, t: 12 },
  { d: 3, t: 50 },
  { d: 8, t: 60 },
  { d: 20, t: 400, decay: 0.5 },
  { d: 5, t: 5000, size: 2 },
])('the features of %o', (options) => {
  const map = make(options)
  const told = parts(map)
  const { d, t, scale, exponents, centre, basis } = told
  const keys = cloud(6, d, { seed: 11, mean: 0.5 })
  const queries = cloud(6, d, { seed: 12 })
  const row = ({ data }: Matrix, r: number) => [...data.subarray(r * d, (r + 1) * d)]

  it('are x^e/√(e!) of the rotated rows, keys centred, each exponent once with all below it', () => {
    const names = new Set(exponents.map((e) => e.join()))
    expect(names.size).toBe(t)
    for (const e of exponents) {
      for (let i = 0; i < d; i++)
        if (e[i] > 0) expect(names.has(e.map((p, j) => p - (i === j ? 1 : 0)).join())).toBe(true)
    }
    const [left, right] = [mapped(map, 'queries', queries), mapped(map, 'keys', keys)]
    for (let r = 0; r < 6; r++) {
      const query = row(queries, r)
      const a = rotated(told, query)
      const b = rotated(
        told,
        row(keys, r).map((x, c) => x - centre[c]),
      )
      for (const [f, e] of exponents.entries()) {
        const root = Math.sqrt(e.reduce((product, p) => product * factorial(p), 1))
        for (const [z, got] of [
          [a, left.features[r * t + f]],
          [b, right.features[r * t + f]],
        ] as const) {
          const wanted = monomial(z, e) / root
          // A coordinate is off by the rounding of a rotation, so far as the others are large.
          const reach =
            monomial(
              z.map((x) => Math.abs(x) + 1e-6 * Math.hypot(...z, 1)),
              e,
            ) / root
          expect(Math.abs(got - wanted)).toBeLessThan(1e-5 * Math.abs(wanted) + 2 * (reach - Math.abs(wanted)) + 1e-7)
        }
      }
      const shift = scale * query.reduce((sum, x, c) => sum + x * centre[c], 0)
      expect(Math.abs(left.logScale[r] - shift)).toBeLessThan(1e-6 * (1 + Math.hypot(...query) * Math.hypot(...centre)))
    }
  })

  it('are turned to the eigenbasis of the pilot, largest typical product first', () => {
    const pilot = cloud(200, d, { seed: 1, decay: options.decay ?? 1, mean: 0.5, size: options.size ?? 1 })
    const others = cloud(100, d, { seed: 2, decay: options.decay ?? 1, size: options.size ?? 1 })
    const mean = Array.from({ length: d }, (_, c) => {
      let sum = 0
      for (let r = 0; r < 200; r++) sum += pilot.data[r * d + c] / 200
      return sum
    })
    for (let c = 0; c < d; c++) expect(Math.abs(centre[c] - mean[c])).toBeLessThan(1e-6)
    const along = (i: number, x: readonly number[]) => x.reduce((sum, v, c) => sum + v * basis[i * d + c], 0)
    const sizes: number[] = []
    for (let i = 0; i < d; i++) {
      const of = (m: Matrix, by: readonly number[]) =>
        Array.from({ length: m.rows }, (_, r) =>
          along(
            i,
            row(m, r).map((x, c) => x - by[c]),
          ),
        )
      const values = of(pilot, mean)
      for (let j = 0; j < i; j++) {
        const mixed = Array.from(
          { length: 200 },
          (_, r) =>
            values[r] *
            along(
              j,
              row(pilot, r).map((x, c) => x - mean[c]),
            ),
        )
        expect(Math.abs(mixed.reduce((sum, x) => sum + x, 0) / 200)).toBeLessThan(1e-5 * (options.size ?? 1) ** 2)
      }
      sizes.push(
        rms(values) *
          rms(
            of(
              others,
              mean.map(() => 0),
            ),
          ),
      )
      if (i > 0) expect(sizes[i]).toBeLessThan(sizes[i - 1] * (1 + 1e-5))
    }
  })

  it('miss no more of e^s than the terms left out, pair by pair, and within the radius 1/10', () => {
    const { radius } = map
    const x = normals(2 * 50 * d, 5)
    for (let r = 0; r < 50; r++) {
      const q = Float32Array.from(x.subarray(2 * r * d, (2 * r + 1) * d))
      const u = [...x.subarray((2 * r + 1) * d, (2 * r + 2) * d)]
      const aligned = r % 2 === 0 ? [...q].map((v) => v * (r % 4 === 0 ? 1 : -1)) : u
      const length = radius / scale / Math.hypot(...q) / Math.hypot(...aligned)
      for (const stretch of [length * (1 - 1e-5), 0.5 / scale / Math.hypot(...q) / Math.hypot(...aligned)]) {
        const key = Float32Array.from(aligned, (v, c) => v * stretch + centre[c])
        const moved = [...key].map((v, c) => v - centre[c])
        const s = scale * moved.reduce((sum, v, c) => sum + v * q[c], 0)
        const left = mapped(map, 'queries', { rows: 1, cols: d, data: q }).features
        const right = mapped(map, 'keys', { rows: 1, cols: d, data: key }).features
        const product = left.reduce((sum, v, f) => sum + v * right[f], 0)
        const [a, b] = [rotated(told, [...q]), rotated(told, moved)]
        const sizes = a.map((v, i) => Math.abs(v * b[i]))
        const present = exponents.reduce(
          (sum, e) => sum + monomial(sizes, e) / e.reduce((total, p) => total * factorial(p), 1),
          0,
        )
        const missing = Math.exp(sizes.reduce((sum, v) => sum + v, 0)) - present
        expect(Math.abs(product - Math.exp(s))).toBeLessThan(missing + 2e-5)
        if (stretch < length) {
          const { error } = certificate(map)
          expect(Math.abs(product / Math.exp(s) - 1)).toBeLessThan(error)
          expect(error).toBeLessThan(0.101)
        }
      }
    }
  })

  it('begin with a whole even degree of the first variables, as large as there is: the fallbacks', () => {
    const [variables, even] = told.block
    const sizes = Array.from({ length: even / 2 + 1 }, (_, g) => (variables ? featureDimension(variables, 2 * g) : 1))
    expect(map.fallbacks).toEqual(sizes.toReversed().filter((size) => size < t))
    for (const [g, size] of sizes.entries()) {
      for (const e of exponents.slice(0, size)) {
        expect(e.reduce((sum, p) => sum + p, 0)).toBeLessThanOrEqual(2 * g)
        expect(e.slice(variables).every((p) => p === 0)).toBe(true)
      }
    }
    // Neither one more variable nor two more degrees are whole.
    if (even > 0 && variables < d)
      expect(within(exponents, variables + 1, even)).toBeLessThan(featureDimension(variables + 1, even))
    if (even > 0 && even < 20)
      expect(within(exponents, variables, even + 2)).toBeLessThan(featureDimension(variables, even + 2))
  })
})

const scoreOf = (w: readonly number[], e: readonly number[]) =>
  e.reduce((score, p, i) => (score * w[i] ** p) / Math.sqrt(factorial(p)), 1)

const exponentsOf = (w: readonly number[], t: number, degree: number) => {
  const { parents, coordinates } = bestMonomials(w, t, degree)
  const out: number[][] = []
  for (let f = 0; f < parents.length; f++)
    out.push(f === 0 ? w.map(() => 0) : out[parents[f]].map((p, i) => p + (i === coordinates[f] ? 1 : 0)))
  return out
}

describe('bestMonomials', () => {
  const all = (d: number, degree: number): number[][] =>
    d === 0
      ? [[]]
      : Array.from({ length: degree + 1 }, (_, e) => all(d - 1, degree - e).map((rest) => [e, ...rest])).flat()

  it.each([
    [[0.9, 0.5, 0.2], 40, 8],
    [[0.7, 0.69, 0.1, 0.05], 100, 7],
    [[1, 1, 1], 84, 6],
    [[0.3], 9, 20],
  ])('of weights %o up to 1 are the %i of highest score', (w, t, degree) => {
    const sorted = all(w.length, degree)
      .map((e) => scoreOf(w, e))
      .toSorted((a, b) => b - a)
    const scores = exponentsOf(w, t, degree).map((e) => scoreOf(w, e))
    const ascending = scores.toSorted((a, b) => b - a)
    for (let f = 0; f < t; f++) expect(Math.abs(ascending[f] - sorted[f])).toBeLessThan(1e-12 * sorted[f])
  })

  it('of weights above 1 each are the best of those whose divisors are there', () => {
    const w = [3, 1.7, 1.2, 0.4]
    const chosen = exponentsOf(w, 300, 12)
    const names = new Set<string>()
    const candidates = all(4, 12)
    for (const e of chosen) {
      const open = candidates.filter(
        (c) =>
          !names.has(c.join()) &&
          c.every((p, i) => p === 0 || names.has(c.map((x, j) => x - (i === j ? 1 : 0)).join())),
      )
      const best = Math.max(...open.map((c) => scoreOf(w, c)))
      expect(scoreOf(w, e)).toBeGreaterThan(best * (1 - 1e-12))
      names.add(e.join())
    }
  })

  it('ends where the degree does', () => {
    expect(bestMonomials([1, 1], 100, 2).parents.length).toBe(6)
    expect(bestMonomials([0, 0, 0], 4, 20).parents.length).toBe(4)
  })
})

describe('anisotropicFeatures', () => {
  it('with all monomials of a degree are Taylor features, turned', () => {
    const pilotKeys = cloud(100, 3, { seed: 1, decay: 0, size: 0.02 })
    const map = anisotropicFeatures({ pilotKeys, pilotQueries: pilotKeys, t: 20, scale: 1 })
    const taylor = taylorFeatures({ d: 3, degree: 3, scale: 1, centre: parts(map).centre })
    const [q, k] = [cloud(1, 3, { seed: 3 }), cloud(1, 3, { seed: 4 })]
    const product = (one: FeatureMap) => {
      const [a, b] = [mapped(one, 'queries', q).features, mapped(one, 'keys', k).features]
      return a.reduce((sum, x, f) => sum + x * b[f], 0)
    }
    expect(Math.abs(product(map) - product(taylor))).toBeLessThan(1e-5)
    expect(certificate(map).positive).toBe('within')
  })

  it('answer better than all monomials of a degree in as much room, where the spectrum falls', () => {
    const d = 16
    const [keys, queries] = [cloud(400, d, { seed: 1 }), cloud(50, d, { seed: 2 })]
    const values = normals(400, 3)
    const scale = 0.5
    const map = anisotropicFeatures({ pilotKeys: keys, pilotQueries: queries, t: featureDimension(d, 2), scale })
    const errorOf = (one: FeatureMap) => {
      const [left, right] = [mapped(one, 'queries', queries), mapped(one, 'keys', keys)]
      let [off, all] = [0, 0]
      for (let i = 0; i < 50; i++) {
        const sums = [0, 0, 0, 0]
        for (let j = 0; j < 400; j++) {
          let [s, product] = [0, 0]
          for (let c = 0; c < d; c++) s += queries.data[i * d + c] * keys.data[j * d + c]
          for (let f = 0; f < one.t; f++) product += left.features[i * one.t + f] * right.features[j * one.t + f]
          const weight = Math.exp(scale * s)
          for (const [at, x] of [weight, weight * values[j], product, product * values[j]].entries()) sums[at] += x
        }
        off += (sums[1] / sums[0] - sums[3] / sums[2]) ** 2
        all += (sums[1] / sums[0]) ** 2
      }
      return Math.sqrt(off / all)
    }
    const centre = parts(map).centre
    expect(errorOf(map)).toBeLessThan(0.2 * errorOf(taylorFeatures({ d, degree: 2, scale, centre })))
  })

  it.each([
    [{ t: 0 }, RangeError, 'anisotropicFeatures: t must be an integer from 1 to 65536, got 0'],
    [{ t: 70_000 }, RangeError, 'anisotropicFeatures: t must be an integer from 1 to 65536, got 70000'],
    [{ scale: 0 }, RangeError, 'anisotropicFeatures: scale must be a finite number > 0, got 0'],
    [
      { pilotKeys: undefined },
      TypeError,
      'anisotropicFeatures: pilotKeys must be a Matrix with Float32Array data, got undefined',
    ],
    [
      { pilotKeys: cloud(1, 6, { seed: 1 }) },
      RangeError,
      'anisotropicFeatures: pilotKeys.rows must be an integer >= 2, got 1',
    ],
    [
      { pilotQueries: cloud(3, 5, { seed: 1 }) },
      RangeError,
      'anisotropicFeatures: pilotQueries must have 6 columns, got 5',
    ],
    [
      { pilotQueries: cloud(0, 6, { seed: 1 }) },
      RangeError,
      'anisotropicFeatures: pilotQueries.rows must be an integer >= 1, got 0',
    ],
    [
      { pilotKeys: { rows: 2, cols: 600, data: new Float32Array(1200) } },
      RangeError,
      'anisotropicFeatures: pilotKeys.cols must be an integer from 1 to 256, got 600',
    ],
  ])('refuses %o', (change, error, message) => {
    const pilot = cloud(10, 6, { seed: 1 })
    const call = () =>
      anisotropicFeatures({ pilotKeys: pilot, pilotQueries: pilot, t: 20, scale: 1, ...(change as object) })
    expect(call).toThrow(error)
    expect(call).toThrow(expect.objectContaining({ message }))
  })

  it('takes a pilot that does not vary, and one variable to its last degree', () => {
    const flat = { rows: 3, cols: 2, data: Float32Array.of(1, 2, 1, 2, 1, 2) }
    expect(anisotropicFeatures({ pilotKeys: flat, pilotQueries: flat, t: 9, scale: 1 }).t).toBe(9)
    const one = cloud(9, 1, { seed: 1 })
    expect(anisotropicFeatures({ pilotKeys: one, pilotQueries: one, t: 21, scale: 1 }).t).toBe(21)
    expect(() => anisotropicFeatures({ pilotKeys: one, pilotQueries: one, t: 22, scale: 1 })).toThrow(
      'anisotropicFeatures: t must be an integer from 1 to 21, got 22',
    )
  })
})

describe('a spec', () => {
  const map = make({ d: 3, t: 12 })
  const good = JSON.parse(map.spec) as Spec
  const changed = (change: object) => JSON.stringify({ ...good, ...change })
  const basis = decodeFloats('test', 'basis', good.basis, 9)
  const table = decodeBytes('test', 'table', good.table, 72)
  const withByte = (at: number, byte: number) => encodeBytes(table.map((b, i) => (i === at ? byte : b)))

  it('comes back as the same map, to the bit', () => {
    const twin = restoreFeatures(map.spec)
    const x = cloud(5, 3, { seed: 9 })
    expect(twin.spec).toBe(map.spec)
    for (const side of ['keys', 'queries'] as const) expect(mapped(twin, side, x)).toEqual(mapped(map, side, x))
  })

  it.each([
    ['no dimension', { d: 0 }],
    ['a dimension that its arrays do not have', { d: 4 }],
    ['a huge dimension', { d: 2 ** 40 }],
    ['a count that its table does not have', { t: 13 }],
    ['a huge count', { t: 2 ** 31 }],
    ['no scale', { scale: 0 }],
    ['a short basis', { basis: encodeFloats(basis.subarray(1)) }],
    ['a basis that is not base64', { basis: '*'.repeat(good.basis.length) }],
    ['NaN in the basis', { basis: encodeFloats(basis.map((x, i) => (i === 4 ? NaN : x))) }],
    ['a skew basis', { basis: encodeFloats(basis.map((x, i) => (i === 4 ? x + 1e-4 : x))) }],
    ['∞ in the centre', { centre: encodeFloats(Float32Array.of(0, Infinity, 0)) }],
    ['a huge centre', { centre: encodeFloats(Float32Array.of(0, 1e30, 0)) }],
    ['a constant from elsewhere', { table: withByte(4, 1) }],
    ['a parent that comes later', { table: withByte(6, 9) }],
    ['a coordinate outside', { table: withByte(10, 3) }],
    ['a monomial twice', { table: encodeBytes(table.map((b, i) => (i >= 12 && i < 18 ? table[i - 6] : b))) }],
    ['an odd block', { block: [3, 1] }],
    ['a block larger than the table', { block: [3, 20] }],
    ['a block of other monomials', { block: [2, 4] }],
    ['a block without variables', { block: [0, 2] }],
    ['something more', { more: 1 }],
  ])('with %s is refused', (_, change) => {
    expect(() => restoreFeatures(changed(change))).toThrow(RangeError)
    expect(() => restoreFeatures(changed(change))).toThrow(/^[a-zA-Z]+: /)
  })

  it.each([
    ['a number for the basis', { basis: 7 }],
    ['no table', { table: undefined }],
    ['a block that is no pair', { block: 'all' }],
    ['a text for d', { d: '3' }],
  ])('with %s is of a wrong type', (_, change) => {
    expect(() => restoreFeatures(changed(change))).toThrow(TypeError)
  })
})
