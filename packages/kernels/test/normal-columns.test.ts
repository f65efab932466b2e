// Normal numbers: SIMD = scalar bit for bit, and the scalar's logarithm and inverse distribution function against series in BigInt.
// Kills: a coefficient wrong in its twelfth digit, a wrong lane behind a compaction mask, a carry of j lost at 2^32, the last columns
// or rows dropped or written beside `out`, a sign lost in a tail, a series cut at s¹⁵.
import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { scalarKernels, simdKernels, type Kernels } from './all-kernels'
import { lnTail, normal } from '../src/scalar/normal-columns'
import { bits, place, words } from './oracle'

const run = (kernels: Kernels, rows: number, count: number, first: number, unit: number, resident: boolean) => {
  const out = place(kernels, new Float32Array(rows * count).fill(7), resident)
  kernels.normalColumns(out.operand, [0x89abcdef, 0x01234567], 5, first, rows, count, unit)
  return out.result()
}

describe('normalColumns', () => {
  const first = fc.oneof(
    fc.nat(1000),
    fc.integer({ min: -80, max: 3 }).map((x) => 2 ** 32 + x),
    fc.integer({ min: -80, max: 3 }).map((x) => 5 * 2 ** 32 + x),
    fc.nat(900).map((x) => 2 ** 53 - 1000 + x),
  )
  test.prop([fc.integer({ min: 0, max: 70 }), fc.integer({ min: 0, max: 70 }), first, fc.boolean()], {
    seed: 31,
    numRuns: 200,
  })('gives the same bits from both kernels', (rows, count, first, resident) => {
    const got = bits(run(simdKernels(), rows, count, first, 0.3, resident))
    const wanted = bits(run(scalarKernels, rows, count, first, 0.3, resident))
    expect([got.length, got.findIndex((word, i) => word !== wanted[i])]).toEqual([rows * count, -1])
  })

  it.each([
    [5, 20_001],
    [1100, 64],
    [9, 16_384],
  ])('cuts long rows and many of them: %i × %i', (rows, count) => {
    const got = bits(run(simdKernels(), rows, count, 2 ** 32 - 9000, 1, false))
    const wanted = bits(run(scalarKernels, rows, count, 2 ** 32 - 9000, 1, false))
    expect(got.findIndex((word, i) => word !== wanted[i])).toBe(-1)
  })

  // Counters found by search: the two extreme words, and the four beside the border of the formulas.
  it.each([
    [3, 543973085, 0],
    [0, 1678482452, 4294967295],
    [1, 158628867, 3972844748],
    [2, 1200445694, 3972844749],
    [0, 1711958146, 322122547],
    [0, 1334516428, 322122546],
  ])('row %i, column %i is the number of word %i', (row, first, word) => {
    for (const kernels of [simdKernels(), scalarKernels]) {
      const out = new Float32Array(32)
      kernels.normalColumns(out, [1, 0], 0x67617573, first, 4, 8, 2)
      expect(out[row * 8]).toBe(Math.fround(2 * normal(word)))
    }
  })

  it('is a function of the entry alone, and of every part of the counter and the key', () => {
    const whole = run(simdKernels(), 12, 40, 100, 1, false)
    const part = run(simdKernels(), 9, 3, 117, 1, false)
    for (let r = 0; r < 9; r++) for (let c = 0; c < 3; c++) expect(part[r * 3 + c]).toBe(whole[r * 40 + c + 17])
    expect(new Set(whole).size).toBe(480)
    for (const [key, stream] of [
      [[0x89abcdee, 0x01234567], 5],
      [[0x89abcdef, 0x01234566], 5],
      [[0x89abcdef, 0x01234567], 4],
    ] as const) {
      const other = new Float32Array(480)
      simdKernels().normalColumns(other, key, stream, 100, 12, 40, 1)
      expect(other.filter((x, i) => x === whole[i]).length).toBe(0)
    }
  })
})

// Fixed point with 200 bits.
const BITS = 200n
const ONE = 1n << BITS
const times = (a: bigint, b: bigint) => (a * b) >> BITS
/** A double, exactly. */
function fixed(x: number): bigint {
  let shift = 0
  while (!Number.isInteger(x)) {
    x *= 2
    shift++
  }
  return (BigInt(x) << BITS) >> BigInt(shift)
}
const toNumber = (x: bigint) => Number((x * (1n << 150n)) >> BITS) / 2 ** 150
function exp(x: bigint): bigint {
  let [sum, term] = [ONE, ONE]
  for (let i = 1n; term !== 0n && term !== -1n; i++) sum += term = times(term, x) / i
  return sum
}
const PI = fixed(3) + (ONE * 1415926535897932384626433832795028841971693993751058209749445923n) / 10n ** 64n
function root(x: bigint): bigint {
  let r = ONE * 3n
  for (let i = 0; i < 30; i++) r = (r + (x * ONE) / r) / 2n
  return r
}
const ROOT_2PI = root(2n * PI)
/** Φ(z) − ½ = φ(z)·Σ z^{2k+1}/(1·3·…·(2k + 1)). */
function distribution(z: number): { above: bigint; density: bigint } {
  const at = fixed(z)
  const square = times(at, at)
  const density = (exp(-square / 2n) * ONE) / ROOT_2PI
  let [sum, term] = [at, at]
  for (let k = 3n; term !== 0n && term !== -1n; k += 2n) sum += term = times(term, square) / k
  return { above: times(density, sum), density }
}

describe('the scalar reference', () => {
  const next = words(3)
  const edges = [0, 1, 2, 3, 100, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32 - 2]
  const border = [-1825361103, -1825361102, -1825361101, -1825361100, 1825361099, 1825361100, 1825361101, 1825361102]
  const sample = [...edges, ...border.map((s) => s + 2 ** 31), ...Array.from({ length: 1500 }, next)]
  const smallest = Array.from({ length: 400 }, (_, i) => Math.floor(1.05 ** i)).filter((w) => w < 2 ** 28)

  it('inverts the normal distribution function to a relative 8e-16', () => {
    let worst = 0
    for (const word of [...sample, ...smallest]) {
      const z = normal(word)
      const { above, density } = distribution(z)
      const wanted = (BigInt(2 * word + 1) << (BITS - 33n)) - ONE / 2n // u − ½
      worst = Math.max(worst, Math.abs(toNumber(((above - wanted) * ONE) / density) / z))
    }
    expect(worst).toBeLessThan(8e-16) // measured: 6.4e-16
    expect(worst).toBeGreaterThan(1e-17)
  })

  it('is odd, increasing, at most 6.34, and the same for signed words', () => {
    expect(normal(0)).toBe(-normal(0xffffffff))
    expect(normal(0xffffffff)).toBeCloseTo(6.337957754553788, 14)
    const sorted = sample.toSorted((a, b) => a - b)
    for (const [i, word] of sorted.entries()) {
      expect(normal(word)).toBe(-normal(0xffffffff - word))
      expect(normal(word | 0)).toBe(normal(word))
      if (i > 0 && word > sorted[i - 1]) expect(normal(word)).toBeGreaterThan(normal(sorted[i - 1]))
    }
  })

  it('takes logarithms to a relative 4e-16', () => {
    let worst = 0
    for (const k of [...smallest, ...Array.from({ length: 500 }, () => next() >>> 4)]) {
      const ln = lnTail(k)
      const p = BigInt(2 * k + 1) << (BITS - 33n)
      worst = Math.max(worst, Math.abs(toNumber((exp(fixed(ln)) * ONE) / p - ONE) / ln))
    }
    expect(worst).toBeLessThan(4e-16)
    expect(worst).toBeGreaterThan(1e-17)
  })
})
