import { philox } from '@sublinear/core'
import { STREAMS } from './streams'

/** A field of p = 2^bits − 1 elements, where p is a prime, p ≡ 3 mod 4 and bits ≤ 31. The tests enumerate bits = 2 and 3. */
export interface Mersenne {
  readonly bits: number
  readonly p: number
  /** Number just below 1/p, so that a rounded quotient is the true one or one less. */
  readonly inverse: number
}

export function mersenne(bits: number): Mersenne {
  const p = 2 ** bits - 1
  return { bits, p, inverse: (1 / p) * (1 - 2 ** -51) }
}

/**
 * Draws the coefficients of a random polynomial over GF(p²) = GF(p)[i]/(i² + 1): real and imaginary parts in turn, each uniform on 0 … p − 1, by rejection of
 * the one value of `bits` bits that is too many.
 */
export function mersenneCoefficients(
  { bits, p }: Mersenne,
  key: readonly [number, number],
  count: number,
  stream: number,
): Int32Array {
  const out = new Int32Array(2 * count)
  const words = new Uint32Array(4)
  for (let i = 0; i < out.length; i++) {
    for (let attempt = 0; ; attempt++) {
      philox(words, key[0], key[1], i >> 1, stream, attempt, STREAMS.polynomial31)
      out[i] = words[i & 1] >>> (32 - bits)
      if (out[i] < p) break
    }
  }
  return out
}

/**
 * Evaluates the polynomial at a key below p²: below p the plain polynomial of the real parts; from p on the real part of the polynomial
 * over GF(p²) at (key mod p) + ⌊key/p⌋·i, which agrees with it below p.
 */
export function evaluateMersenne(field: Mersenne, coefficients: Int32Array, key: number): number {
  const { bits, p, inverse } = field
  if (key >= p) return evaluateWide(field, coefficients, key)
  const x = key | 0
  let value = coefficients[coefficients.length - 2]
  for (let j = coefficients.length - 4; j >= 0; j -= 2) {
    value = fold((times(value, x, bits, p, inverse) + coefficients[j]) | 0, bits, p)
  }
  return value === p ? 0 : value
}

function evaluateWide({ bits, p, inverse }: Mersenne, coefficients: Int32Array, key: number): number {
  const y = Math.floor(key / p)
  const x = key - y * p
  let j = coefficients.length - 2
  let real = coefficients[j]
  let imaginary = coefficients[j + 1]
  for (j -= 2; j >= 0; j -= 2) {
    const turned = p - times(imaginary, y, bits, p, inverse) // i² = −1
    const next = fold((fold((times(real, x, bits, p, inverse) + turned) | 0, bits, p) + coefficients[j]) | 0, bits, p)
    const across = fold((times(real, y, bits, p, inverse) + times(imaginary, x, bits, p, inverse)) | 0, bits, p)
    imaginary = fold((across + coefficients[j + 1]) | 0, bits, p)
    real = next
  }
  return real === p ? 0 : real
}

/** Computes a·b mod p for a, b in 0 … p, as a number in 0 … p. The quotient comes from doubles, the remainder from 32-bit products. */
function times(a: number, b: number, bits: number, p: number, inverse: number): number {
  const quotient = (a * b * inverse) | 0
  const rest = (Math.imul(a, b) - (quotient << bits) + quotient) | 0 // taken as an unsigned word, it is below 2p
  return (rest >>> bits) + (rest & p)
}

/** Folds a sum of two numbers in 0 … p, given as a word, back to 0 … p. */
function fold(sum: number, bits: number, p: number): number {
  return (sum >>> bits) + (sum & p)
}
