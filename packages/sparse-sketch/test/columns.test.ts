// Every column against the hashes and indices that define it, golden bytes, bytes held, borders. Kills: an entry outside its block,
// a sign from the wrong bit, keys near 2^53 that wrap, columns that depend on how a block was cut, a repeated row of the transform,
// an index n accepted, another stream (golden bytes).
import { crc32, matrix, philox, rowsOf, sketch, type SketchMatrix } from '@sublinear/core'
import { fourWiseSigns, polynomialHash } from '@sublinear/hash-families'
import { describe, expect, it } from 'vitest'
import { countSketch, osnap, srht } from '../src'
import { columns } from './columns'

const FIRSTS = [0, 5, 64, 1000, 2 ** 31 - 40, 2 ** 32 - 30, 2 ** 40 + 17, 2 ** 53 - 101]
const digest = (psi: SketchMatrix, ...firsts: number[]) =>
  firsts.map((first) => crc32(new Uint8Array(columns(psi, first, 64).buffer)).toString(16)).join(' ')
const ones = (x: bigint) => x.toString(2).replaceAll('0', '').length

describe.each([
  ['countSketch', 1, (m: number, seed: number) => countSketch({ m, seed })],
  ['osnap/1', 1, (m: number, seed: number) => osnap({ m, nonzeros: 1, seed })],
  ['osnap/4', 4, (m: number, seed: number) => osnap({ m, nonzeros: 4, seed })],
  ['osnap/7', 7, (m: number, seed: number) => osnap({ m, nonzeros: 7, seed })],
] as const)('%s', (_, nonzeros, make) => {
  it('has in each block the entry that a cubic mod 2^61 − 1 says', () => {
    const m = 28
    const height = m / nonzeros
    const psi = make(m, 99)
    for (const first of FIRSTS) {
      const got = columns(psi, first, 100)
      const wanted = new Float32Array(m * 100)
      for (let e = 0; e < nonzeros; e++) {
        const hash = polynomialHash({ independence: 4, seed: 99, prime: '2^61-1', stream: 0x73700000 + e })
        for (let c = 0; c < 100; c++) {
          const t = Number((hash.value(first + c) * BigInt(2 * height)) >> 61n)
          wanted[(e * height + (t >> 1)) * 100 + c] = (t % 2 === 0 ? 1 : -1) / Math.sqrt(nonzeros)
        }
      }
      expect(got).toEqual(wanted)
    }
  })

  it('does not depend on how blocks are cut', () => {
    const psi = make(56, 3)
    const block = { rows: 300, cols: 2, data: Float32Array.from({ length: 600 }, (_, i) => Math.sin(i)) }
    const whole = new Float32Array(112)
    psi.accumulate({ rows: 56, cols: 2, data: whole }, block, 2 ** 32 - 150)
    const parts = new Float32Array(112)
    for (const [from, to] of [
      [0, 1],
      [1, 64],
      [64, 65],
      [65, 300],
    ] as const) {
      psi.accumulate({ rows: 56, cols: 2, data: parts }, rowsOf(block, from, to), 2 ** 32 - 150 + from)
    }
    expect(parts).toEqual(whole)
  })

  it('holds 32 bytes a nonzero, however long the stream', () => {
    const psi = make(28, 1)
    sketch(psi, 3).update(2 ** 53 - 2, Float32Array.of(1, 2, 3))
    expect(psi.bytes).toBe(32 * nonzeros)
  })
})

describe('countSketch', () => {
  // Over 50000 consecutive keys every (row, sign) is hit like a side of a fair die of ten: five standard errors, false alarm 6e-6.
  // Misses: a side that comes a tenth too often 0.009 (exact binomial).
  it('spreads consecutive keys evenly', () => {
    const [m, keys] = [5, 50_000]
    const hits = new Float64Array(2 * m)
    const psi = countSketch({ m, seed: 17 })
    for (let first = 0; first < keys; first += 100) {
      for (const [at, x] of columns(psi, first, 100).entries()) {
        if (x !== 0) hits[2 * Math.floor(at / 100) + (x > 0 ? 0 : 1)]++
      }
    }
    for (const count of hits) expect(Math.abs(count - keys / 10)).toBeLessThan(5 * Math.sqrt(keys * 0.09))
  })
})

/** The signs that srht draws from its seed. */
const signs = (seed: bigint) => {
  const words = new Uint32Array(4)
  philox(words, Number(seed & 0xffffffffn), Number(seed >> 32n), 0, 1, 0, 0x73720000)
  return fourWiseSigns({ count: 1, seed: (BigInt(words[1]) << 32n) | BigInt(words[0]) })
}

/** Row indices back from the columns: i_r's bit b is whether columns 0 and 2^b differ, signs taken out. */
const parities = (psi: SketchMatrix, levels: number, seed: bigint) => {
  const m = psi.m
  const sigma = signs(seed)
  const zero = columns(psi, 0, 1)
  const found = Array.from({ length: m }, () => 0n)
  for (let b = 0; b < levels; b++) {
    const column = columns(psi, 2 ** b, 1)
    for (let r = 0; r < m; r++) {
      const unlike = column[r] * sigma.sign(0, 2 ** b) !== zero[r] * sigma.sign(0, 0)
      if (unlike) found[r] |= 1n << BigInt(b)
    }
  }
  return found
}

describe('srht', () => {
  it.each([
    [1, 1, 0],
    [4, 6, 3],
    [8, 8, 3],
    [6, 8, 3],
    [30, 1000, 10],
    [700, 1000, 10],
    [1024, 1000, 10],
    [20, 2 ** 40 - 5, 40],
    [9, 2 ** 53 - 1, 53],
  ])('is σ_j·(−1)^popcount(i_r & j)/√m with distinct i_r: m = %i, n = %i', (m, n, levels) => {
    const seed = 0x123456789abcdefn
    const psi = srht({ m, n, seed })
    const indices = parities(psi, Math.min(levels, Math.floor(Math.log2(n - 1 || 1)) + 1), seed)
    expect(new Set(indices).size).toBe(m)
    const sigma = signs(seed)
    const unit = Math.fround(1 / Math.sqrt(m))
    for (const first of [0, 3, 64, 2 ** 32 - 7, 2 ** 39 + 70, n - 70].filter((x) => x >= 0 && x < n)) {
      const count = Math.min(n - first, 130)
      const got = columns(psi, first, count)
      for (let c = 0; c < count; c += 7) {
        const sign = sigma.sign(0, first + c)
        for (let r = 0; r < m; r++) {
          const flip = ones(indices[r] & BigInt(first + c)) % 2 ? -1 : 1
          expect(got[r * count + c]).toBe(unit * sign * flip)
        }
      }
    }
  })

  it('refuses what lies beyond n, and then changes nothing', () => {
    const psi = srht({ m: 4, n: 100, seed: 1 })
    const into = matrix(4, 1)
    const call = () => psi.accumulate(into, matrix(30, 1, new Float32Array(30).fill(1)), 71)
    expect(call).toThrow(new RangeError('srht/100: first + block.rows must be an integer from 0 to 100, got 101'))
    expect(into.data).toEqual(new Float32Array(4))
    const stream = sketch(psi, 1)
    stream.push(matrix(99, 1))
    const kept = stream.toBytes()
    expect(() => stream.push(matrix(2, 1))).toThrow('sketch: first + block.rows must be an integer from 0 to 100')
    expect(() => stream.update(100, 1)).toThrow('sketch: index must be an integer from 0 to 99')
    expect(stream.toBytes()).toEqual(kept)
    stream.push(matrix(1, 1))
    expect(stream.rows).toBe(100)
  })

  it('holds 8 bytes a row and its signs', () => {
    expect(srht({ m: 10, n: 2 ** 20, seed: 1 }).bytes).toBe(srht({ m: 10, n: 2 ** 50, seed: 1 }).bytes)
    expect(srht({ m: 10, n: 2 ** 20, seed: 1 }).bytes).toBe(80 + 24)
  })

  it('with m = N is orthogonal: inner products are exact', () => {
    const all = columns(srht({ m: 128, n: 128, seed: 5 }), 0, 128)
    for (let a = 0; a < 128; a += 9) {
      for (let b = 0; b < 128; b++) {
        let sum = 0
        for (let r = 0; r < 128; r++) sum += all[r * 128 + a] * all[r * 128 + b]
        expect(Math.abs(sum - (a === b ? 1 : 0))).toBeLessThan(1e-6)
      }
    }
  })
})

describe('the bytes are golden', () => {
  it.each([
    ['countSketch', countSketch({ m: 40, seed: 1 }), '93ef2f 5da22441 68dccfb2'],
    ['countSketch', countSketch({ m: 40, seed: 2n ** 64n - 1n }), 'ae53860 dfb3f4ce 52799c29'],
    ['osnap/8', osnap({ m: 64, nonzeros: 8, seed: 1 }), '5db307ba e35f47b9 44880da3'],
    ['srht', srht({ m: 40, n: 2 ** 48, seed: 1 }), '3200dffe c605c168 6afcfca8'],
    ['srht', srht({ m: 40, n: 2 ** 53 - 1, seed: 2n ** 63n }), '271f0963 84895eb5 5631a54a'],
  ])('%s', (_, psi, wanted) => expect(digest(psi, 0, 2 ** 32 - 64, 2 ** 47 + 5)).toBe(wanted))
})

describe('refused', () => {
  it.each([
    [() => countSketch({ m: 0, seed: 1 }), 'countSketch: m must be an integer from 1 to 1073741824, got 0'],
    [
      () => countSketch({ m: 2 ** 31, seed: 1 }),
      'countSketch: m must be an integer from 1 to 1073741824, got 2147483648',
    ],
    [() => countSketch({ m: 4, seed: -1 }), 'countSketch: seed must be an integer >= 0, got -1'],
    [() => osnap({ m: 12, nonzeros: 8, seed: 1 }), 'osnap: m must be a multiple of nonzeros = 8, got 12'],
    [() => osnap({ m: 4, nonzeros: 8, seed: 1 }), 'osnap: m must be an integer from 8 to 4294967295, got 4'],
    [() => osnap({ m: 4, nonzeros: 0, seed: 1 }), 'osnap: nonzeros must be an integer from 1 to 65536, got 0'],
    [() => osnap({ m: 4, nonzeros: 2, seed: 0.5 }), 'osnap: seed must be an integer >= 0, got 0.5'],
    [() => srht({ m: 9, n: 8, seed: 1 }), 'srht: m must be an integer from 1 to 8, got 9'],
    [() => srht({ m: 9, n: 0, seed: 1 }), 'srht: n must be an integer >= 1, got 0'],
    [
      () => srht({ m: 1, n: 2 ** 53, seed: 1 }),
      'srht: n must be an integer from 1 to 9007199254740991, got 9007199254740992',
    ],
    [() => srht({ m: 1, n: 8, seed: -1n }), 'srht: seed must be from 0 to 2^64 - 1, got -1'],
  ] as const)('%#', (call, message) => expect(call).toThrow(new RangeError(message)))
})
