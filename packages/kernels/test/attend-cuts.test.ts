// What the streams rely on, bit for bit. Kills: a mass or sum kept in another precision between calls than within one, key
// blocks counted from the visible range instead of the array, weights of hidden keys that are not exactly zero, a rescale
// that touches rows whose maximum did not grow (exp(0) ≠ 1), rows that see their neighbours' padding.
import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import { simdKernels } from './all-kernels'
import { bits, numbers, visible, worst, type PlainBlock } from './oracle'

const simd = simdKernels()
const shape = fc.record({
  rows: fc.integer({ min: 1, max: 60 }),
  keyCount: fc.integer({ min: 1, max: 400 }),
  d: fc.constantFrom(1, 7, 16, 32, 64, 128),
  dv: fc.constantFrom(1, 7, 16, 32, 64),
  offset: fc.integer({ min: -20, max: 300 }),
  biased: fc.boolean(),
  seed: fc.nat(1e6),
})
type Shape = typeof shape extends fc.Arbitrary<infer S> ? S : never

function block({ rows, keyCount, d, dv, offset, biased, seed }: Shape): PlainBlock {
  return {
    rows,
    keyCount,
    d,
    dv,
    scale: 10 / d,
    causal: { visible: offset, groups: 1 },
    queries: numbers(seed, rows * d),
    keys: numbers(seed + 1, keyCount * d),
    values: numbers(seed + 2, keyCount * dv),
    ...(biased ? { bias: numbers(seed + 3, keyCount) } : {}),
    max: new Float32Array(rows).fill(-Infinity),
    mass: new Float64Array(rows),
    sum: new Float32Array(rows * dv),
  }
}

const state = (block: PlainBlock) => [bits(block.max), bits(block.mass), bits(block.sum)]

describe('attend of the simd kernels, bit for bit', () => {
  test.prop([shape, fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 3 })], { seed: 8, numRuns: 100 })(
    'does not depend on cuts of the keys at multiples of 64',
    (drawn, cuts) => {
      const whole = block(drawn)
      simd.attend(whole)
      const parts = block(drawn)
      const ends = [...cuts.map((c) => Math.min(c * 64, drawn.keyCount)), drawn.keyCount].toSorted((x, y) => x - y)
      let from = 0
      for (const to of ends) {
        simd.attend({
          ...parts,
          keyCount: to - from,
          keys: parts.keys.subarray(from * drawn.d, to * drawn.d),
          values: parts.values.subarray(from * drawn.dv, to * drawn.dv),
          ...(parts.bias ? { bias: parts.bias.subarray(from, to) } : {}),
          causal: { visible: drawn.offset - from, groups: 1 },
        })
        from = to
      }
      expect(state(parts)).toEqual(state(whole))
    },
  )

  test.prop([shape], { seed: 9, numRuns: 100 })('does not depend on whether hidden keys are there', (drawn) => {
    const whole = block(drawn)
    simd.attend(whole)
    const last = visible(whole, drawn.rows - 1)
    const without = block(drawn)
    simd.attend({
      ...without,
      keyCount: last,
      keys: without.keys.slice(0, last * drawn.d),
      values: without.values.slice(0, last * drawn.dv),
      ...(without.bias ? { bias: without.bias.slice(0, last) } : {}),
    })
    expect(state(without)).toEqual(state(whole))
  })

  test.prop([shape, fc.nat(59), fc.integer({ min: 5, max: 60 })], { seed: 10, numRuns: 100 })(
    'does not depend on the other rows of a call of more than four',
    (drawn, at, most) => {
      const rows = drawn.rows + 4
      const whole = block({ ...drawn, rows })
      simd.attend(whole)
      const first = Math.min(at, rows - 5)
      const count = Math.min(most, rows - first)
      const some = { ...block({ ...drawn, rows: count }), queries: whole.queries.subarray(first * drawn.d) }
      simd.attend({ ...some, causal: { visible: drawn.offset + first, groups: 1 } })
      expect(state(some)).toEqual([
        bits(whole.max.slice(first, first + count)),
        bits(whole.mass.slice(first, first + count)),
        bits(whole.sum.slice(first * drawn.dv, (first + count) * drawn.dv)),
      ])
    },
  )

  test.prop([shape, fc.nat(59), fc.integer({ min: 1, max: 4 })], { seed: 12, numRuns: 150 })(
    'in order, one to four rows are those of a longer call',
    (drawn, at, count) => {
      const rows = drawn.rows + 4
      const whole = block({ ...drawn, rows })
      simd.attend(whole)
      const first = Math.min(at, rows - count)
      const some = { ...block({ ...drawn, rows: count }), queries: whole.queries.subarray(first * drawn.d) }
      simd.attend({ ...some, causal: { visible: drawn.offset + first, groups: 1 }, inOrder: true })
      expect(state(some)).toEqual([
        bits(whole.max.slice(first, first + count)),
        bits(whole.mass.slice(first, first + count)),
        bits(whole.sum.slice(first * drawn.dv, (first + count) * drawn.dv)),
      ])
    },
  )

  test.prop([shape], { seed: 11, numRuns: 60 })('one row alone agrees to 1e-6', (drawn) => {
    const whole = block({ ...drawn, rows: drawn.rows + 4 })
    simd.attend(whole)
    const alone = block({ ...drawn, rows: 1 })
    simd.attend({ ...alone, queries: whole.queries })
    const size = (block: PlainBlock) => block.sum.slice(0, drawn.dv).map((x) => (x === 0 ? 0 : x / block.mass[0]))
    expect(worst(size(alone), size(whole), () => 1)).toBeLessThan(2e-6)
  })
})
