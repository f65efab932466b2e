// What keys receive of the softmax of some rows, against the sum in float64. Kills: a scale or bias left out or applied twice, a mass taken for
// its logarithm, shares above 1/mass of keys that a row did not see, a row without mass, a mask off by one row or key (one share of some 20),
// lanes past the last key added to their neighbours, sums that depend on how the rows were cut.
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
