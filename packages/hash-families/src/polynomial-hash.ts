import { checkInteger, checkObject, checkSeed, seedWords, type Seed } from '@sublinear/core'
import { isFloat64, scalarSketchKernels, sketchKernels, type SketchKernels } from '@sublinear/kernels'
import { checkOut, checkRange, consecutive } from './keys'
import { evaluateMersenne, mersenne, mersenneCoefficients } from './mersenne'
import { coefficients61 } from './field-61'

export type Prime = '2^31-1' | '2^61-1'

const M31 = mersenne(31)

export interface PolynomialHash<Value extends number | bigint = number | bigint> {
  readonly independence: number
  readonly prime: Prime
  readonly seed: bigint
  readonly stream: number
  /** Bytes of the coefficients. */
  readonly bytes: number
  /** 32-bit words of a value, lowest first: 1 below 2^31 − 1, 2 below 2^61 − 1. */
  readonly words: 1 | 2
  /** The value of a key, 0 … p − 1. */
  value(key: number): Value
  /** Writes the value of key first + c to out[c·words …], for c < count. */
  fill(first: number, count: number, out: Uint32Array): void
  /** Writes the value of keys[c] to out[c·words …], for every key. */
  fillKeys(keys: Float64Array, out: Uint32Array): void
}

export interface PolynomialOptions<P extends Prime = Prime> {
  /** The k of k-wise: the number of coefficients of the polynomial, ≥ 1. */
  readonly independence: number
  /** 64 bits that decide every coefficient. */
  readonly seed: Seed
  /** The field: values are 0 … prime − 1. */
  readonly prime: P
  /** Number of the function among those of the seed: any two are independent of each other. Default 0. */
  readonly stream?: number | undefined
}

/**
 * A random polynomial of degree independence − 1 modulo a Mersenne prime p: a k-wise independent hash of 53-bit keys.
 * Source: Definition 3.2 (one-pass paper); Wegman and Carter, 1981. Deviation: values are 0 … p − 1; `bucketHash` maps them to l buckets.
 *
 * All coefficients are exactly uniform on 0 … p − 1, the leading one too: a family whose leading coefficient is never 0 is not independent. Keys
 * from p = 2^31 − 1 on are elements (key mod p) + ⌊key/p⌋·i of GF(p²), where the same polynomial continues; its real part is
 * the value.
 *
 * Guarantee: over the seed, the values of any k distinct keys 0 … 2^53 − 1 are independent and exactly uniform.
 * Cost at k = 4, in blocks: 15 ns a key mod 2^61 − 1; 27 ns mod 2^31 − 1, twice that from p on. 8 bytes a coefficient.
 *
 * @param independence  the k of k-wise, ≥ 2
 * @param stream  number of the function among those of the seed, 0 … 2^32 − 1
 * @throws TypeError, RangeError when an option or a key is out of range
 * @example polynomialHash({ independence: 4, seed: 7, prime: '2^61-1' }).value(12) // 528170663456260950n
 */
export function polynomialHash(options: PolynomialOptions<'2^31-1'>): PolynomialHash<number>
export function polynomialHash(options: PolynomialOptions<'2^61-1'>): PolynomialHash<bigint>
export function polynomialHash(options: PolynomialOptions): PolynomialHash
export function polynomialHash(options: PolynomialOptions): PolynomialHash {
  const { independence, seed, prime, stream = 0 } = checkObject('polynomialHash', options)
  const who = 'polynomialHash'
  checkInteger(who, 'independence', independence, 2, 2 ** 24)
  checkInteger(who, 'stream', stream, 0, 2 ** 32 - 1)
  if (prime !== '2^31-1' && prime !== '2^61-1') {
    throw new RangeError(`${who}: prime must be '2^31-1' or '2^61-1', got ${String(prime)}`)
  }
  const whole = checkSeed(who, seed)
  const make = prime === '2^31-1' ? small : large
  const { bytes, words, write, read } = make(seedWords(whole), independence, stream)
  const one = new Uint32Array(words)
  return {
    independence,
    prime,
    seed: whole,
    stream,
    bytes,
    words,
    value(key) {
      checkInteger(who, 'key', key, 0)
      write(one, Float64Array.of(key), scalarSketchKernels)
      return read(one)
    },
    fill(first, count, out) {
      checkRange(who, first, count)
      checkOut(who, out, count * words)
      consecutive(first, count, (keys, at) => write(out.subarray(at * words), keys, sketchKernels()))
    },
    fillKeys(keys, out) {
      if (!isFloat64(keys)) throw new TypeError(`${who}: keys must be a Float64Array`)
      checkOut(who, out, keys.length * words)
      for (let c = 0; c < keys.length; c++) {
        if (!(keys[c] >= 0 && Number.isSafeInteger(keys[c]))) checkInteger(who, `keys[${c}]`, keys[c], 0)
      }
      write(out, keys, sketchKernels())
    },
  }
}

interface Polynomial {
  readonly bytes: number
  readonly words: 1 | 2
  /** Writes the values of the keys to the start of `out`. */
  write(out: Uint32Array, keys: Float64Array, use: SketchKernels): void
  read(words: Uint32Array): number | bigint
}

function small(key: [number, number], independence: number, stream: number): Polynomial {
  const coefficients = mersenneCoefficients(M31, key, independence, stream)
  return {
    bytes: coefficients.byteLength,
    words: 1,
    write(out, keys) {
      for (let c = 0; c < keys.length; c++) out[c] = evaluateMersenne(M31, coefficients, keys[c])
    },
    read: (words) => words[0],
  }
}

function large(key: [number, number], independence: number, stream: number): Polynomial {
  const coefficients = new Uint32Array(2 * independence)
  coefficients61(coefficients, 0, key, independence, stream)
  return {
    bytes: coefficients.byteLength,
    words: 2,
    write: (out, keys, use) => use.polynomials(out, coefficients, 1, independence - 1, keys, keys.length, 0),
    read: (words) => BigInt(words[0]) | (BigInt(words[1]) << 32n),
  }
}
