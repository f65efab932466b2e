// What keys receive of the softmax of some rows, against the sum in float64. Kills: a scale or bias left out or applied twice, a mass taken for
// its logarithm, shares above 1/mass of keys that a row did not see, a row without mass, a mask off by one row or key (one share of some 20),
// lanes past the last key added to their neighbours, sums that depend on how the rows were cut,
// scores left by attention that lack the bias, lie in another row's place, or are of weights.
import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import { scalarKernels, simdKernels } from './all-kernels'
import { bits, numbers, place } from './oracle'

const D = 6

const shape = fc.record({
  rows: fc.integer({ min: 0, max: 40 }),
  cols: fc.constantFrom(0, 1, 2, 3, 4, 5, 7, 64, 257, 3000),
  visible: fc.option(fc.integer({ min: -3, max: 70 }), { nil: undefined }),
  groups: fc.integer({ min: 1, max: 3 }),
  weighted: fc.boolean(),
  cut: fc.integer({ min: 0, max: 40 }),
  seed: fc.nat(1e6),
})

describe.each([simdKernels(), scalarKernels])('addShares, $name', (kernels) => {
  test.prop([shape, fc.boolean()], { seed: 81, numRuns: 150 })(
    'adds e^min(0, logit − max) / mass of every row that sees the key, however rows are cut',
    ({ rows, cols, visible, groups, weighted, cut, seed }, asResident) => {
      const scale = 0.3
      const [queries, keys] = [numbers(seed, rows * D, 4), numbers(seed + 2, cols * D, 4)]
      const biases = numbers(seed + 1, cols, 2)
      const max = Float32Array.from({ length: rows }, (_, r) => (r % 7 === 3 ? -Infinity : 4 + (r % 5)))
      const mass = Float64Array.from({ length: rows }, (_, r) => (r % 7 === 3 ? 0 : 0.5 + r))
      const before = Float64Array.from({ length: cols }, (_, j) => j / 8)
      const run = (...cuts: readonly number[]) => {
        const out = before.slice()
        for (const [i, from] of cuts.slice(0, -1).entries()) {
          const to = cuts[i + 1]
          kernels.addShares(out, {
            queries: place(kernels, queries.slice(from * D, to * D), asResident).operand,
            keys: place(kernels, keys, asResident).operand,
            max: max.subarray(from, to),
            mass: mass.subarray(from, to),
            ...(weighted && { bias: place(kernels, biases, asResident).operand }),
            rows: to - from,
            d: D,
            cols,
            scale,
            ...(visible !== undefined && { causal: { visible: visible + from / groups, groups } }),
          })
        }
        return out
      }
      const sees = (r: number, j: number) => visible === undefined || j < visible + Math.floor(r / groups)
      const got = run(0, rows)
      for (let j = 0; j < cols; j++) {
        let wanted = before[j]
        for (let r = 0; r < rows; r++) {
          let dot = 0
          for (let c = 0; c < D; c++) dot += queries[r * D + c] * keys[j * D + c]
          const logit = scale * dot + (weighted ? biases[j] : 0)
          if (mass[r] > 0 && sees(r, j)) wanted += Math.exp(Math.min(0, logit - max[r])) / mass[r]
        }
        expect(Math.abs(got[j] - wanted)).toBeLessThan(1e-5 * (wanted - before[j]) + 1e-12)
      }
      const middle = Math.min(rows, cut - (cut % groups))
      expect(bits(run(0, middle, rows))).toEqual(bits(got))
    },
  )
})

test.prop(
  [
    fc.record({
      rows: fc.integer({ min: 1, max: 4 }),
      cols: fc.constantFrom(1, 3, 4, 63, 64, 65, 300, 4096, 4100, 9000),
      d: fc.constantFrom(3, 16, 32, 33),
      weighted: fc.boolean(),
      seed: fc.nat(1e6),
    }),
  ],
  { seed: 82, numRuns: 60 },
)(
  'scores that attention in order leaves give the bits that keys give, and change no answer',
  ({ rows, cols, d, weighted, seed }) => {
    const kernels = simdKernels()
    const operands = {
      queries: numbers(seed, rows * d, 4),
      keys: numbers(seed + 1, cols * d, 4),
      ...(weighted && { bias: numbers(seed + 2, cols, 2) }),
    }
    const scoreRow = (cols + 63) & -64
    const scores = kernels.floats(rows * scoreRow)
    const answer = (given: object) => {
      const [max, mass, sum] = [
        new Float32Array(rows).fill(-Infinity),
        new Float64Array(rows),
        new Float32Array(rows * d),
      ]
      const own = { ...operands, values: operands.keys, rows, keyCount: cols, d, dv: d, scale: 0.3 }
      kernels.attend({ ...own, inOrder: true, max, mass, sum, ...given })
      return { max, mass, sum }
    }
    const { max, mass, sum } = answer({})
    const kept = answer({ scores, scoreRow })
    expect([kept.max, kept.mass, kept.sum].map((part) => [...part])).toEqual([max, mass, sum].map((part) => [...part]))
    const shares = (given: object) => {
      const out = new Float64Array(cols)
      kernels.addShares(out, { ...operands, rows, cols, d, scale: 0.3, max, mass, ...given })
      return out
    }
    expect(bits(shares({ keys: new Float32Array(0), scores, scoreRow }))).toEqual(bits(shares({})))
  },
)
