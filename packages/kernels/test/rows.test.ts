// Kills: sums in float32, columns beyond a multiple of 4 or 8 dropped, `out` overwritten where it is added to (columnSums) or
// added to where it is written (dotRows), weights of the wrong row, a wide row cut at 65536 whose parts are not joined,
// a maximum that loses NaN, the sign bit, the last lanes or the chunks before.
import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { scalarKernels, simdKernels } from '../src/index'
import { numbers, place, worst } from './oracle'

const sizes = [
  fc.integer({ min: 0, max: 40 }),
  fc.integer({ min: 0, max: 70 }),
  fc.integer({ min: 0, max: 7 }),
  fc.nat(1e6),
] as const

describe.each([simdKernels(), scalarKernels])('row kernels, $name', (kernels) => {
  test.prop([...sizes], { seed: 19, numRuns: 100 })('dotRows is ⟨row, x⟩ in float64', (rows, inner, resident, seed) => {
    const a = numbers(seed, rows * inner)
    const x = Float64Array.from(numbers(seed + 1, inner), (v) => v / 3)
    const out = place(kernels, new Float64Array(rows).fill(9), (resident & 1) > 0)
    const left = place(kernels, a, (resident & 2) > 0).operand
    const right = place(kernels, x, (resident & 4) > 0).operand
    kernels.dotRows(out.operand, left, right, rows, inner)
    const want = Array.from({ length: rows }, (_, r) => x.reduce((sum, v, i) => sum + v * a[r * inner + i], 0))
    expect(worst(out.result(), want, () => 1)).toBeLessThan(1e-13)
  })

  test.prop([...sizes, fc.boolean()], { seed: 20, numRuns: 100 })(
    'columnSums adds in float64',
    (rows, cols, resident, seed, weighted) => {
      const a = numbers(seed, rows * cols)
      const weights = numbers(seed + 1, rows)
      const start = Float64Array.from(numbers(seed + 2, cols), (v) => v / 3)
      const out = place(kernels, start.slice(), (resident & 1) > 0)
      const from = place(kernels, a, (resident & 2) > 0).operand
      kernels.columnSums(out.operand, from, rows, cols, ...(weighted ? [weights] : []))
      const want = start.map((x, c) => {
        for (let r = 0; r < rows; r++) x += (weighted ? weights[r] : 1) * a[r * cols + c]
        return x
      })
      expect(worst(out.result(), want, () => 1)).toBeLessThan(1e-13)
    },
  )

  test.prop([...sizes], { seed: 21, numRuns: 60 })('addScaled adds a multiple', (rows, cols, resident, seed) => {
    const start = numbers(seed, rows * cols)
    const x = numbers(seed + 1, rows * cols)
    const out = place(kernels, start.slice(), (resident & 1) > 0)
    kernels.addScaled(out.operand, place(kernels, x, (resident & 2) > 0).operand, 0.3, rows * cols)
    expect(
      worst(
        out.result(),
        start.map((v, i) => v + 0.3 * x[i]),
        () => 1,
      ),
    ).toBeLessThan(1e-6)
  })

  test.prop([fc.integer({ min: 0, max: 300 }), fc.nat(1e6), fc.nat(2), fc.boolean()], { seed: 23, numRuns: 200 })(
    'largestMagnitude is max |x|, ∞ and NaN included, wherever it stands',
    (count, seed, special, resident) => {
      const x = numbers(seed, count + 1).map((v) => (v < 0 ? v * 1e-40 : -v))
      if (special > 0) x[seed % (count + 1)] = special === 1 ? NaN : -Infinity
      const operand = place(kernels, x, resident).operand
      const part = [...x.subarray(0, count)]
      const want = part.some(Number.isNaN) ? NaN : Math.max(0, ...part.map(Math.abs))
      expect(kernels.largestMagnitude(operand, count)).toBe(want)
    },
  )

  it('cuts wide and long operands', () => {
    const late = new Float32Array(70_000)
    late[69_999] = -2
    expect(kernels.largestMagnitude(late, 70_000)).toBe(2)
    late[3] = NaN
    expect(kernels.largestMagnitude(late, 70_000)).toBeNaN()
    const [rows, cols] = [3, 70_003]
    const a = numbers(22, rows * cols)
    const ones = new Float64Array(cols).fill(1)
    const dots = new Float64Array(rows)
    kernels.dotRows(dots, a, ones, rows, cols)
    const want = dots.map((_, r) => a.subarray(r * cols, (r + 1) * cols).reduce((x, y) => x + y, 0))
    expect(worst(dots, want, () => 1)).toBeLessThan(1e-9)
    const sums = new Float64Array(cols)
    kernels.columnSums(sums, a, rows, cols)
    expect(
      worst(
        sums,
        ones.map((_, c) => a[c] + a[cols + c] + a[2 * cols + c]),
        () => 1,
      ),
    ).toBeLessThan(1e-13)
    const twice = a.slice()
    kernels.addScaled(twice, a, 1, a.length)
    expect(twice).toEqual(a.map((x) => 2 * x))
  })
})
