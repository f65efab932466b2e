// Columns of sparse sketches and the randomized Hadamard transform, against BigInt and against the definition.
// Kills: a difference of the wrong order, p not taken to 0, a product of 2^61·2^31 that loses bits, `skip` ignored, entries of two
// functions exchanged; a wrong order of the transform's rows, signs of the wrong block, the high word of an index or of j ignored.
import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { scalarKernels, simdKernels, type Kernels } from './all-kernels'
import { bits, numbers, place } from './oracle'

const P = (1n << 61n) - 1n
type Cubic = readonly [bigint, bigint, bigint, bigint]
const at = (c: Cubic, x: bigint) => (c[0] + x * (c[1] + x * (c[2] + x * c[3]))) % P
const value = fc.oneof(fc.bigInt({ min: 0n, max: P - 1n }), fc.constantFrom(0n, 1n, P - 1n, P - 2n))

/** The entries of cubics at keys first + skip …, against their definition. */
function checkCubics(
  kernels: Kernels,
  cubics: readonly Cubic[],
  first: bigint,
  skip: number,
  count: number,
  height: number,
) {
  const s = cubics.length
  const values = Uint32Array.from(
    cubics.flatMap((c) => [0n, 1n, 2n, 3n].flatMap((i) => [at(c, first + i) & 0xffffffffn, at(c, first + i) >> 32n])),
    Number,
  )
  const targets = new Uint32Array(s * count + 1).fill(9)
  const factors = new Float32Array(s * count + 1).fill(9)
  kernels.cubicEntries(targets, factors, values, skip, count, s, Math.floor(height / s) || 1, 0.3)
  const tall = Math.floor(height / s) || 1
  for (let i = 0; i < s * count; i++) {
    const share = Number((at(cubics[i % s], first + BigInt(skip + Math.floor(i / s))) * BigInt(2 * tall)) >> 61n)
    expect([targets[i], factors[i]]).toEqual([
      (i % s) * tall + Math.floor(share / 2),
      Math.fround(share % 2 === 0 ? 0.3 : -0.3),
    ])
  }
  expect([targets[s * count], factors[s * count]]).toEqual([9, 9])
}

describe.each([simdKernels(), scalarKernels])('$name', (kernels) => {
  test.prop(
    [
      fc.array(fc.tuple(value, value, value, value), { minLength: 1, maxLength: 3 }),
      fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 53n - 200n }), fc.constant(0n)),
      fc.integer({ min: 0, max: 5 }),
      fc.integer({ min: 0, max: 130 }),
      fc.oneof(fc.integer({ min: 1, max: 2 ** 30 }), fc.constantFrom(1, 2 ** 30)),
    ],
    { seed: 41, numRuns: 100 },
  )('cubicEntries evaluates cubics mod 2^61 − 1', (...input) => checkCubics(kernels, ...input))

  it('cubicEntries passes through 0', () => {
    const through: Cubic[] = [
      [0n, 0n, 0n, 0n],
      [P - 1n, 0n, 0n, 0n],
      [P - 3n, 1n, 0n, 0n],
      [3n, P - 1n, 0n, 0n],
      [P - 2n, 1n, P - 1n, 1n],
    ]
    for (const cubic of through) checkCubics(kernels, [cubic], 0n, 0, 10, 2 ** 30)
  })

  test.prop(
    [fc.integer({ min: 0, max: 200 }), fc.integer({ min: 0, max: 9 }), fc.integer({ min: 1, max: 5 }), fc.nat()],
    {
      seed: 42,
      numRuns: 60,
    },
  )('hadamardAdd is the transform', (count, width, m, seed) => {
    const first = [seed % 500, 2 ** 32 - (seed % 200), 2 ** 53 - 300 + (seed % 70)][seed % 3]
    const block = numbers(seed, count * width)
    const start = numbers(seed + 1, m * width)
    const blocks = Math.ceil(((first % 64) + count) / 64)
    const signs = Uint32Array.from(numbers(seed + 2, 2 * blocks), (x) => (x * 2 ** 31) >>> 0)
    const indices = Uint32Array.from(numbers(seed + 3, 2 * m), (x, i) => ((x * 2 ** 31) >>> 0) >>> (i % 2 ? 11 : 0))
    const out = place(kernels, start.slice(), seed % 2 === 0)
    kernels.hadamardAdd(
      out.operand,
      place(kernels, block, seed % 5 > 2).operand,
      first,
      count,
      width,
      signs,
      indices,
      0.4,
    )
    const got = out.result()
    for (let r = 0; r < m; r++) {
      const i = (BigInt(indices[2 * r + 1]) << 32n) | BigInt(indices[2 * r])
      for (let c = 0; c < width; c++) {
        let wanted = start[r * width + c]
        for (let b = 0; b < count; b++) {
          const place = (first % 64) + b
          const ones = (i & BigInt(first + b)).toString(2).replaceAll('0', '').length
          const flips = ones + ((signs[place >> 5] >>> (place & 31)) & 1)
          wanted += 0.4 * (flips % 2 === 0 ? 1 : -1) * block[b * width + c]
        }
        expect(Math.abs(got[r * width + c] - wanted)).toBeLessThan(1e-5 * (count + 1))
      }
    }
  })
})

describe('hadamardAdd', () => {
  it.each([
    [1, 64, 64],
    [37, 300, 130],
    [70, 5000, 65],
    [9, 3, 4500],
  ])('gives the same bits from both kernels, width %i, m = %i, %i rows', (width, m, count) => {
    const block = numbers(1, count * width)
    const signs = Uint32Array.from(numbers(2, 2 * Math.ceil((count + 63) / 64)), (x) => (x * 2 ** 31) >>> 0)
    const indices = Uint32Array.from(numbers(3, 2 * m), (x, i) => (i % 2 ? 0 : (x * 2 ** 31) >>> 0))
    const [a, b] = [simdKernels(), scalarKernels].map((kernels) => {
      const out = numbers(4, m * width)
      kernels.hadamardAdd(out, block, 1000, count, width, signs, indices, 1 / Math.sqrt(m))
      return bits(out)
    })
    expect(a).toEqual(b)
  })
})

describe('scatterAdd', () => {
  // A block that reaches more rows than it has falls back to the plain loop: the bits must not tell.
  it('gives the same bits from both kernels', () => {
    const [m, rows, nonzeros, width] = [50, 40, 3, 9]
    const targets = Uint32Array.from(numbers(5, rows * nonzeros), (x) => ((x + 1) * m) / 2)
    const factors = numbers(6, rows * nonzeros)
    const [a, b] = [simdKernels(), scalarKernels].map((kernels) => {
      const out = numbers(7, m * width)
      kernels.scatterAdd(out, numbers(8, rows * width), targets, factors, rows, nonzeros, width)
      return bits(out)
    })
    expect(a).toEqual(b)
  })
})
