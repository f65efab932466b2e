// Kills: a swapped form, a wrong stride in any packing, a tile that stores its padding (sentinels), a lost or doubled
// accumulate, an inner dimension cut at 256 whose partial sum is dropped or added twice, FMA or another order of summation.
import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { scalarKernels, simdKernels } from './all-kernels'
import { type ProductForm } from '../src/index'
import { bits, numbers, place, productOracle, worst } from './oracle'

const simd = simdKernels()
const forms: ProductForm[] = ['nn', 'nt', 'tn']
const size = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 40 }) },
  { weight: 2, arbitrary: fc.constantFrom(16, 32, 64, 128, 100) },
  { weight: 1, arbitrary: fc.integer({ min: 250, max: 600 }) },
)

describe.each([simd, scalarKernels])('product of the $name kernels', (kernels) => {
  test.prop(
    [
      fc.constantFrom(...forms),
      size,
      size,
      fc.integer({ min: 0, max: 70 }),
      fc.boolean(),
      fc.integer({ min: 0, max: 7 }),
      fc.nat(1e6),
    ],
    { seed: 1, numRuns: 150 },
  )('equals the float64 oracle, operands resident or not', (form, rows, inner, cols, accumulate, resident, seed) => {
    const a = numbers(seed, rows * inner)
    const b = numbers(seed + 1, inner * cols)
    const start = numbers(seed + 2, rows * cols)
    const left = place(kernels, a, (resident & 1) > 0)
    const right = place(kernels, b, (resident & 2) > 0)
    const out = place(kernels, start.slice(), (resident & 4) > 0)
    kernels.product(form, out.operand, left.operand, right.operand, rows, inner, cols, accumulate)
    const { value, size } = productOracle(form, a, b, rows, inner, cols)
    const want = value.map((x, i) => x + (accumulate ? start[i] : 0))
    expect(worst(out.result(), want, (i) => size[i] + Math.abs(start[i]))).toBeLessThan(1e-5)
    expect([left.result(), right.result()]).toEqual([a, b])
  })

  it('touches nothing beyond rows × cols of a longer array', () => {
    const out = new Float32Array(100).fill(7)
    kernels.product('nn', out, numbers(1, 15), numbers(2, 35), 3, 5, 7)
    expect(out.subarray(21)).toEqual(new Float32Array(79).fill(7))
  })
})

describe('product of the simd kernels, bit for bit', () => {
  // One statement that contains independence of every cut: float32 multiply, float32 add, ascending, one addition to out.
  test.prop(
    [
      fc.constantFrom(...forms),
      size,
      size,
      fc.integer({ min: 1, max: 300 }),
      fc.boolean(),
      fc.integer({ min: 0, max: 7 }),
      fc.nat(1e6),
    ],
    { seed: 2, numRuns: 100 },
  )('is the plain float32 sum in ascending order', (form, rows, inner, cols, accumulate, resident, seed) => {
    const a = numbers(seed, rows * inner).map((x) => (Math.abs(x) < 0.3 ? 0 : x)) // sums of −0 are 0
    const b = numbers(seed + 1, inner * cols)
    const start = numbers(seed + 2, rows * cols)
    const want = start.slice()
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < cols; c++) {
        let sum = 0
        for (let k = 0; k < inner; k++) {
          const x = a[form === 'tn' ? k * rows + r : r * inner + k]
          const y = b[form === 'nt' ? c * inner + k : k * cols + c]
          sum = Math.fround(sum + Math.fround(x * y))
        }
        want[r * cols + c] = accumulate ? start[r * cols + c] + sum : sum
      }
    }
    const out = place(simd, start.slice(), (resident & 4) > 0)
    const left = place(simd, a, (resident & 1) > 0).operand
    const right = place(simd, b, (resident & 2) > 0).operand
    simd.product(form, out.operand, left, right, rows, inner, cols, accumulate)
    expect(bits(out.result())).toEqual(bits(want))
  })
})
