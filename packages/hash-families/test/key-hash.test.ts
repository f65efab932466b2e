// Hashes of texts, bytes and integers. SipHash-2-4 by its authors' vectors (fixtures/sip-hash.py), texts by the engine's own UTF-8.
// Kills: a rotation or a carry left out, 1-3 rounds, the length missing from the last word, signs of bytes ≥ 128, low surrogates alone,
// bigints and texts under one key, a carry from 2^32 − 1, bytes read as a key of another kind, a seed of 32 bits, an index from the lower word by a remainder.
import { philox } from '@sublinear/core'
import { describe, expect, it } from 'vitest'
import { bytesOfKey, hashKey, keyHash, keyOfBytes, type Key } from '../src'
import { writeKey } from '../src/key-hash'
import { sipHash } from '../src/sip-hash'
import digests from './fixtures/sip-hash.json'

const key = Uint32Array.of(0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c)
const hex = ([low, high]: Uint32Array) =>
  [low, high]
    .flatMap((word) => [0, 8, 16, 24].map((shift) => ((word >>> shift) & 255).toString(16).padStart(2, '0')))
    .join('')

/** A key under which v0 and v1 begin with these lower words. */
const low = (lower: number, other: number) => Uint32Array.of(0x70736575 ^ lower, 0, 0x6e646f6d ^ other, 0)

describe('SipHash-2-4', () => {
  it('gives the vectors of its authors, and of a library for longer texts', () => {
    const out = new Uint32Array(2)
    for (const [length, digest] of digests.entries()) {
      sipHash(
        out,
        key,
        Uint8Array.from({ length: length + 5 }, (_, i) => i),
        length,
      ) // what lies behind is not read
      expect(hex(out)).toBe(digest)
    }
    expect(digests[15]).toBe('e545be4961ca29a1') // printed in the paper, as a129ca6149be45e5
  })

  it('reads bytes without sign, by 64-bit arithmetic', () => {
    const out = new Uint32Array(2)
    for (let i = 0; i < 300; i++) {
      const bytes = Uint8Array.from({ length: i }, (_, j) => 255 - ((i * j) & 31))
      const four = Uint32Array.from({ length: 4 }, (_, w) => Math.imul(i + 1, 0x9e3779b9 + w))
      sipHash(out, four, bytes, i)
      expect((BigInt(out[1]) << 32n) | BigInt(out[0])).toBe(slowly(four, bytes))
    }
  })

  it('carries from 2^32 on, and not from 2^32 - 1', () => {
    const out = new Uint32Array(2)
    for (const four of [low(0, 0xffffffff), low(1, 0xffffffff), low(0x80000000, 0x7fffffff)]) {
      sipHash(out, four, new Uint8Array(0), 0)
      expect((BigInt(out[1]) << 32n) | BigInt(out[0])).toBe(slowly(four, new Uint8Array(0)))
    }
  })
})

/** The definition, in BigInt. */
function slowly(four: Uint32Array, bytes: Uint8Array): bigint {
  const M = (1n << 64n) - 1n
  const turn = (x: bigint, by: bigint) => ((x << by) | (x >> (64n - by))) & M
  const word = (i: number) => (BigInt(four[i + 1]) << 32n) | BigInt(four[i])
  let [v0, v1] = [word(0) ^ 0x736f6d6570736575n, word(2) ^ 0x646f72616e646f6dn]
  let [v2, v3] = [word(0) ^ 0x6c7967656e657261n, word(2) ^ 0x7465646279746573n]
  const round = () => {
    v0 = (v0 + v1) & M
    v1 = turn(v1, 13n) ^ v0
    v0 = turn(v0, 32n)
    v2 = (v2 + v3) & M
    v3 = turn(v3, 16n) ^ v2
    v0 = (v0 + v3) & M
    v3 = turn(v3, 21n) ^ v0
    v2 = (v2 + v1) & M
    v1 = turn(v1, 17n) ^ v2
    v2 = turn(v2, 32n)
  }
  const padded = new Uint8Array((bytes.length & ~7) + 8)
  padded.set(bytes)
  padded[padded.length - 1] = bytes.length
  for (let at = 0; at < padded.length; at += 8) {
    const m = padded.subarray(at, at + 8).reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
    v3 ^= m
    round()
    round()
    v0 ^= m
  }
  v2 ^= 0xffn
  for (let i = 0; i < 4; i++) round()
  return v0 ^ v1 ^ v2 ^ v3
}

describe('hashKey', () => {
  it('is SipHash of the bytes under a key that Philox draws from the seed', () => {
    for (const seed of [0n, 7n, 2n ** 64n - 1n]) {
      for (const [text, which] of [
        ['', 0],
        ['user-1', 0],
        [0x0102030405060708n, 1],
      ] as const) {
        const four = new Uint32Array(4)
        philox(four, Number(seed & 0xffffffffn), Number(seed >> 32n), which, 0, 0, 0x686b0000)
        const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : Uint8Array.of(8, 7, 6, 5, 4, 3, 2, 1)
        expect(hashKey(text, seed)).toBe(slowly(four, bytes))
      }
    }
  })

  it('is fixed by the seed, on every engine', () => {
    const keys: Key[] = ['', 'user-1', 'größe', '東京 🗼', Uint8Array.of(0, 255), 0n, 97n, 2n ** 64n]
    expect(keys.map((key) => hashKey(key, 7).toString(16))).toMatchInlineSnapshot(`
      [
        "282dc1c839ed4d3c",
        "72185e7e23483c14",
        "aa9d5aa85e7019b8",
        "9b602c85e6fc4f8d",
        "fe042ada2014165",
        "fd552b41e866313f",
        "903c1cbee6a24d47",
        "57b3412859de9d66",
      ]
    `)
  })

  it('takes a text and its UTF-8 bytes for one key, of any planes', () => {
    for (const text of ['a', 'é', '東', '🗼', 'a🗼é東'.repeat(30), '\u0000', '\u07ff\u0800\uffff\u{10000}\u{10ffff}']) {
      expect(hashKey(text, 3)).toBe(hashKey(new TextEncoder().encode(text), 3))
    }
  })

  it('keeps apart what is not one key: lone surrogates, integers and texts, integers of any length', () => {
    const keys: Key[] = [
      '\ud800',
      '\ud801',
      '\udc00',
      '\ufffd',
      '\udc00\ud800',
      '\ud800\udc00',
      'a',
      97n,
      97n + 2n ** 64n,
    ]
    keys.push('a\u0000', 'a'.padEnd(8, '\u0000'), 0n, 2n ** 64n, 2n ** 72n, '', 2n ** 1000n)
    for (const seed of [0, 1, 2 ** 32]) expect(new Set(keys.map((key) => hashKey(key, seed))).size).toBe(keys.length)
    expect(new Set([0, 1, 2 ** 32, 2n ** 63n].map((seed) => hashKey('a', seed))).size).toBe(4)
  })

  it('gives lone surrogates the three bytes that they would have', () => {
    const to = { room: new Uint8Array(1), length: 0 }
    writeKey('test', 'x\udfff', to)
    expect([...to.room.subarray(0, to.length)]).toEqual([0x78, 0xed, 0xbf, 0xbf])
  })

  it('spreads consecutive keys as fair coins would: every bit, every pair of neighbours', () => {
    // 64 bits of 20,000 keys: means within 5 standard errors (0.0177); false alarm 64 · 2 · 6e-7 < 1e-4 a list, were it random.
    // Misses: a bit that is 1 in 0.53 of the keys with 2e-4, in 0.52 with 0.26 (exact binomial); a bit that never changes never.
    const hash = keyHash({ seed: 11 })
    const words = new Uint32Array(2)
    for (const keyOf of [
      (i: number) => `user-${i}`,
      (i: number) => BigInt(i),
      (i: number) => Uint8Array.of(i, i >> 8),
    ]) {
      const ones = new Float64Array(64)
      for (let i = 0; i < 20_000; i++) {
        hash.words(keyOf(i), words)
        for (let b = 0; b < 64; b++) ones[b] += (words[b >> 5] >>> (b & 31)) & 1
      }
      for (const count of ones) expect(Math.abs(count / 20_000 - 0.5)).toBeLessThan((5 * 0.5) / Math.sqrt(20_000))
    }
  })
})

describe('keyHash', () => {
  it('index is ⌊upper word·n/2³²⌋, exactly', () => {
    const hash = keyHash({ seed: 5 })
    for (const n of [1, 2, 3, 1000, 65_536, 65_537, 2 ** 31 + 1, 2 ** 32 - 1, 2 ** 32]) {
      for (let i = 0; i < 200; i++) {
        const upper = hash.value(`k${i}`) >> 32n
        expect(hash.index(`k${i}`, n)).toBe(Number((upper * BigInt(n)) >> 32n))
      }
    }
    expect([hash.bytes, hash.seed]).toEqual([32, 5n])
  })

  it('bytes of a key come back as the key of their kind, and others as none', () => {
    for (const text of ['', '\u007f', '\u0080', '\u07ff\u0800', 'a\u{1f600}b']) {
      expect(bytesOfKey(text)).toEqual(new TextEncoder().encode(text))
      expect(keyOfBytes('text', bytesOfKey(text))).toBe(text)
    }
    const longest = 2n ** 64n + 5n
    for (const whole of [0n, 1n, 255n, 2n ** 64n - 1n, longest])
      expect(keyOfBytes('integer', bytesOfKey(whole))).toBe(whole)
    const bytes = Uint8Array.of(255, 0)
    expect(keyOfBytes('bytes', bytes)).toEqual(bytes)
    expect(keyOfBytes('text', bytes)).toBeUndefined() // not UTF-8
    expect(keyOfBytes('integer', bytes)).toBeUndefined() // an integer has at least 8
    expect(keyOfBytes('integer', Uint8Array.of(...bytesOfKey(longest), 0))).toBeUndefined() // nor more than it needs
    expect(() => bytesOfKey(5 as never)).toThrow(
      'bytesOfKey: key must be a string, a Uint8Array or a bigint, got number',
    )
  })

  it('leaves keys as they are, and refuses what is none', () => {
    const hash = keyHash({ seed: 5 })
    const mine = Uint8Array.of(1, 2, 3)
    hash.value(mine)
    expect([...mine]).toEqual([1, 2, 3])
    for (const broken of [1, undefined, null, {}, [1], 1.5]) {
      expect(() => hash.value(broken as unknown as Key)).toThrow(
        /keyHash: key must be a string, a Uint8Array or a bigint/,
      )
      expect(() => hash.value(broken as unknown as Key)).toThrow(TypeError)
    }
    expect(() => hashKey(-1n, 1)).toThrow('hashKey: key must be a bigint >= 0, got -1')
    expect(() => hashKey('a', -1)).toThrow('hashKey: seed must be an integer >= 0, got -1')
    expect(() => hash.index('a', 2 ** 32 + 1)).toThrow('keyHash: n must be an integer from 1 to 4294967296')
    expect(() => hash.words('a', new Uint32Array(1))).toThrow(TypeError)
  })
})
