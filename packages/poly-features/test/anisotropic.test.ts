// Anisotropic monomials. Truth: exponents read from the spec and multiplied out in float64, the remainder of the exponential series term by
// term. Kills: a basis turned on one side only, √e! left out of a feature, a block that is no whole degree (negative prefixes), the centre
// left out of logScale. best-monomials.test.ts has the search, anisotropic-spec.test.ts hostile specs.
import { describe, expect, it } from 'vitest'
import type { Matrix } from '@sublinear/core'
import { certificate, featureDimension } from '../src'
import { factorial, make, mapped, parts } from './anisotropic-maps'
import { cloud, normals } from './pilot'

const monomial = (z: readonly number[], e: readonly number[]) =>
  e.reduce((product, power, i) => product * z[i] ** power, 1)

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
