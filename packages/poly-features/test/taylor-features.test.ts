// The features of Lemma 3.1, entry by entry. Kills: a factorial or its root left out, an exponent counted across variables, the centre added,
// scale on one side only or squared, monomials in another order (prefixes are then no lower degree), an odd degree called positive.
import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { featureDimension, taylorFeatures } from '../src'
import { entries, features } from './row-features'
import { dot, taylor } from './truth'

/** x^e/√(e!) for every exponent e of at most `degree`, by recursion over the variables, in no particular order. */
const monomials = (x: readonly number[], degree: number): number[] =>
  x.length === 0
    ? [1]
    : Array.from({ length: degree + 1 }, (_, e) => e).flatMap((e) => {
        let factor = 1
        for (let i = 1; i <= e; i++) factor *= x[0] / Math.sqrt(i)
        return monomials(x.slice(1), degree - e).map((rest) => factor * rest)
      })

describe('the features', () => {
  const options = fc
    .record({
      d: fc.integer({ min: 1, max: 5 }),
      degree: fc.integer({ min: 0, max: 7 }),
      scale: fc.constantFrom(0.1, 1 / Math.sqrt(8), 1, 2.5),
    })
    .chain(({ d, degree, scale }) => {
      const reach = Math.sqrt(4 / scale / d)
      return fc.record({
        d: fc.constant(d),
        degree: fc.constant(degree),
        scale: fc.constant(scale),
        q: entries(d, reach),
        k: entries(d, reach),
        centre: entries(d, reach),
      })
    })

  test.prop([options], { seed: 1, numRuns: 150 })(
    'multiply to the Taylor polynomial of the centred score, and so do their prefixes',
    ({ q, k, centre, ...rest }) => {
      const { d, degree, scale } = rest
      const map = taylorFeatures({ ...rest, centre })
      const left = features(map, 'queries', q)
      const right = features(map, 'keys', k)
      const centred = k.map((x, i) => x - centre[i])
      const score = scale * (dot(q, k) - dot(q, centre))
      expect(Math.abs(left.shift - scale * dot(q, centre))).toBeLessThan(2e-6)
      const size = scale * Math.sqrt(dot(q, q) * dot(centred, centred))
      for (let g = degree; g >= 0; g--) {
        const got = dot(left.phi, right.phi, featureDimension(d, g))
        expect(Math.abs(got - taylor(g, score))).toBeLessThan(2e-6 * taylor(g, size))
      }
      expect([map.t, map.d, map.scale]).toEqual([featureDimension(d, degree), d, scale])
    },
  )

  test.prop([options], { seed: 2, numRuns: 60 })('are x^e/√(e!), each exponent once', ({ q, k, centre, ...rest }) => {
    const map = taylorFeatures(rest)
    const unit = Math.sqrt(rest.scale)
    const wanted = monomials(
      [...k].map((x) => x * unit),
      rest.degree,
    ).toSorted((a, b) => a - b)
    const got = [...features(map, 'keys', k).phi].toSorted((a, b) => a - b)
    expect(got.length).toBe(wanted.length)
    for (const [i, x] of wanted.entries()) expect(Math.abs(got[i] - x)).toBeLessThan(2e-6 * (1 + Math.abs(x)))
    expect(features(map, 'queries', k).phi).toEqual(features(map, 'keys', k).phi)
    expect(q.length + centre.length).toBe(2 * rest.d)
  })

  it('of half a million are built in time, O(t)', () => {
    const map = taylorFeatures({ d: 64, degree: 4, scale: 0.125 })
    const x = new Float32Array(64).fill(0.1)
    const from = performance.now()
    const { phi } = features(map, 'keys', x)
    expect(performance.now() - from).toBeLessThan(5000)
    expect(Math.abs(dot(phi, phi) - taylor(4, 0.125 * dot(x, x)))).toBeLessThan(1e-5)
  })
})

describe('fallbacks', () => {
  it('are the lower even degrees, largest first, and positive for every score', () => {
    for (let degree = 0; degree <= 9; degree++) {
      const map = taylorFeatures({ d: 1, degree, scale: 1 })
      const even = Array.from({ length: degree }, (_, g) => g)
        .filter((g) => g % 2 === 0)
        .toReversed()
      expect(map.fallbacks).toEqual(even.map((g) => featureDimension(1, g)))
      for (let s = -30; s <= 30; s += 0.25) {
        const [left, right] = [features(map, 'queries', Float32Array.of(1)), features(map, 'keys', Float32Array.of(s))]
        for (const prefix of [...map.fallbacks, ...(degree % 2 === 0 ? [map.t] : [])]) {
          expect(dot(left.phi, right.phi, prefix)).toBeGreaterThan(0)
        }
      }
    }
    expect(taylorFeatures({ d: 3, degree: 5, scale: 1 }).fallbacks).toEqual([35, 10, 1])
  })
})

describe('taylorFeatures', () => {
  it.each([
    [{ d: 0 }, RangeError, 'taylorFeatures: d must be an integer >= 1, got 0'],
    [{ d: '2' }, TypeError, 'taylorFeatures: d must be an integer >= 1, got "2"'],
    [{ degree: 65 }, RangeError, 'taylorFeatures: degree must be an integer from 0 to 20, got 65'],
    [{ scale: 0 }, RangeError, 'taylorFeatures: scale must be a finite number > 0, got 0'],
    [
      { d: 1000, degree: 4 },
      RangeError,
      'taylorFeatures: the number of features must be an integer from 1 to 67108864, got 42084793751',
    ],
    [{ centre: [1, 2] }, TypeError, 'taylorFeatures: centre must be a Float32Array'],
    [{ centre: new Float32Array(3) }, RangeError, 'taylorFeatures: centre must have 2 columns, got 3'],
    [
      { centre: Float32Array.of(1, NaN) },
      RangeError,
      'taylorFeatures: centre must be finite, got NaN at row 0, column 1',
    ],
  ])('refuses %o', (change, error, message) => {
    const call = () => taylorFeatures({ d: 2, degree: 2, scale: 1, ...(change as object) })
    expect(call).toThrow(error)
    expect(call).toThrow(expect.objectContaining({ message }))
  })

  it('keeps its own centre', () => {
    const centre = Float32Array.of(1, 2)
    const map = taylorFeatures({ d: 2, degree: 3, scale: 1, centre })
    const before = features(map, 'keys', Float32Array.of(0.5, 0.5))
    centre.fill(9)
    expect(features(map, 'keys', Float32Array.of(0.5, 0.5))).toEqual(before)
  })
})
