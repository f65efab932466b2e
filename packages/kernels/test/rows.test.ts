// Kills: an operand cut at 65536 whose parts are lost, a factor applied to the wrong operand,
// a maximum that loses NaN, the sign bit, the last lanes or the chunks before.
import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { scalarKernels, simdKernels } from './all-kernels'
import { numbers, place, worst } from './oracle'

const sizes = [
  fc.integer({ min: 0, max: 40 }),
  fc.integer({ min: 0, max: 70 }),
  fc.integer({ min: 0, max: 7 }),
  fc.nat(1e6),
] as const

describe.each([simdKernels(), scalarKernels])('row kernels, $name', (kernels) => {
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
    const a = numbers(22, 3 * 70_003)
    const twice = a.slice()
    kernels.addScaled(twice, a, 1, a.length)
    expect(twice).toEqual(a.map((x) => 2 * x))
  })
})
