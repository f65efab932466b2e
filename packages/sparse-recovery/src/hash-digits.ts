import { polynomialHash, type PolynomialHash } from '@sublinear/hash-families'

/** The first of the seed's polynomials that are used here. */
const STREAM = 0x73720000

/** A k-wise independent hash of 61 bits, read as bits and digits: independent of each other up to 2⁻⁶¹. */
export interface DigitHash {
  readonly bytes: number
  /** Hashes keys[0 … count); `bucket` and `sign` then read these keys. @returns their values, two words each, the lower first; in its own memory */
  hash(keys: Float64Array): Uint32Array
  /** Reads digit 0, 1 or 2, of 20 bits, as a bucket: each has probability 1/buckets up to 2⁻²⁰; digits are independent of each other. */
  bucket(at: number, digit: number, buckets: number): number
  /** Reads bit 0 … 60 as −1 or 1; bits are independent of each other. */
  sign(at: number, bit: number): number
}

export function digitHash(seed: bigint, stream: number, independence = 4): DigitHash {
  const hash: PolynomialHash<bigint> = polynomialHash({
    independence,
    seed,
    prime: '2^61-1',
    stream: STREAM + stream,
  })
  let words = new Uint32Array(128) // two a key, the lower first
  return {
    bytes: hash.bytes,
    hash(keys) {
      if (words.length < 2 * keys.length) words = new Uint32Array(2 * keys.length)
      hash.fillKeys(keys, words)
      return words
    },
    bucket: (at, digit, buckets) => bucketOf(words[2 * at], words[2 * at + 1], digit, buckets / 2 ** 20),
    sign: (at, bit) => 1 - 2 * ((words[2 * at + (bit >> 5)] >>> (bit & 31)) & 1),
  }
}

/** Reads digit 0, 1 or 2 of a value, of 20 bits, as a bucket: ⌊digit · unit⌋, unit = buckets/2²⁰, buckets ≤ 2²⁰. */
export function bucketOf(low: number, high: number, digit: number, unit: number): number {
  const value = digit === 0 ? low & 0xfffff : digit === 1 ? (low >>> 20) | ((high & 0xff) << 12) : high >>> 9
  return (value * unit) | 0
}
