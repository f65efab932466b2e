// Exact attention against two float64 passes. Kills: a mask off by one or by a group, `valid` ignored or applied to queries, no
// maximum subtracted (±400), a maximum not carried from tile to tile, float32 masses (2^17 keys), dv taken for d, 0/0 for no keys.
import { fc, test } from '@fast-check/vitest'
import { matrix } from '@sublinear/core'
import { describe, expect, it } from 'vitest'
import { exactAttention } from '../src'
import { distance, random, softmaxOracle } from '@sublinear/laws'

const any = (value: unknown) => value as never

describe('exactAttention', () => {
  const shape = fc.record({
    n: fc.oneof(fc.constantFrom(0, 1, 63, 64, 65, 129), fc.nat(200)),
    d: fc.oneof(fc.constantFrom(1, 16, 32, 64), fc.integer({ min: 1, max: 70 })),
    dv: fc.integer({ min: 1, max: 70 }),
    seed: fc.nat(),
    reach: fc.constantFrom(0.1, 1, 3),
  })

  test.prop([shape, fc.nat(20), fc.nat()], { seed: 1, numRuns: 60 })(
    'is softmax(scale·QKᵀ)V over the valid keys',
    ({ n, d, dv, seed, reach }, rows, cut) => {
      const [queries, keys, values] = [
        random(rows, d, seed, reach),
        random(n, d, seed + 1, reach),
        random(n, dv, seed + 2),
      ]
      const scale = 1 / Math.sqrt(d)
      const valid = cut % (n + 1)
      const got = exactAttention({ queries, keys, values, scale, valid })
      expect([got.rows, got.cols]).toEqual([rows, dv])
      expect(
        distance(
          got.data,
          softmaxOracle(queries, keys, values, scale, () => valid),
        ),
      ).toBeLessThan(1e-5)
      const whole = exactAttention({ queries, keys, values, scale })
      expect(
        distance(
          whole.data,
          softmaxOracle(queries, keys, values, scale, () => n),
        ),
      ).toBeLessThan(1e-5)
    },
  )

  test.prop([shape, fc.integer({ min: 1, max: 4 }), fc.nat()], { seed: 2, numRuns: 60 })(
    'causal: row i·groups + g sees keys 0 … i',
    ({ n, d, dv, seed, reach }, groups, cut) => {
      const [queries, keys, values] = [
        random(n * groups, d, seed, reach),
        random(n, d, seed + 1, reach),
        random(n, dv, seed + 2),
      ]
      const valid = cut % (n + 1)
      const got = exactAttention({ queries, keys, values, scale: -0.5, causal: true, valid })
      const wanted = softmaxOracle(queries, keys, values, -0.5, (row) => Math.min(valid, Math.floor(row / groups) + 1))
      expect(distance(got.data, wanted)).toBeLessThan(1e-5)
    },
  )

  // A logit of 400 is known to 400·2^-24 in float32, so e^logit to 2.4e-5 of itself.
  test.prop([fc.integer({ min: 1, max: 130 }), fc.nat(), fc.constantFrom(-400, -100, 100, 400)], {
    seed: 3,
    numRuns: 20,
  })('holds for logits of ±400, which shift freely', (n, seed, shift) => {
    const d = 4
    const queries = random(5, d, seed)
    const keys = random(n, d, seed + 1)
    const values = random(n, 3, seed + 2)
    // A last entry of 1 in every query and `shift` in every key adds `shift` to every logit.
    const longer = (m: typeof queries, entry: number) =>
      matrix(
        m.rows,
        d + 1,
        Float32Array.from({ length: m.rows * (d + 1) }, (_, i) =>
          i % (d + 1) === d ? entry : m.data[Math.floor(i / (d + 1)) * d + (i % (d + 1))],
        ),
      )
    const plain = exactAttention({ queries, keys, values, scale: 1 })
    const moved = exactAttention({ queries: longer(queries, 1), keys: longer(keys, shift), values, scale: 1 })
    expect(distance(moved.data, plain.data)).toBeLessThan(1e-4)
    const wide = { queries: random(5, 1, seed, 20), keys: random(n, 1, seed + 1, 20), values, scale: 1 }
    expect(
      distance(
        exactAttention(wide).data,
        softmaxOracle(wide.queries, wide.keys, values, 1, () => n),
      ),
    ).toBeLessThan(2e-4)
  })

  it('sums 2^17 keys to float32 accuracy', () => {
    const n = 2 ** 17
    const [queries, keys] = [random(3, 2, 1), random(n, 2, 2)]
    const values = random(n, 2, 3)
    for (let i = 0; i < n; i++) values.data[i * 2] += 1000 // sums near 1e8, where float32 has steps of 8
    const got = exactAttention({ queries, keys, values, scale: 0.1 })
    const wanted = softmaxOracle(queries, keys, values, 0.1, () => n)
    const relative = [...got.data].map((x, i) => x / (i % 2 === 0 ? wanted[i] : 1))
    expect(
      distance(
        relative,
        [...wanted].map((x, i) => (i % 2 === 0 ? 1 : x)),
      ),
    ).toBeLessThan(1e-5)
  })

  it('a query that sees no key gets a zero row', () => {
    const [queries, keys, values] = [random(2, 3, 1), random(4, 3, 2), random(4, 5, 3)]
    expect([...exactAttention({ queries, keys, values, scale: 1, valid: 0 }).data]).toEqual(Array(10).fill(0))
    const none = exactAttention({ queries, keys: matrix(0, 3), values: matrix(0, 5), scale: 1 })
    expect([none.rows, none.cols, ...none.data]).toEqual([2, 5, ...Array(10).fill(0)])
    expect(exactAttention({ queries: matrix(0, 3), keys, values, scale: 1, causal: true }).rows).toBe(0)
    expect(
      exactAttention({ queries: matrix(0, 3), keys: matrix(0, 3), values: matrix(0, 5), scale: 1, causal: true }).rows,
    ).toBe(0)
  })

  it('leaves its inputs alone and refuses what does not fit', () => {
    const good = { queries: random(4, 3, 1), keys: random(4, 3, 2), values: random(4, 5, 3), scale: 1 }
    const copy = structuredClone(good)
    exactAttention({ ...good, causal: true })
    expect(good).toEqual(copy)
    const nan = matrix(4, 3, new Float32Array(12).fill(NaN))
    const calls: [object, typeof TypeError | typeof RangeError, string][] = [
      [{ queries: random(4, 2, 1) }, RangeError, 'exactAttention: queries must have 3 columns, got 2'],
      [{ values: random(3, 5, 1) }, RangeError, 'exactAttention: values must have 4 rows, got 3'],
      [{ keys: matrix(4, 0), queries: matrix(4, 0) }, RangeError, 'exactAttention: d must be an integer >= 1, got 0'],
      [{ keys: nan }, RangeError, 'exactAttention: keys must be finite, got NaN at row 0, column 0'],
      [{ queries: nan }, RangeError, 'exactAttention: queries must be finite, got NaN at row 0, column 0'],
      [{ values: [1] }, TypeError, 'exactAttention: values must be a Matrix with Float32Array data, got an array'],
      [{ scale: NaN }, RangeError, 'exactAttention: scale must be a finite number, got NaN'],
      [{ scale: undefined }, TypeError, 'exactAttention: scale must be a finite number, got undefined'],
      [{ valid: 5 }, RangeError, 'exactAttention: valid must be an integer from 0 to 4, got 5'],
      [{ valid: 1.5 }, RangeError, 'exactAttention: valid must be an integer from 0 to 4, got 1.5'],
      [{ causal: 1 }, TypeError, 'exactAttention: causal must be true or false, got 1'],
      [{ causal: null }, TypeError, 'exactAttention: causal must be true or false, got null'],
      [
        { causal: true, queries: random(6, 3, 1) },
        RangeError,
        'exactAttention: causal needs a whole number of queries for each of the 4 keys, got 6',
      ],
      [
        { causal: true, keys: matrix(0, 3), values: matrix(0, 5) },
        RangeError,
        'exactAttention: causal needs a whole number of queries for each of the 0 keys, got 4',
      ],
    ]
    for (const [change, error, message] of calls) {
      expect(() => exactAttention(any({ ...good, ...change }))).toThrow(error)
      expect(() => exactAttention(any({ ...good, ...change }))).toThrow(expect.objectContaining({ message }))
    }
  })
})
