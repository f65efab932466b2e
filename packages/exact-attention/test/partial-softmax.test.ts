// Partial softmaxes are a commutative monoid. Kills: sums combined without their maxima, the larger maximum's factor on the wrong
// side, NaN from −∞ − −∞, an identity that is not one, normalise that divides by zero or writes into its argument.
import { fc, test } from '@fast-check/vitest'
import { emptyPartial, matrix, type PartialSoftmax } from '@sublinear/core'
import { describe, expect, it } from 'vitest'
import { combine, exactStream, normalise } from '../src'
import { distance, random, softmaxOracle } from '@sublinear/laws'

const [rows, dv] = [3, 2]
const row = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      max: fc.float({ min: -50, max: 50, noNaN: true }),
      mass: fc.double({ min: 0.5, max: 1000, noNaN: true }),
      x: fc.float({ min: -9, max: 9, noNaN: true }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ max: -Infinity, mass: 0, x: 0 }) },
)
const partial = fc.array(row, { minLength: rows, maxLength: rows }).map((list): PartialSoftmax => ({
  max: Float32Array.from(list, ({ max }) => max),
  mass: Float64Array.from(list, ({ mass }) => mass),
  sum: matrix(rows, dv, Float32Array.from(list.flatMap(({ mass, x }) => [Math.fround(mass * x) + 0, mass]))),
}))
const level = ({ max, mass }: PartialSoftmax) => [...mass].map((m, i) => (m > 0 ? max[i] + Math.log(m) : -1e9))
const same = (a: PartialSoftmax, b: PartialSoftmax) => {
  expect(distance(level(a), level(b))).toBeLessThan(1e-6)
  expect(distance(normalise(a).data, normalise(b).data)).toBeLessThan(1e-5) // float32 sums of numbers up to 9
}

const at = (max: number): PartialSoftmax => ({
  max: Float32Array.of(max),
  mass: Float64Array.of(2),
  sum: matrix(1, 1, Float32Array.of(max > 0 ? 6 : 2)),
})

describe('combine', () => {
  test.prop([partial, partial, partial], { seed: 1, numRuns: 200 })(
    'is associative and commutative, with the empty partial as identity',
    (a, b, c) => {
      same(combine(combine(a, b), c), combine(a, combine(b, c)))
      same(combine(a, b), combine(b, a))
      const empty = emptyPartial(rows, dv)
      expect(combine(a, empty)).toEqual(a)
      expect(combine(empty, a)).toEqual(a)
      expect(combine(empty, empty)).toEqual(empty)
    },
  )

  test.prop([fc.integer({ min: 1, max: 90 }), fc.nat(), fc.nat()], { seed: 2, numRuns: 30 })(
    'of two parts of a stream is the answer over both',
    (n, at, seed) => {
      const [queries, keys, values] = [random(4, 3, seed, 3), random(n, 3, seed + 1, 3), random(n, dv, seed + 2)]
      const known = at % (n + 1)
      const parts = [
        [0, known],
        [known, n],
      ].map(([from, to]) => {
        const stream = exactStream({ d: 3, dv, scale: 1 })
        const cut = (m: typeof keys) => matrix(to - from, m.cols, m.data.slice(from * m.cols, to * m.cols))
        stream.push({ keys: cut(keys), values: cut(values) })
        return stream.attend(queries)
      })
      const got = normalise(combine(parts[0], parts[1]))
      expect(
        distance(
          got.data,
          softmaxOracle(queries, keys, values, 1, () => n),
        ),
      ).toBeLessThan(1e-5)
    },
  )

  it('holds for maxima 800 apart', () => {
    for (const [a, b] of [
      [400, -400],
      [-400, 400],
    ] as const) {
      const both = combine(at(a), at(b))
      expect([both.max[0], both.mass[0], normalise(both).data[0]]).toEqual([400, 2, 3])
    }
  })

  it('leaves its arguments alone and refuses other shapes', () => {
    const [a, b] = [exactPartial(), exactPartial()]
    combine(a, b)
    normalise(a)
    expect(a).toEqual(b)
    expect(() => combine(a, emptyPartial(2, 1))).toThrow('combine: shapes differ: 1 x 1 and 2 x 1')
    expect(() => combine(a, { ...b, mass: new Float64Array(2) })).toThrow(
      'combine: max, mass and sum must have the same rows, got 1, 2, 1',
    )
    expect(() => combine({ ...a, max: [0] as never }, b)).toThrow(
      'combine: max must be a Float32Array and mass a Float64Array',
    )
    expect(() => normalise({ ...a, sum: undefined as never })).toThrow('normalise: sum must be a Matrix')
  })
})

const exactPartial = (): PartialSoftmax => ({
  max: Float32Array.of(1),
  mass: Float64Array.of(2),
  sum: matrix(1, 1, Float32Array.of(3)),
})

describe('normalise', () => {
  it('divides by the mass, and gives zeros for what is empty', () => {
    expect([...normalise(exactPartial()).data]).toEqual([1.5])
    const none = normalise(emptyPartial(2, 3))
    expect([none.rows, none.cols, ...none.data]).toEqual([2, 3, 0, 0, 0, 0, 0, 0])
    expect(normalise(emptyPartial(0, 3)).rows).toBe(0)
  })
})
