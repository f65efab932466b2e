// Kills: characters swapped, tables that overlap, a domain that wraps round, table bytes not counted, a bucket beyond the last,
// a range reduction that rounds, functions that share coefficients, block forms in another order.
import { describe, expect, it } from 'vitest'
import { scalarSketchKernels, simdSketchKernels } from '@sublinear/kernels'
import { bucketHash, tabulationHash } from '../src'
import { coefficient61, EDGES, P61, polynomial61, randomKeys, tableWord } from './oracle'

describe('tabulationHash', () => {
  it.each([1, 2, 5, 9])('of characters of %i bits equals its definition', (characterBits) => {
    const seed = 0xabcdef0123n
    const hash = tabulationHash({ characterBits, seed })
    const size = 2 ** characterBits
    expect([hash.domain, hash.bytes]).toEqual([size * size, 4 * (4 * size - 1)])
    const count = Math.min(hash.domain, 3000)
    const first = hash.domain - count
    const out = new Uint32Array(count)
    hash.fill(first, count, out)
    for (let c = 0; c < count; c++) {
      const [x, y] = [(first + c) % size, Math.floor((first + c) / size)]
      const wanted = (tableWord(seed, x) ^ tableWord(seed, size + y) ^ tableWord(seed, 2 * size + x + y)) >>> 0
      if (out[c] !== wanted || hash.value(first + c) !== wanted) expect.fail(`${out[c]} at ${first + c}, not ${wanted}`)
    }
  })

  it('hashes all 32 bits of its largest domain and nothing beyond', () => {
    const hash = tabulationHash({ characterBits: 16, seed: 1 })
    expect([hash.domain, hash.bytes]).toEqual([2 ** 32, 4 * (4 * 65536 - 1)])
    expect(hash.value(2 ** 32 - 1)).toBe(
      (tableWord(1n, 65535) ^ tableWord(1n, 131071) ^ tableWord(1n, 4 * 65536 - 2)) >>> 0,
    )
    expect(() => hash.value(2 ** 32)).toThrow('tabulationHash: key must be an integer from 0 to 4294967295')
    expect(() => hash.fill(2 ** 32 - 1, 2, new Uint32Array(2))).toThrow(RangeError)
    expect(() => hash.fill(0, 3, new Uint32Array(2))).toThrow('out must have at least 3 entries')
    for (const characterBits of [0, 17, 2.5])
      expect(() => tabulationHash({ characterBits, seed: 1 })).toThrow(RangeError)
  })
})

describe.each([simdSketchKernels(), scalarSketchKernels])('range reduction on the $name kernels', (kernels) => {
  it('is ⌊value·buckets / 2^61⌋, at the borders between buckets', () => {
    for (const buckets of [1, 2, 3, 7, 1000, 65537, 2 ** 20 + 1, 2 ** 31 - 1, 2 ** 31]) {
      const l = BigInt(buckets)
      for (const j of new Set([0n, 1n, l / 2n, l - 1n])) {
        const border = ((j << 61n) + l - 1n) / l // the first value of bucket j
        for (const value of [border - 1n, border, border + 1n, P61 - 1n]) {
          if (value < 0n || value >= P61) continue
          const out = new Uint32Array(1)
          const words = Uint32Array.of(Number(value & 0xffffffffn), Number(value >> 32n), 0, 0)
          kernels.polynomials(out, words, 1, 1, Float64Array.of(5), 1, buckets)
          expect(BigInt(out[0])).toBe((value * l) >> 61n)
        }
      }
    }
  })
})

describe('bucketHash', () => {
  it.each([
    [1, 2, 10],
    [3, 4, 2 ** 31],
    [7, 5, 1],
  ])('%i functions, %i-wise, into %i buckets equal BigInt', (count, independence, buckets) => {
    const hash = bucketHash({ count, buckets, independence, seed: 42 })
    expect(hash.bytes).toBe(8 * independence * count)
    const own = (row: number) => Array.from({ length: independence }, (_, j) => coefficient61(42n, row, j))
    const functions = Array.from({ length: count }, (_, row) => own(row))
    for (const key of [...EDGES, ...randomKeys(100, 5)]) {
      for (const [row, coefficients] of functions.entries()) {
        expect(BigInt(hash.bucket(row, key))).toBe((polynomial61(coefficients, key) * BigInt(buckets)) >> 61n)
      }
    }
    for (const [first, keys] of [
      [0, 0],
      [3, 70],
      [2 ** 53 - 9000, 9000],
    ] as const) {
      const out = new Uint32Array(count * keys)
      hash.fill(first, keys, out)
      for (let row = 0; row < count; row++) {
        for (let c = 0; c < keys; c += keys > 100 ? 61 : 1)
          expect(out[row * keys + c]).toBe(hash.bucket(row, first + c))
      }
    }
  })

  // The exhaustive bias of the same reduction over a small field: seven values into two buckets are 4 and 3.
  it('has the bias it states: bucket sizes differ from p/l by less than 2', () => {
    for (const p of [7, 31, 127, 8191]) {
      for (let l = 1; l <= Math.min(p, 60); l++) {
        const sizes = new Uint32Array(l)
        for (let h = 0; h < p; h++) sizes[Math.floor((h * l) / (p + 1))]++
        for (const size of sizes) expect(Math.abs(size - p / l)).toBeLessThan(2)
      }
    }
  })

  it('refuses what is out of range', () => {
    const good = { count: 1, buckets: 4, independence: 2, seed: 1 }
    const hash = bucketHash(good)
    expect(() => bucketHash({ ...good, buckets: 0 })).toThrow(
      'bucketHash: buckets must be an integer from 1 to 2147483648',
    )
    expect(() => bucketHash({ ...good, independence: 1 })).toThrow(RangeError)
    expect(() => bucketHash({ ...good, count: 0 })).toThrow(RangeError)
    expect(() => hash.bucket(1, 0)).toThrow(RangeError)
    expect(() => hash.bucket(0, -1)).toThrow(RangeError)
    expect(() => hash.fill(2 ** 53 - 2, 3, new Uint32Array(3))).toThrow(
      'bucketHash: count must be an integer from 0 to',
    )
    expect(() => hash.fill(-1, 1, new Uint32Array(1))).toThrow('bucketHash: first must be')
    expect(() => hash.fill(0, 2, new Uint32Array(1))).toThrow('bucketHash: out must have at least 2 entries, got 1')
  })
})
