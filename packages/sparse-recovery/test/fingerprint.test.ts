// Fingerprints against their definition, byte by byte, and chances of tables against an enumeration. Kills: a byte that has no part in the product, a quotient in place of a
// product (all indices from 2^24 on then had the fingerprint 0), chances of a table of another size, sums of stopping sets with another sign.
import { polynomialHash } from '@sublinear/hash-families'
import { describe, expect, it } from 'vitest'
import { exactRecoveryTables } from '../src'
import { noneAlone } from '../src/exact-recovery-tables'
import { fingerprint } from '../src/fingerprint'

const P = 2n ** 61n - 1n

/** base^exponent mod p, one factor at a time. */
function power(base: bigint, exponent: number): bigint {
  let out = 1n
  for (let e = 0; e < exponent; e++) out = (out * base) % P
  return out
}

/** The chance that no cell holds exactly one of s keys in w cells: all w^s ways are counted. */
function chanceOfNoneAlone(s: number, w: number): number {
  let none = 0
  for (let way = 0; way < w ** s; way++) {
    const counts = new Uint8Array(w)
    for (let rest = way, key = 0; key < s; key++, rest = Math.floor(rest / w)) counts[rest % w]++
    if (!counts.includes(1)) none++
  }
  return none / w ** s
}

describe('fingerprint', () => {
  it('is the product of the powers of four points', () => {
    const seed = 77n
    const mark = fingerprint(seed)
    const point = polynomialHash({ independence: 4, seed, prime: '2^61-1', stream: 0x73750000 }).value
    for (const index of [
      0,
      1,
      255,
      256,
      65_535,
      65_536,
      0x10203,
      0xffffff,
      0x1000000,
      0x1000001,
      0xfedcba98,
      2 ** 32 - 1,
    ]) {
      const wanted = [0, 1, 2, 3].reduce(
        (all, digit) => (all * power(point(digit), (index >>> (8 * digit)) & 255)) % P,
        1n,
      )
      expect(mark(index)).toBe(wanted)
    }
  })
})

describe('the chance that no cell holds exactly one key', () => {
  it.each([1, 2, 3, 4])('is that of all ways to throw up to 7 keys in %i cells', (w) => {
    const found = noneAlone(7, w)
    for (let s = 0; s <= 7; s++) expect(Math.exp(found[s])).toBeCloseTo(chanceOfNoneAlone(s, w), 12)
  })
})

describe('exactRecoveryTables', () => {
  it.each([
    { k: 2, delta: 0.01 },
    { k: 4, delta: 0.01 },
    { k: 6, delta: 0.2 },
  ])('has the fewest cells whose stopping sets are rare enough: $k keys, $delta', ({ k, delta }) => {
    const choose = (s: number) => Array.from({ length: s }, (_, i) => (k - i) / (i + 1)).reduce((a, b) => a * b, 1)
    const bound = (tables: number, cells: number) => {
      let sum = 0
      for (let s = 2; s <= k; s++) sum += choose(s) * chanceOfNoneAlone(s, cells) ** tables
      return sum
    }
    let best = { tables: 0, cells: Infinity }
    for (let tables = 3; tables <= 6; tables++) {
      let cells = 2
      while (bound(tables, cells) > delta) cells++
      if (best.tables === 0 || tables * cells < best.tables * best.cells) best = { tables, cells }
    }
    expect(exactRecoveryTables({ k, delta })).toEqual(best)
  })
})
