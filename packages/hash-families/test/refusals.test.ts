// Every argument of every family at both ends of its range: what is beyond is refused with the argument's name and range, and what is at the end is taken. Kills: a bound that is one
// or two off, a check left out, a message with another name; a draw of p itself that is kept, or thrown away where only one of its words is full.
import * as core from '@sublinear/core'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { bucketHash, fourWiseSigns, keyHash, keyOfBytes, polynomialHash, tabulationHash } from '../src'

const signs = fourWiseSigns({ count: 3, seed: 1 })
const buckets = bucketHash({ count: 2, buckets: 5, independence: 3, seed: 1 })
const small = polynomialHash({ independence: 2, seed: 1, prime: '2^31-1' })
const large = polynomialHash({ independence: 2, seed: 1, prime: '2^61-1' })
const table = tabulationHash({ characterBits: 2, seed: 1 })
const words = (length: number) => new Uint32Array(length)
const [MOST, BEYOND] = [2 ** 53 - 1, 2 ** 53]
const any = (value: unknown) => value as never

it.each<[string, () => unknown]>([
  ['bucketHash: count must be an integer from 1 to 4294967295, got 0', () => bucketHash({ ...buckets, count: 0 })],
  [
    'bucketHash: count must be an integer from 1 to 4294967295, got 4294967296',
    () => bucketHash({ ...buckets, count: 2 ** 32 }),
  ],
  [
    'bucketHash: buckets must be an integer from 1 to 2147483648, got 2147483649',
    () => bucketHash({ ...buckets, buckets: 2 ** 31 + 1 }),
  ],
  [
    'bucketHash: independence must be an integer from 2 to 16777216, got 1',
    () => bucketHash({ ...buckets, independence: 1 }),
  ],
  [
    'bucketHash: independence must be an integer from 2 to 16777216, got 16777217',
    () => bucketHash({ ...buckets, independence: 2 ** 24 + 1 }),
  ],
  ['bucketHash: seed must be an integer >= 0, got -1', () => bucketHash({ ...buckets, seed: any(-1) })],
  ['bucketHash: row must be an integer from 0 to 1, got 2', () => buckets.bucket(2, 0)],
  ['bucketHash: row must be an integer from 0 to 1, got -1', () => buckets.bucket(-1, 0)],
  ['bucketHash: key must be an integer >= 0, got -1', () => buckets.bucket(0, -1)],
  [
    'bucketHash: key must be an integer from 0 to 9007199254740991, got 9007199254740992',
    () => buckets.bucket(0, BEYOND),
  ],
  ['bucketHash: first must be an integer >= 0, got -1', () => buckets.fill(-1, 0, words(0))],
  [
    'bucketHash: first must be an integer from 0 to 9007199254740991, got 9007199254740992',
    () => buckets.fill(BEYOND, 0, words(0)),
  ],
  ['bucketHash: count must be an integer from 0 to 1, got 2', () => buckets.fill(MOST, 2, words(4))],
  ['bucketHash: count must be an integer from 0 to 9007199254740982, got -1', () => buckets.fill(10, -1, words(4))],
  ['bucketHash: out must have at least 6 entries, got 5', () => buckets.fill(0, 3, words(5))],
  ['bucketHash: out must be a Uint32Array', () => buckets.fill(0, 1, any(new Int32Array(2)))],
  ['fourWiseSigns: count must be an integer from 1 to 4294967295, got 0', () => fourWiseSigns({ count: 0, seed: 1 })],
  [
    'fourWiseSigns: count must be an integer from 1 to 4294967295, got 4294967296',
    () => fourWiseSigns({ count: 2 ** 32, seed: 1 }),
  ],
  [
    'fourWiseSigns: seed must be from 0 to 2^64 - 1, got 18446744073709551616',
    () => fourWiseSigns({ count: 1, seed: 2n ** 64n }),
  ],
  ['fourWiseSigns: row must be an integer from 0 to 2, got 3', () => signs.sign(3, 0)],
  ['fourWiseSigns: row must be an integer from 0 to 2, got -1', () => signs.sign(-1, 0)],
  ['fourWiseSigns: index must be an integer >= 0, got -1', () => signs.sign(0, -1)],
  ['fourWiseSigns: first must be an integer >= 0, got -64', () => signs.words(-64, words(6))],
  ['fourWiseSigns: first must be a multiple of 64, got 63', () => signs.words(63, words(6))],
  ['fourWiseSigns: out must have at least 6 entries, got 5', () => signs.words(0, words(5))],
  ['fourWiseSigns: out must be a Uint32Array', () => signs.words(0, any(new Float32Array(6)))],
  ['fourWiseSigns: first must be an integer >= 0, got -1', () => signs.fill(-1, 0, new Float32Array(0), 1)],
  ['fourWiseSigns: count must be an integer from 0 to 64, got 65', () => signs.fill(64, 65, new Float32Array(999), 1)],
  ['fourWiseSigns: count must be an integer from 0 to 1, got 2', () => signs.fill(63, 2, new Float32Array(6), 1)],
  ['fourWiseSigns: count must be an integer from 0 to 1, got -1', () => signs.fill(63, -1, new Float32Array(6), 1)],
  ['fourWiseSigns: out must have at least 6 entries, got 5', () => signs.fill(0, 2, new Float32Array(5), 1)],
  ['fourWiseSigns: out must be a Float32Array', () => signs.fill(0, 2, any(new Float64Array(6)), 1)],
  ['fourWiseSigns: out must be a Float32Array', () => signs.fill(0, 0, any([]), 1)],
  [
    'polynomialHash: independence must be an integer from 2 to 16777216, got 16777217',
    () => polynomialHash({ ...small, independence: 2 ** 24 + 1 }),
  ],
  [
    'polynomialHash: stream must be an integer from 0 to 4294967295, got -1',
    () => polynomialHash({ ...small, stream: -1 }),
  ],
  [
    'polynomialHash: stream must be an integer from 0 to 4294967295, got 4294967296',
    () => polynomialHash({ ...small, stream: 2 ** 32 }),
  ],
  ["polynomialHash: prime must be '2^31-1' or '2^61-1', got 7", () => polynomialHash({ ...small, prime: any(7) })],
  ['polynomialHash: first must be an integer >= 0, got -1', () => small.fill(-1, 1, words(1))],
  ['polynomialHash: count must be an integer from 0 to 2, got 3', () => large.fill(MOST - 1, 3, words(6))],
  ['polynomialHash: out must have at least 6 entries, got 5', () => large.fill(0, 3, words(5))],
  ['polynomialHash: out must have at least 3 entries, got 2', () => small.fill(0, 3, words(2))],
  ['polynomialHash: keys must be a Float64Array', () => small.fillKeys(any(words(2)), words(2))],
  ['polynomialHash: out must have at least 4 entries, got 3', () => large.fillKeys(Float64Array.of(1, 2), words(3))],
  ['polynomialHash: keys[0] must be an integer >= 0, got -1', () => small.fillKeys(Float64Array.of(-1), words(1))],
  [
    'polynomialHash: keys[1] must be an integer from 0 to 9007199254740991, got 9007199254740992',
    () => small.fillKeys(Float64Array.of(0, BEYOND), words(2)),
  ],
  ['polynomialHash: keys[0] must be an integer >= 0, got 0.5', () => large.fillKeys(Float64Array.of(0.5), words(2))],
  [
    'tabulationHash: characterBits must be an integer from 1 to 16, got 0',
    () => tabulationHash({ characterBits: 0, seed: 1 }),
  ],
  [
    'tabulationHash: characterBits must be an integer from 1 to 16, got 17',
    () => tabulationHash({ characterBits: 17, seed: 1 }),
  ],
  ['tabulationHash: key must be an integer from 0 to 15, got 16', () => table.value(16)],
  ['tabulationHash: key must be an integer from 0 to 15, got -1', () => table.value(-1)],
  ['tabulationHash: first must be an integer from 0 to 15, got 16', () => table.fill(16, 0, words(0))],
  ['tabulationHash: count must be an integer from 0 to 1, got 2', () => table.fill(15, 2, words(2))],
  ['tabulationHash: out must have at least 2 entries, got 1', () => table.fill(0, 2, words(1))],
  ['keyHash: n must be an integer from 1 to 4294967296, got 0', () => keyHash({ seed: 1 }).index('a', 0)],
  [
    'keyHash: n must be an integer from 1 to 4294967296, got 4294967297',
    () => keyHash({ seed: 1 }).index('a', 2 ** 32 + 1),
  ],
  ['keyHash: out must be a Uint32Array of two words', () => keyHash({ seed: 1 }).words('a', words(1))],
  ['keyHash: out must be a Uint32Array of two words', () => keyHash({ seed: 1 }).words('a', any([0, 0]))],
  ['keyHash: seed must be an integer >= 0, got -1', () => keyHash({ seed: -1 })],
])('%s', (message, call) => {
  expect(call).toThrow(expect.objectContaining({ message }))
})

it('what is at an end is taken', () => {
  const float = new Float32Array(3)
  signs.fill(63, 1, float, 2)
  expect([...float]).toEqual([0, 1, 2].map((row) => 2 * signs.sign(row, 63)))
  expect(Math.abs(signs.sign(2, MOST))).toBe(1)
  const two = words(2)
  buckets.fill(MOST, 1, two)
  expect([...two]).toEqual([0, 1].map((row) => buckets.bucket(row, MOST)))
  small.fillKeys(Float64Array.of(MOST, 0), two)
  expect([...two]).toEqual([small.value(MOST), small.value(0)])
  table.fill(15, 1, two)
  expect(two[0]).toBe(table.value(15))
  expect(bucketHash({ count: 1, buckets: 2 ** 31, independence: 2, seed: 2n ** 64n - 1n }).bucket(0, 5)).toBeLessThan(
    2 ** 31,
  )
  expect(polynomialHash({ ...small, stream: 2 ** 32 - 1 }).value(1)).not.toBe(small.value(1))
  const hash = keyHash({ seed: 1 })
  expect([hash.index('a', 1), hash.index('a', 2 ** 32)]).toEqual([0, Number(hash.value('a') >> 32n)])
})

it('bytes that become a key are copied', () => {
  const bytes = Uint8Array.of(1, 2)
  const key = keyOfBytes('bytes', bytes)
  bytes[0] = 9
  expect(key).toEqual(Uint8Array.of(1, 2))
})

/** The value of a key under coefficients drawn from these words, lowest first, in this order; the attempts that were made. */
const drawn = (...draws: readonly (readonly [number, number])[]) => {
  const attempts: number[] = []
  vi.spyOn(core, 'philox').mockImplementation((out, _low, _high, _j, _stream, attempt) => {
    out.set(draws[attempts.length] ?? [0, 0])
    attempts.push(attempt)
  })
  return { value: polynomialHash({ independence: 2, seed: 1, prime: '2^61-1' }).value(0), attempts }
}

describe('a draw of 61 bits', () => {
  afterEach(() => void vi.restoreAllMocks())
  const full = 0xffffffff

  it('is thrown away if it is p itself, and only then', () => {
    expect(drawn([full, full], [3, 0], [0, 0])).toEqual({ value: 3n, attempts: [0, 1, 0] })
    expect(drawn([full, full], [full, full], [5, 8], [0, 0])).toEqual({
      value: 5n + (1n << 32n),
      attempts: [0, 1, 2, 0],
    })
    expect(drawn([full, 7], [0, 0])).toEqual({ value: BigInt(full), attempts: [0, 0] })
    expect(drawn([0, full], [0, 0])).toEqual({ value: 0x1fffffffn << 32n, attempts: [0, 0] })
    expect(drawn([full - 1, full], [0, 0])).toEqual({ value: 2n ** 61n - 2n, attempts: [0, 0] })
  })
})
