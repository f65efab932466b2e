// Best polynomials, degrees and certified errors against fixtures/polynomials.json: 60-digit values from another Remez exchange (a linear
// system), another Chebyshev series (quadrature) and direct maximisation. Kills: an exchange that stops early or drops an extremum, the weight e^{−s} left
// out (degree 3 at radius 4 differs by 50 times), a bound taken on the grid alone, a degree off by one in any of 72 places.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { certificate, degreeFor, featureDimension, minimaxFeatures, taylorFeatures, type DegreeFor } from '../src'
import { chebyshevError } from '../src/chebyshev-error'
import { exponential, over, pair, plus, times } from '../src/double-double'
import { minimaxPolynomial } from '../src/minimax-polynomial'
import { monomialMap } from '../src/monomial-map'
import { relativeError, taylorError } from '../src/relative-error'

interface Fixture {
  readonly degrees: readonly ({ radius: number; epsilon: number } & Record<DegreeFor['kind'], number>)[]
  readonly errors: readonly { kind: DegreeFor['kind']; degree: number; radius: number; error: number }[]
  readonly best: readonly { degree: number; radius: number; error: number; coefficients: number[] }[]
  readonly sizes: readonly { d: number; degree: number; t: number }[]
}
const fixture = JSON.parse(readFileSync(new URL('fixtures/polynomials.json', import.meta.url), 'utf8')) as Fixture

const value = (coefficients: ArrayLike<number>, s: number) => {
  let p = 0
  for (let j = coefficients.length - 1; j >= 0; j--) p = p * s + coefficients[j]
  return p
}

describe('degreeFor', () => {
  it.each(fixture.degrees)('radius $radius, ε = $epsilon: $taylor, $chebyshev, $minimax', (row) => {
    const { radius, epsilon } = row
    for (const kind of ['taylor', 'chebyshev', 'minimax'] as const)
      expect(degreeFor({ radius, epsilon, kind }), kind).toBe(row[kind])
  })

  it('needs no degree for radius 0, more for more, and what it names is certified', () => {
    expect(degreeFor({ radius: 0, epsilon: 0.1, kind: 'minimax' })).toBe(0)
    for (const radius of [0.3, 0.9, 1.7, 2.6, 3.3, 4.4]) {
      for (const epsilon of [0.3, 0.05, 2e-3, 7e-5]) {
        const taylor = degreeFor({ radius, epsilon, kind: 'taylor' })
        const minimax = degreeFor({ radius, epsilon, kind: 'minimax' })
        expect(minimax).toBeLessThanOrEqual(taylor)
        const map = minimaxFeatures({ d: 1, degree: minimax, radius, scale: 1 })
        expect(certificate(map).approximation).toBeLessThanOrEqual(epsilon)
        const taylorMap = taylorFeatures({ d: 1, degree: taylor, scale: 1 })
        expect(certificate(taylorMap, { radius }).approximation).toBeLessThanOrEqual(epsilon)
        if (taylor > 0) expect(taylorError(taylor - 1, radius)).toBeGreaterThan(epsilon)
        if (minimax > 0) expect(minimaxPolynomial(minimax - 1, radius).least).toBeGreaterThan(epsilon / 1.003)
      }
    }
  })

  it.each([
    [{ radius: -1 }, RangeError, 'degreeFor: radius must be from 0 to 16 for minimax, got -1'],
    [{ radius: 17 }, RangeError, 'degreeFor: radius must be from 0 to 16 for minimax, got 17'],
    [{ radius: '1' }, TypeError, 'degreeFor: radius must be a finite number, got "1"'],
    [{ epsilon: 0 }, RangeError, 'degreeFor: epsilon must be from 2^-40 to below 1, got 0'],
    [{ epsilon: 1 }, RangeError, 'degreeFor: epsilon must be from 2^-40 to below 1, got 1'],
    [{ kind: 'hermite' }, RangeError, 'degreeFor: kind must be taylor, chebyshev or minimax, got "hermite"'],
    [{ kind: 3 }, TypeError, 'degreeFor: kind must be a string, got number'],
  ])('refuses %o', (change, error, message) => {
    const call = () => degreeFor({ radius: 1, epsilon: 0.1, kind: 'minimax', ...(change as object) })
    expect(call).toThrow(error)
    expect(call).toThrow(expect.objectContaining({ message }))
  })
})

describe('featureDimension', () => {
  it('is C(d + degree, degree)', () => {
    for (const { d, degree, t } of fixture.sizes) expect(featureDimension(d, degree)).toBe(t)
  })
})

describe('largest relative errors', () => {
  it('of all three kinds are those of 60 digits', () => {
    expect(fixture.errors.length).toBeGreaterThan(200)
    for (const { kind, degree, radius, error } of fixture.errors) {
      if (kind === 'taylor') expect(Math.abs(taylorError(degree, radius) / error - 1)).toBeLessThan(1e-9)
      if (kind === 'chebyshev') {
        const ratio = chebyshevError(degree, radius) / error
        expect(ratio, `chebyshev ${degree} on ${radius}`).toBeGreaterThan(1)
        expect(ratio, `chebyshev ${degree} on ${radius}`).toBeLessThan(1.0011)
      }
      if (kind === 'minimax') {
        const { least, most } = minimaxPolynomial(degree, radius)
        expect(Math.abs(least / error - 1), `minimax ${degree} on ${radius}`).toBeLessThan(2e-6)
        expect(Math.abs(most / error - 1), `minimax ${degree} on ${radius}`).toBeLessThan(2e-6)
      }
    }
  })
})

describe('minimaxPolynomial', () => {
  it.each(fixture.best)('of degree $degree on $radius has the coefficients of 60 digits', (best) => {
    const coefficients = minimaxPolynomial(best.degree, best.radius).coefficients()
    expect(coefficients.length).toBe(best.degree + 1)
    for (const [j, c] of best.coefficients.entries()) {
      const size = Math.max(...best.coefficients.map((b, i) => Math.abs(b) * best.radius ** (i - j)))
      expect(Math.abs(coefficients[j] - c)).toBeLessThan(1e-4 * best.error * Math.exp(best.radius) * size)
    }
  })

  it('has errors that alternate degree + 2 times between one size', () => {
    const { least, coefficients } = minimaxPolynomial(6, 4)
    let [alternations, last] = [0, 0]
    for (let i = 0; i <= 20_000; i++) {
      const s = -4 + (8 * i) / 20_000
      const error = value(coefficients(), s) * Math.exp(-s) - 1
      if (Math.abs(error) > least * (1 - 1e-4) && Math.sign(error) !== last) {
        alternations++
        last = Math.sign(error)
      }
    }
    expect(alternations).toBe(8)
  })

  it('is these bits, on every engine', () => {
    expect(minimaxPolynomial(2, 1).coefficients()).toMatchInlineSnapshot(`
      Float64Array [
        1.0270267449935497,
        1.1138789834875076,
        0.46935125293636937,
      ]
    `)
  })
})

describe('relativeError', () => {
  it.each([
    { degree: 2, radius: 1, change: 0 },
    { degree: 9, radius: 4, change: 0 },
    { degree: 5, radius: 2, change: 0.01 },
    { degree: 5, radius: 2, change: -1 },
    { degree: 12, radius: 5, change: 1e-5 },
  ])('of degree $degree on $radius, one coefficient moved by $change, is above the truth by at most 1/500', (one) => {
    const p = minimaxPolynomial(one.degree, one.radius).coefficients()
    p[one.degree] *= 1 + one.change
    const bound = relativeError(p, one.radius)
    let worst = 0
    for (let i = 0; i <= 200_000; i++) {
      const s = -one.radius * Math.cos((Math.PI * i) / 200_000)
      worst = Math.max(worst, Math.abs(value(p, s) * Math.exp(-s) - 1))
    }
    expect(bound).toBeGreaterThanOrEqual(worst)
    expect(bound).toBeLessThan(worst * 1.002)
  })

  it('never misses a spike between its points, up to degree 20', () => {
    for (let i = 0; i < 40; i++) {
      const p = Float64Array.from({ length: 1 + (i % 21) }, (_, j) => Math.sin(7 * i + 3 * j) / (1 + j))
      const radius = 0.5 + (i % 7)
      let worst = 0
      for (let k = 0; k <= 20_000; k++) {
        const s = radius * ((2 * k) / 20_000 - 1)
        worst = Math.max(worst, Math.abs(value(p, s) * Math.exp(-s) - 1))
      }
      expect(relativeError(p, radius)).toBeGreaterThanOrEqual(worst)
    }
  })
})

describe('double-double', () => {
  it('holds 1/3, e and sums that doubles lose', () => {
    const third = over(pair(1), pair(3))
    const back = plus(times(third, pair(3)), pair(-1))
    expect(Math.abs(back[0])).toBeLessThan(2 ** -102)
    expect(exponential(1)[0]).toBe(Math.E)
    expect(Math.abs(exponential(1)[1] - 1.4456468917292502e-16)).toBeLessThan(1e-29)
    const product = times(exponential(40), exponential(-40))
    expect(Math.abs(plus(product, pair(-1))[0])).toBeLessThan(2 ** -90)
    expect(plus(plus(pair(2 ** 80), pair(1)), pair(-(2 ** 80)))[0]).toBe(1)
  })
})

describe('a polynomial with signs of its own', () => {
  it('is the inner product of the features, the sign on the side of the keys', () => {
    const weights = Float64Array.of(-0.5, 1.25, -3, 0.75, 2)
    const [d, degree, scale] = [3, 4, 0.5]
    const rest = { radius: 1, spec: '{"kind":"test"}', fallbacks: [] }
    const map = monomialMap('test', { d, degree, scale }, weights, rest)
    const [q, k] = [Float32Array.of(0.4, -1.2, 0.7), Float32Array.of(-0.3, 0.9, 1.1)]
    const row = () => ({ rows: 1, cols: map.t, data: new Float32Array(map.t) })
    const [left, right, other] = [row(), row(), row()]
    map.mapQueries({ rows: 1, cols: d, data: q }, left, new Float32Array(1))
    map.mapKeys({ rows: 1, cols: d, data: k }, right)
    map.mapKeys({ rows: 1, cols: d, data: q }, other)
    const product = left.data.reduce((sum, x, f) => sum + x * right.data[f], 0)
    const s = scale * q.reduce((sum, x, c) => sum + x * k[c], 0)
    const coefficients = weights.map((w, j) => w / [1, 1, 2, 6, 24][j])
    expect(Math.abs(product - value(coefficients, s))).toBeLessThan(2e-6)
    expect(other.data).not.toEqual(left.data)
    expect(other.data.map(Math.abs)).toEqual(left.data.map(Math.abs))
    for (let f = 0; f < map.t; f++) expect(left.data[f] * other.data[f] < 0).toBe(f === 0 || (f >= 4 && f < 10))
  })
})

describe('minimaxFeatures', () => {
  it('have a certified error near the least at every radius and degree that are taken', () => {
    let taken = 0
    for (const radius of [2 ** -40, 1e-9, 1e-6, 1e-4, 0.01, 0.1, 0.4, 1, 2, 5, 8]) {
      for (const degree of [0, 1, 2, 3, 5, 8, 12, 16, 20]) {
        let map
        try {
          map = minimaxFeatures({ d: 1, degree, radius, scale: 1 })
        } catch (error) {
          expect(String(error)).toContain('degree must be lower')
          expect(taylorError(degree, radius)).toBeLessThan(1e-6) // nothing that float32 would miss
          continue
        }
        taken++
        const { approximation, cancellation } = certificate(map)
        const { least } = minimaxPolynomial(degree, radius)
        expect(approximation).toBeGreaterThanOrEqual(least * (1 - 1e-6))
        expect(approximation).toBeLessThan(least * 1.003 + 1e-7 * cancellation + 1e-15)
      }
    }
    expect(taken).toBeGreaterThan(40)
  })

  it.each([
    [{ radius: 0 }, RangeError, 'minimaxFeatures: radius must be a finite number > 0, got 0'],
    [{ radius: 8.5 }, RangeError, 'minimaxFeatures: radius must be from 2^-40 to 8, got 8.5'],
    [{ radius: undefined }, TypeError, 'minimaxFeatures: radius must be a finite number > 0, got undefined'],
    [
      { radius: 0.1, degree: 9 },
      RangeError,
      'minimaxFeatures: degree must be lower on radius 0.1, got 9: its error is below 2^-40, beyond float32',
    ],
    [{ degree: 21 }, RangeError, 'minimaxFeatures: degree must be an integer from 0 to 20, got 21'],
    [{ centre: new Float32Array(3) }, RangeError, 'minimaxFeatures: centre must have 2 columns, got 3'],
  ])('refuses %o', (change, error, message) => {
    const call = () => minimaxFeatures({ d: 2, degree: 2, radius: 1, scale: 1, ...(change as object) })
    expect(call).toThrow(error)
    expect(call).toThrow(expect.objectContaining({ message }))
  })
})
