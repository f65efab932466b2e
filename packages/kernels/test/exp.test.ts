// Kills: one coefficient of the polynomial off in its 5th digit, ln 2 in one part, wrong ends of the range (0, ∞, NaN between),
// a tail of 1–3 entries that is skipped or overruns, a softmax step that forgets the old maximum or the old mass.
import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { scalarKernels, simdKernels } from './all-kernels'
import { numbers, place, worst } from './oracle'

const SMALLEST = 2 ** -126 // of the normal numbers
const LARGEST = (2 - 2 ** -23) * 2 ** 127

describe.each([simdKernels(), scalarKernels])('exp of the $name kernels', (kernels) => {
  it('has a relative error of at most 2e-7 over the whole range (1e-6 is promised)', () => {
    const x = Float32Array.from({ length: 400_001 }, (_, i) => -105 + i * 5e-4)
    const out = new Float32Array(x.length)
    kernels.exp(out, x, x.length)
    let most = 0
    x.forEach((value, i) => {
      const want = Math.exp(value)
      if (want > LARGEST) expect(out[i]).toBe(Infinity)
      else if (want < SMALLEST) expect(out[i]).toBeLessThanOrEqual(SMALLEST)
      else most = Math.max(most, Math.abs(out[i] / want - 1))
    })
    expect(most).toBeLessThan(2e-7)
  })

  it('is exact where it can be', () => {
    const out = new Float32Array(6)
    kernels.exp(out, Float32Array.of(0, -0, -Infinity, Infinity, -1000, 1000), 6)
    expect(out).toEqual(Float32Array.of(1, 1, 0, Infinity, 0, Infinity))
    const ends = Float32Array.of(88.72283, 88.72284, -87.33654)
    kernels.exp(ends, ends, 3)
    expect(ends[0]).toBeGreaterThan(3.4e38)
    expect(ends.subarray(0, 2)).toEqual(Float32Array.of(ends[0], Infinity))
    expect(ends[2]).toBeGreaterThan(1.1754e-38)
  })

  test.prop([fc.integer({ min: 0, max: 50 }), fc.boolean(), fc.boolean(), fc.nat(1e6)], { seed: 12, numRuns: 60 })(
    'works for any count, in place too',
    (count, resident, inPlace, seed) => {
      const x = numbers(seed, count, 50)
      const from = place(kernels, x.slice(), resident)
      const to = inPlace ? from : place(kernels, new Float32Array(count), !resident)
      kernels.exp(to.operand, from.operand, count)
      expect(worst(to.result(), x.map(Math.exp), (i) => Math.exp(x[i]))).toBeLessThan(1e-6)
    },
  )

  it('passes long arrays through its scratch', () => {
    const x = numbers(13, 200_003, 10)
    const out = new Float32Array(x.length + 1)
    kernels.exp(out, x, x.length)
    expect(worst(out.subarray(0, x.length), x.map(Math.exp), (i) => Math.exp(x[i]))).toBeLessThan(1e-6)
    expect(out[x.length]).toBe(0)
  })
})

describe.each([simdKernels(), scalarKernels])('softmaxStep of the $name kernels', (kernels) => {
  const sizes = [
    fc.integer({ min: 0, max: 9 }),
    fc.integer({ min: 1, max: 600 }),
    fc.integer({ min: 0, max: 15 }),
    fc.nat(1e6),
  ] as const
  test.prop([...sizes], { seed: 14, numRuns: 80 })(
    'is one step of the online softmax',
    (rows, cols, resident, seed) => {
      const start = numbers(seed, rows * cols, 40)
      const max = numbers(seed + 1, rows, 60).map((x, r) => (r % 3 === 2 ? -Infinity : x))
      const mass = Float64Array.from(max, (x) => (x === -Infinity ? 0 : 1.5))
      start.forEach((x, i) => (start[i] = i % 7 === 0 ? -Infinity : x))
      if (rows > 2) start.fill(-Infinity, 2 * cols, 3 * cols) // a row that was empty and stays empty
      const scores = place(kernels, start.slice(), (resident & 1) > 0)
      const tops = place(kernels, max.slice(), (resident & 2) > 0)
      const masses = place(kernels, mass.slice(), (resident & 4) > 0)
      const factors = place(kernels, new Float32Array(rows), (resident & 8) > 0)
      kernels.softmaxStep(scores.operand, tops.operand, masses.operand, factors.operand, rows, cols)
      for (let r = 0; r < rows; r++) {
        const row = [...start.subarray(r * cols, (r + 1) * cols)]
        const top = row.reduce((x, y) => Math.max(x, y), max[r])
        const weights = row.map((x) => (top === -Infinity ? 0 : Math.exp(x - top)))
        const factor = max[r] === -Infinity ? 1 : Math.exp(max[r] - top)
        expect(tops.result()[r]).toBe(top)
        expect(worst([factors.result()[r]], [factor], () => factor)).toBeLessThan(factor < SMALLEST ? 2 : 1e-5)
        const got = scores.result().subarray(r * cols, (r + 1) * cols)
        expect(worst(got, weights, (i) => weights[i] + SMALLEST * 1e6)).toBeLessThan(1e-5)
        const total = weights.reduce((x, y) => x + y, mass[r] * factor)
        expect(worst([masses.result()[r]], [total], () => total + SMALLEST * 1e6)).toBeLessThan(1e-5)
      }
    },
  )
})
