// Attention over codes: the same bits from both kernels, and what float64 gives over the numbers that the codes stand for, within the bound that the
// roundings of queries and weights allow. Kills: a shift of the levels left out of scores or sums, codes taken for unsigned, nibbles in
// another order than the query, weights rounded before the steps, a maximum that hidden keys raise, a row of an odd count mixed twice,
// sums that overflow 32 bits at wide rows (the largest query is smaller there), a block's unit used for the next; of four rows that are answered together: a row
// with another's limit or unit, weights that a longer row left, the bias of the first block for all, an odd count without its last token.
import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { scalarKernels, simdKernels, type Kernels } from './all-kernels'
import { codedTokens, levels, type CodedShape } from './codes'
import { bits, numbers, visible } from './oracle'

const shape = fc.record({
  rows: fc.integer({ min: 1, max: 9 }),
  count: fc.integer({ min: 1, max: 300 }),
  d: fc.constantFrom(1, 3, 8, 16, 31, 32, 33, 64, 100, 128),
  dv: fc.constantFrom(1, 5, 16, 31, 32, 33, 64),
  keyBits: fc.integer({ min: 2, max: 8 }),
  valueBits: fc.integer({ min: 2, max: 8 }),
  offset: fc.option(fc.integer({ min: -3, max: 310 }), { nil: undefined }),
  size: fc.constantFrom(0.01, 1, 8),
  biased: fc.boolean(),
  seed: fc.nat(1e6),
})
type Shape = typeof shape extends fc.Arbitrary<infer S> ? S : never

function asked(kernels: Kernels, given: Shape) {
  const { rows, count, d, dv, offset, biased, seed, size } = given
  const tokens = codedTokens(kernels, given)
  return {
    tokens,
    block: {
      queries: numbers(seed + 2, rows * d, size),
      keys: tokens.keys,
      values: tokens.values,
      ...(biased && { bias: numbers(seed + 3, count, 2) }),
      rows,
      keyCount: count,
      d,
      dv,
      scale: 1 / Math.sqrt(d),
      ...(offset !== undefined && { causal: { visible: offset, groups: 2 } }),
      max: new Float32Array(rows).fill(-Infinity),
      mass: new Float64Array(rows),
      sum: new Float32Array(rows * dv),
    },
  }
}

const state = ({ max, mass, sum }: { max: Float32Array; mass: Float64Array; sum: Float32Array }) => [
  bits(max),
  bits(mass),
  bits(sum),
]

describe('attendCodes', () => {
  test.prop([shape], { seed: 91, numRuns: 300 })('gives the same bits from both kernels', (given) => {
    const [one, other] = [simdKernels(), scalarKernels].map((kernels) => {
      const { block } = asked(kernels, given)
      kernels.attendCodes(block)
      return state(block)
    })
    expect(one).toEqual(other)
  })

  test.prop([shape], { seed: 92, numRuns: 150 })(
    'is attention over what the codes stand for, within its bound',
    (given) => {
      const { block, tokens } = asked(simdKernels(), given)
      simdKernels().attendCodes(block)
      const { rows, count, d, dv, keyBits, valueBits } = given
      const { scale } = block
      const rowAt = (t: number, packed: typeof block.keys, width: number) =>
        levels(tokens.data, packed.offset + t * packed.stride, packed.bits, width)
      const most = Math.min(32767, Math.floor((2 ** 31 - 1) / (2 ** (keyBits - 1) * d)))
      for (let r = 0; r < rows; r++) {
        const seen = visible(block, r)
        if (seen === 0) {
          expect(block.mass[r]).toBe(0)
          continue
        }
        const query = block.queries.subarray(r * d, (r + 1) * d)
        const unit = (scale * query.reduce((top, x) => Math.max(top, Math.abs(x)), 0)) / most
        const sumOfQuery = query.reduce((sum, x) => sum + Math.abs(x), 0)
        let off = 0 // the largest error of a score
        const scores = Array.from({ length: seen }, (_, t) => {
          const key = rowAt(t, block.keys, d)
          const dot = key.reduce((sum, x, i) => sum + x * query[i], 0)
          const largest = key.reduce((top, x) => Math.max(top, Math.abs(x)), 0)
          off = Math.max(
            off,
            (unit / 2) * key.reduce((sum, x) => sum + Math.abs(x), 0) + 2 ** -20 * scale * sumOfQuery * largest,
          )
          return dot * scale + (block.bias ? block.bias[t] : 0)
        })
        const top = Math.max(...scores)
        off += 2 ** -22 * (1 + Math.abs(top))
        const weights = scores.map((score) => Math.exp(score - top))
        const mass = weights.reduce((a, b) => a + b)
        const values = scores.map((_, t) => rowAt(t, block.values, dv))
        expect(Math.abs(block.max[r] - top)).toBeLessThanOrEqual(off)
        const grain = new Float64Array(dv) // what the rounding of weights may add
        for (let first = 0; first < seen; first += 64) {
          let largest = 0
          const codes = new Float64Array(dv)
          for (let t = first; t < Math.min(seen, first + 64); t++) {
            const at = block.values.offset + t * block.values.stride
            const step = new Float32Array(
              Uint32Array.of(Math.floor((tokens.data[at] + 256 * tokens.data[at + 1]) / 8) * 2 ** 18).buffer,
            )[0]
            largest = Math.max(largest, weights[t] * step)
            for (let c = 0; c < dv; c++) codes[c] += step > 0 ? Math.abs(values[t][c]) / step : 0
          }
          for (let c = 0; c < dv; c++) grain[c] += ((largest * Math.exp(off)) / 65534) * (codes[c] + 1) * 1.001
        }
        for (let c = 0; c < dv; c++) {
          const answer = weights.reduce((sum, w, t) => sum + w * values[t][c], 0) / mass
          const size = weights.reduce((sum, w, t) => sum + w * Math.abs(values[t][c]), 0) / mass
          const bound = (Math.exp(2 * off) - 1 + 2 ** -19) * 2 * size + grain[c] / mass
          expect(Math.abs(block.sum[r * dv + c] / block.mass[r] - answer)).toBeLessThanOrEqual(
            bound * Math.exp(off) + 1e-30,
          )
        }
        expect(valueBits).toBe(block.values.bits)
        expect(seen).toBeLessThanOrEqual(count)
      }
    },
  )

  test.prop([shape, fc.nat(4), fc.nat(8)], { seed: 93, numRuns: 150 })(
    'gives a row the same bits alone, without the keys that it does not see, and cut at a multiple of 64',
    (given, blocks, at) => {
      const kernels = simdKernels()
      const { block } = asked(kernels, given)
      kernels.attendCodes(block)
      const row = at % given.rows
      const seen = visible(block, row)
      const alone = {
        ...block,
        queries: block.queries.slice(row * given.d, (row + 1) * given.d),
        rows: 1,
        max: Float32Array.of(-Infinity),
        mass: new Float64Array(1),
        sum: new Float32Array(given.dv),
      }
      const { causal: _, ...free } = alone
      const cut = Math.min(seen, 64 * blocks)
      kernels.attendCodes({ ...free, keyCount: cut })
      const later = (packed: typeof block.keys) => ({ ...packed, offset: packed.offset + cut * packed.stride })
      kernels.attendCodes({
        ...free,
        keys: later(block.keys),
        values: later(block.values),
        ...(block.bias && { bias: block.bias.subarray(cut) }),
        keyCount: seen - cut,
      })
      expect(state(free)).toEqual([
        bits(block.max.slice(row, row + 1)),
        bits(block.mass.slice(row, row + 1)),
        bits(block.sum.slice(row * given.dv, (row + 1) * given.dv)),
      ])
    },
  )

  it.each([2, 3, 4, 8])('does not overflow at the widest rows of equal signs, %i bits', (keyBits) => {
    const given: CodedShape = { count: 5, d: 3000, dv: 2, keyBits, valueBits: 8, seed: 1 }
    for (const kernels of [simdKernels(), scalarKernels]) {
      const { keys, values, data } = codedTokens(kernels, given)
      const all = keys.codes.read()
      for (let t = 0; t < 5; t++) {
        const from = keys.offset + t * keys.stride
        all.fill(
          keyBits === 8 ? 128 : keyBits === 4 ? 0x88 : keyBits === 2 ? 0xaa : 0,
          from + 2,
          from + 2 + (3000 * keyBits) / 8,
        )
        if (keyBits === 3)
          for (let i = 0; i < 1125; i++) all[from + 2 + i] = [0b00100100, 0b01001001, 0b10010010][i % 3]
        all[from] = 0
        all[from + 1] = 0x3f
      }
      keys.codes.write(all)
      const queries = new Float32Array(3000).fill(1)
      const state = { max: Float32Array.of(-Infinity), mass: new Float64Array(1), sum: new Float32Array(2) }
      kernels.attendCodes({ queries, keys, values, rows: 1, keyCount: 5, d: 3000, dv: 2, scale: 1 / 3000, ...state })
      const wanted = levels(all, 0, keyBits, 1)[0]
      expect(Math.abs(state.max[0] / wanted - 1)).toBeLessThan(1e-4)
      expect(data.length).toBe(all.length)
    }
  })

  it('counts values too small for their inverse as 0, and a query of zeros alike for all', () => {
    for (const kernels of [simdKernels(), scalarKernels]) {
      const { keys, values } = codedTokens(kernels, { count: 70, d: 4, dv: 3, keyBits: 8, valueBits: 8, seed: 3 })
      kernels.pack(values, 0, new Float64Array(70 * 3).fill(2 ** -118), 70, 3, new Float64Array(8).fill(1))
      const state = { max: Float32Array.of(-Infinity), mass: new Float64Array(1), sum: new Float32Array(3) }
      kernels.attendCodes({
        queries: new Float32Array(4),
        keys,
        values,
        rows: 1,
        keyCount: 70,
        d: 4,
        dv: 3,
        scale: 1,
        ...state,
      })
      expect([state.max[0], state.mass[0], ...state.sum]).toEqual([0, 70, 0, 0, 0])
    }
  })
})
