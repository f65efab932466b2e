// The hash laws (see @sublinear/laws) for every family, with the BigInt oracles and the golden bytes of this release.
// Kills: values that differ from the oracle at one key, a block that differs from single keys, bits that are not those of this release.
import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { hashLaws } from '@sublinear/laws'
import { bucketHash, fourWiseSigns, polynomialHash, tabulationHash } from '../src'
import { evaluateMersenne, mersenne } from '../src/mersenne'
import * as oracle from './oracle'

const P31 = 2 ** 31 - 1
const whole = (seed: number | bigint) => BigInt(seed)

/** All polynomials of degree below k over seven elements. */
const small = (k: number) => ({
  functions: 7 ** k,
  keys: 7,
  values: 7,
  value: (index: number, key: number) => {
    const parts = Array.from({ length: 2 * k }, (_, i) => (i % 2 ? 0 : Math.floor(index / 7 ** (i / 2)) % 7))
    return evaluateMersenne(mersenne(3), Int32Array.from(parts), key)
  },
})

const filled = (count: number, fill: (out: Uint32Array) => void) => {
  const out = new Uint32Array(count)
  fill(out)
  return out
}

describe.each([2, 3, 4])('polynomials of independence %i', (independence) => {
  const small31 = (seed: number | bigint) => polynomialHash({ independence, seed, prime: '2^31-1' })
  const large61 = (seed: number | bigint) => polynomialHash({ independence, seed, prime: '2^61-1' })
  const laws31 = hashLaws({
    name: 'mod 2^31 - 1',
    make: (seed) => small31(seed).value,
    range: P31,
    independence,
    block: (seed, first, count) => filled(count, (out) => small31(seed).fill(first, count, out)),
    oracle: (seed, key) => {
      const coefficients = Array.from({ length: independence }, (_, j) => oracle.coefficient31(whole(seed), 0, j))
      return Number(oracle.polynomialOverPairs(oracle.P31, coefficients, key))
    },
    small: small(independence),
  })
  const laws61 = hashLaws({
    name: 'mod 2^61 - 1',
    make: (seed) => large61(seed).value,
    range: oracle.P61,
    independence,
    block: (seed, first, count) => {
      const words = filled(2 * count, (out) => large61(seed).fill(first, count, out))
      return Array.from({ length: count }, (_, c) => BigInt(words[2 * c]) | (BigInt(words[2 * c + 1]) << 32n))
    },
    oracle: (seed, key) => {
      const coefficients = Array.from({ length: independence }, (_, j) => oracle.coefficient61(whole(seed), 0, j))
      return oracle.polynomial61(coefficients, key)
    },
  })
  for (const law of [...laws31, ...laws61]) test(law.name, law.run)
})

const signs = (seed: number | bigint) => fourWiseSigns({ count: 2, seed })

const buckets = (seed: number | bigint) => bucketHash({ count: 2, buckets: 1000, independence: 4, seed })

const tables = (seed: number | bigint) => tabulationHash({ characterBits: 8, seed })

describe('signs, buckets, tables', () => {
  const laws = [
    ...hashLaws({
      name: 'signs',
      make: (seed) => {
        const { sign } = signs(seed)
        return (key) => (1 - sign(1, key)) / 2
      },
      range: 2,
      independence: 5,
      oracle: (seed, key) => (1 - oracle.sign(whole(seed), 1, key)) / 2,
    }),
    ...hashLaws({
      name: 'buckets',
      make: (seed) => {
        const { bucket } = buckets(seed)
        return (key) => bucket(1, key)
      },
      range: 1000,
      independence: 4,
      block: (seed, first, count) => filled(2 * count, (out) => buckets(seed).fill(first, count, out)).subarray(count),
    }),
    ...hashLaws({
      name: 'tables',
      make: (seed) => tables(seed).value,
      range: 2 ** 32,
      independence: 5,
      domain: 65536,
      block: (seed, first, count) => filled(count, (out) => tables(seed).fill(first, count, out)),
    }),
  ]
  // A sign function has a range of 2: its laws of the range are weak, so every bit of the key is tried in four-wise-signs.test.ts.
  for (const law of laws) test(law.name, law.run)
})

const digest = (words: Uint32Array) => {
  const bytes = new DataView(new ArrayBuffer(4 * words.length))
  for (const [i, word] of words.entries()) bytes.setUint32(4 * i, word, true)
  return createHash('sha256').update(new Uint8Array(bytes.buffer)).digest('hex').slice(0, 32)
}

// SHA-256 of little-endian words; a change of any of these is a major version.
describe('golden bytes', () => {
  const seed = 0x0123456789abcdefn
  const polynomial = (prime: '2^31-1' | '2^61-1') => {
    const hash = polynomialHash({ independence: 4, seed, prime })
    return filled(400 * hash.words, (out) => {
      hash.fill(0, 200, out)
      hash.fill(2 ** 53 - 200, 200, out.subarray(200 * hash.words))
    })
  }
  const signWords = (first: number) => filled(200, (out) => fourWiseSigns({ count: 100, seed }).words(first, out))
  test.each([
    ['mod 2^31 - 1', () => polynomial('2^31-1'), '823c7d76bb359e3d056936af2eacf061'],
    ['mod 2^61 - 1', () => polynomial('2^61-1'), '14fd104501b4034eb9e840d1a8cd29ba'],
    ['signs', () => Uint32Array.of(...signWords(0), ...signWords(2 ** 53 - 64)), 'a9cb4593942c24cf9205347c89915919'],
    [
      'buckets',
      () => filled(600, (out) => bucketHash({ count: 3, buckets: 999, independence: 2, seed }).fill(7, 200, out)),
      'cf3ec244bfcc3695ff110543dc106d2d',
    ],
    [
      'tables',
      () => filled(300, (out) => tabulationHash({ characterBits: 5, seed }).fill(0, 300, out)),
      '4880caed02597d66b4cc1b1ce97f53da',
    ],
  ])('%s', (_, words, expected) => {
    expect(digest(words())).toBe(expected)
  })
})
