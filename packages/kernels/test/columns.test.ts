// Kills: a feature-major block that is not the transpose of the row-major one, a shift applied after the unit, sums that lose
// columns beyond a multiple of 4, 8, 16 or 64, `out` overwritten where it is added to, a table read one feature or one row off.
import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import { scalarKernels, simdKernels } from './all-kernels'
import { numbers, place, words, worst } from './oracle'

describe.each([simdKernels(), scalarKernels])('column kernels, $name', (kernels) => {
  const resident = (values: Float32Array) => {
    const array = kernels.floats(values.length)
    array.write(values)
    return array
  }

  const shape = [
    fc.integer({ min: 0, max: 70 }),
    fc.constantFrom([1, 3, 4], [3, 2, 10], [5, 3, 56]),
    fc.nat(1e6),
  ] as const
  test.prop([...shape], { seed: 25, numRuns: 60 })(
    'monomialColumns is the transpose of monomials',
    (rows, [d, degree, t], seed) => {
      const x = numbers(seed, rows * d)
      const shift = numbers(seed + 1, d)
      const ratios = numbers(seed + 2, t).map((r) => r + 2)
      const columns = kernels.floats(t * rows)
      kernels.monomialColumns(columns, x, shift, 0.5, ratios, rows, d, degree)
      const moved = x.map((v, i) => Math.fround(v - shift[i % d]) * 0.5)
      const features = new Float32Array(rows * t)
      kernels.monomials(features, moved, ratios, rows, d, degree)
      const got = columns.read()
      const turned = features.map((_, i) => got[(i % t) * rows + Math.floor(i / t)])
      expect(worst(turned, features, (i) => Math.abs(features[i]) + 1e-9)).toBeLessThan(1e-5)
    },
  )

  test.prop([fc.integer({ min: 0, max: 70 }), fc.integer({ min: 1, max: 40 }), fc.nat(1e6)], {
    seed: 28,
    numRuns: 80,
  })('monomialTable is earlier features times variables times factors', (rows, t, seed) => {
    const d = 5
    const z = numbers(seed, d * rows, 2)
    const next = words(seed + 1)
    const parents = Uint32Array.from({ length: t }, (_, f) => (f === 0 ? 0 : next() % f))
    const coordinates = Uint32Array.from({ length: t }, () => next() % d)
    const factors = numbers(seed + 2, t).map((x) => x + 1.5)
    const out = place(kernels, new Float32Array(t * rows), true)
    kernels.monomialTable(out.operand as never, resident(z), parents, coordinates, factors, rows)
    /** The product of a feature's chain of variables and factors, in float64, by recursion. */
    const chain = (f: number, r: number): number =>
      f === 0 ? factors[0] : chain(parents[f], r) * z[coordinates[f] * rows + r] * factors[f]
    const want = Float64Array.from({ length: t * rows }, (_, i) => chain(Math.floor(i / rows), i % rows))
    expect(worst(out.result(), want, (i) => Math.abs(want[i]) + 1e-9)).toBeLessThan(1e-5)
  })

  const sizes = [fc.integer({ min: 1, max: 90 }), fc.integer({ min: 1, max: 150 }), fc.nat(1e6)] as const
  test.prop([...sizes], { seed: 26, numRuns: 60 })('dotColumns is xᵀ·a', (inner, cols, seed) => {
    const a = numbers(seed, inner * cols)
    const x = kernels.doubles(inner)
    x.write(Float64Array.from(numbers(seed + 1, inner)))
    const out = new Float64Array(cols).fill(9)
    kernels.dotColumns(out, resident(a), x, inner, cols)
    const want = out.map((_, c) => x.read().reduce((sum, v, i) => sum + v * a[i * cols + c], 0))
    expect(worst(out, want, () => inner)).toBeLessThan(1e-6)
  })

  test.prop([...sizes, fc.boolean()], { seed: 27, numRuns: 60 })(
    'rowSums adds weighted rows',
    (rows, cols, seed, weighted) => {
      const a = numbers(seed, rows * cols)
      const weights = numbers(seed + 1, cols)
      const out = kernels.doubles(rows)
      out.fill(2)
      kernels.rowSums(out, resident(a), rows, cols, ...(weighted ? [weights] : []))
      const want = Array.from({ length: rows }, (_, r) =>
        a.subarray(r * cols, (r + 1) * cols).reduce((sum, v, c) => sum + v * (weighted ? weights[c] : 1), 2),
      )
      expect(worst(out.read(), want, () => cols)).toBeLessThan(1e-6)
    },
  )
})
