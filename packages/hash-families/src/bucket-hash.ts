import { checkInteger, checkObject, checkSeed, seedWords, type Seed } from '@sublinear/core'
import { scalarSketchKernels, sketchKernels } from '@sublinear/kernels'
import { coefficients61 } from './field-61'
import { checkOut, checkRange, consecutive } from './keys'

export interface BucketHash {
  readonly count: number
  readonly buckets: number
  readonly independence: number
  readonly seed: bigint
  /** Bytes of the coefficients of all functions. */
  readonly bytes: number
  /** The bucket, 0 … buckets − 1, that a function sends a key to. */
  bucket(row: number, key: number): number
  /** Fills out (functions × count, row-major) with the buckets of keys first … first + count − 1. */
  fill(first: number, count: number, out: Uint32Array): void
}

/**
 * Independent k-wise hash functions of 53-bit keys into buckets: ⌊h·buckets / 2^61⌋ of a polynomial hash h mod p = 2^61 − 1.
 * Source: Definition 3.2 (one-pass paper) with range reduction. Deviation: buckets are uniform only up to the bias below, as with any reduction from p.
 *
 * Guarantee: over the seed, any k distinct keys fall into buckets independently; each bucket has a probability within 2/p < 10⁻¹⁸ of
 * 1/buckets (a relative bias of at most 2·buckets/p < 2⁻²⁸).
 * Cost at k = 4: some 15 ns a key and function in blocks; 8·k bytes a function.
 *
 * @param count  functions, independent of each other
 * @param buckets  1 … 2^31
 * @param independence  the k of k-wise, ≥ 2
 * @param seed  64 bits that decide every coefficient
 * @throws TypeError, RangeError when an option or a key is out of range
 * @example bucketHash({ count: 2, buckets: 100, independence: 2, seed: 7 }).bucket(1, 12) // 33
 */
export function bucketHash(options: { count: number; buckets: number; independence: number; seed: Seed }): BucketHash {
  const { count, buckets, independence, seed } = checkObject('bucketHash', options)
  const who = 'bucketHash'
  checkInteger(who, 'count', count, 1, 2 ** 32 - 1)
  checkInteger(who, 'buckets', buckets, 1, 2 ** 31)
  checkInteger(who, 'independence', independence, 2, 2 ** 24)
  const whole = checkSeed(who, seed)
  const words = seedWords(whole)
  const each = 2 * independence
  const coefficients = new Uint32Array(count * each)
  for (let row = 0; row < count; row++) coefficients61(coefficients, row * each, words, independence, row)
  const one = new Uint32Array(1)
  return {
    count,
    buckets,
    independence,
    seed: whole,
    bytes: coefficients.byteLength,
    bucket(row, key) {
      checkInteger(who, 'row', row, 0, count - 1)
      checkInteger(who, 'key', key, 0)
      const own = coefficients.subarray(row * each, (row + 1) * each)
      scalarSketchKernels.polynomials(one, own, 1, independence - 1, Float64Array.of(key), 1, buckets)
      return one[0]
    },
    fill(first, keyCount, out) {
      checkRange(who, first, keyCount)
      checkOut(who, out, count * keyCount)
      const use = sketchKernels()
      consecutive(first, keyCount, (keys, at) => {
        const whole = keys.length === keyCount
        const part = whole ? out : new Uint32Array(count * keys.length)
        use.polynomials(part, coefficients, count, independence - 1, keys, keys.length, buckets)
        if (whole) return
        for (let row = 0; row < count; row++) {
          out.set(part.subarray(row * keys.length, (row + 1) * keys.length), row * keyCount + at)
        }
      })
    },
  }
}
