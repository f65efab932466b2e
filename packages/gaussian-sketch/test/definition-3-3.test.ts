// Definition 3.3: independent entries of N(0, 1/m). Entries against their counters, an empirical distribution against Φ, moments.
// Kills: a missing 1/√m, words of a counter used twice, rows or columns that share words, a sign lost in the tails, the high word
// of an index ignored, another stream or key order (golden bytes).
import { crc32, philox, sketch, type Matrix, type SketchMatrix } from '@sublinear/core'
import { scalarSketchKernels } from '@sublinear/kernels'
import { describe, expect, it } from 'vitest'
import { gaussianSketch } from '../src'

/** Columns first … first + count − 1 of Ψ, row by row. */
function columns(matrix: SketchMatrix, first: number, count: number): Float32Array {
  const identity: Matrix = { rows: count, cols: count, data: new Float32Array(count * count) }
  for (let i = 0; i < count; i++) identity.data[i * count + i] = 1
  const out = new Float32Array(matrix.m * count)
  matrix.accumulate({ rows: matrix.m, cols: count, data: out }, identity, first)
  return out
}

const digest = (m: number, seed: number | bigint, first: number) =>
  crc32(new Uint8Array(columns(gaussianSketch({ m, seed }), first, 64).buffer)).toString(16)

/** Φ by its series, which has no cancellation: for |z| ≤ 3 good to 1e-15. */
function distribution(z: number): number {
  let [sum, term] = [z, z]
  for (let k = 3; Math.abs(term) > 1e-18; k += 2) sum += term *= (z * z) / k
  return 0.5 + (sum * Math.exp((-z * z) / 2)) / Math.sqrt(2 * Math.PI)
}

describe('Definition 3.3: a Gaussian sketch matrix', () => {
  it('takes entry (r, j) from word r mod 4 of Philox at (⌊r/4⌋, j, high word of j, stream)', () => {
    const [m, seed] = [37, 0xfedcba9876543210n]
    const words = new Uint32Array(4)
    for (const first of [0, 1000, 2 ** 32 - 32, 3 * 2 ** 32 + 77, 2 ** 53 - 65]) {
      const got = columns(gaussianSketch({ m, seed }), first, 64)
      for (let r = 0; r < m; r++) {
        for (let c = 0; c < 64; c++) {
          const j = first + c
          philox(words, 0x76543210, 0xfedcba98, r >> 2, j % 2 ** 32, Math.floor(j / 2 ** 32), 0x67617573)
          const u = (words[r & 3] + 0.5) / 2 ** 32
          const z = got[r * 64 + c] * Math.sqrt(m)
          expect(Math.abs(distribution(z) - u)).toBeLessThan(1e-7)
        }
      }
    }
  })

  it('has the same bits from the scalar reference, and rounds once', () => {
    const [m, seed] = [50, 123]
    const wanted = new Float32Array(m * 64)
    scalarSketchKernels.normalColumns(wanted, [seed, 0], 0x67617573, 640, m, 64, 1 / Math.sqrt(m))
    expect(columns(gaussianSketch({ m, seed }), 640, 64)).toEqual(wanted)
  })

  it('keeps its bytes: golden, per seed', () => {
    const got = [digest(4, 1, 0), digest(100, 1, 64), digest(33, 2n ** 64n - 1n, 2 ** 40), digest(33, 7, 2 ** 53 - 65)]
    expect(got).toEqual(['c29cb247', 'aaccf568', 'c410e574', '6c6a2222'])
  })

  // 2^23 entries. Five standard errors each; Massart: P[sup|F_n − F| > 2.8/√n] ≤ 2e^{−2·2.8²} < 4e-7. False alarms: 6e-7 a moment. Misses (normal): neighbours that share words below 1e-9,
  // entries that are a hundredth too large below 1e-9 (41 standard errors), 1/√(m − 1) for 1/√m, which is 0.05 % here, 0.999: the first test has every entry by itself.
  it('has normal entries: mean, variance, kurtosis, neighbours, distribution', () => {
    const [m, count] = [1024, 64]
    const grid = Array.from({ length: 61 }, (_, i) => -3 + i / 10)
    const below = new Float64Array(grid.length)
    let [n, sum, square, fourth, down, across] = [0, 0, 0, 0, 0, 0]
    for (let block = 0; block < 128; block++) {
      const z = columns(gaussianSketch({ m, seed: block % 2 }), block * 64, count)
      for (let i = 0; i < z.length; i++) {
        const x = (z[i] *= 32)
        sum += x
        square += x * x
        fourth += x ** 4
        if (i >= count) down += x * z[i - count]
        if (i % count > 0) across += x * z[i - 1]
        below[Math.max(0, Math.min(60, Math.ceil((x + 3) * 10)))] += x <= 3 ? 1 : 0
      }
      n += z.length
    }
    expect(Math.abs(sum / n)).toBeLessThan(5 / Math.sqrt(n))
    expect(Math.abs(square / n - 1)).toBeLessThan(5 * Math.sqrt(2 / n))
    expect(Math.abs(fourth / n - 3)).toBeLessThan(5 * Math.sqrt(96 / n))
    expect(Math.abs(down / n)).toBeLessThan(5 / Math.sqrt(n))
    expect(Math.abs(across / n)).toBeLessThan(5 / Math.sqrt(n))
    let total = 0
    for (const [i, z] of grid.entries()) {
      total += below[i]
      expect(Math.abs(total / n - distribution(z))).toBeLessThan(2.8 / Math.sqrt(n))
    }
  })

  it('costs nothing to describe, however long the stream', () => {
    const [short, long] = [gaussianSketch({ m: 8, seed: 1 }), gaussianSketch({ m: 8, seed: 1 })]
    sketch(long, 1).update(2 ** 53 - 2, 1)
    expect([short.bytes, long.bytes]).toEqual([0, 0])
  })
})

describe('gaussianSketch refuses', () => {
  it.each([
    [0, 1, RangeError, 'gaussianSketch: m must be an integer >= 1, got 0'],
    [1.5, 1, RangeError, 'gaussianSketch: m must be an integer >= 1, got 1.5'],
    ['4', 1, TypeError, 'gaussianSketch: m must be an integer >= 1, got "4"'],
    [4, -1, RangeError, 'gaussianSketch: seed must be an integer >= 0, got -1'],
    [4, 2n ** 64n, RangeError, 'gaussianSketch: seed must be from 0 to 2^64 - 1, got 18446744073709551616'],
    [4, undefined, TypeError, 'gaussianSketch: seed must be an integer >= 0, got undefined'],
  ])('m = %o, seed = %o', (m, seed, type, message) => {
    const call = () => gaussianSketch({ m, seed } as never)
    expect(call).toThrow(type)
    expect(call).toThrow(message)
  })
})
