import { philox } from '@sublinear/core'
import { STREAMS } from './streams'

export const P31 = 2 ** 31 - 1
/** Just below 1/p, so that the rounded quotient is the true one or one less. */
const INVERSE = (1 / P31) * (1 - 2 ** -51)

/**
 * Coefficients of a random polynomial over GF(p²) = GF(p)[i]/(i² + 1), p = 2³¹ − 1 ≡ 3 mod 4: real and imaginary parts in turn,
 * each uniform on 0 … p − 1 by rejection of the one 31-bit word too many.
 */
export function coefficients31(key: readonly [number, number], count: number, stream: number): Int32Array {
  const out = new Int32Array(2 * count)
  const words = new Uint32Array(4)
  for (let i = 0; i < out.length; i++) {
    for (let attempt = 0; ; attempt++) {
      if (i % 2 === 0 || attempt > 0) philox(words, key[0], key[1], i >> 1, stream, attempt, STREAMS.polynomial31)
      out[i] = words[i % 2] >>> 1
      if (out[i] < P31) break
    }
  }
  return out
}

/**
 * The polynomial at a key of 53 bits: below p the plain polynomial of the real parts; from p on the real part of the
 * polynomial over GF(p²) at (key mod p) + ⌊key/p⌋·i, which agrees with it below p.
 */
export function evaluate31(coefficients: Int32Array, key: number): number {
  if (key >= P31) return evaluateWide(coefficients, key)
  let value = coefficients[coefficients.length - 2]
  for (let j = coefficients.length - 4; j >= 0; j -= 2) value = fold(times(value, key) + coefficients[j])
  return value === P31 ? 0 : value
}

function evaluateWide(coefficients: Int32Array, key: number): number {
  const y = Math.floor(key / P31)
  const x = key - y * P31
  let j = coefficients.length - 2
  let real = coefficients[j]
  let imaginary = coefficients[j + 1]
  for (j -= 2; j >= 0; j -= 2) {
    const next = fold(fold(times(real, x) + P31 - times(imaginary, y)) + coefficients[j])
    imaginary = fold(fold(times(real, y) + times(imaginary, x)) + coefficients[j + 1])
    real = next
  }
  return real === P31 ? 0 : real
}

/** a·b mod p for a, b in 0 … p, as a number in 0 … p. The quotient comes from doubles, the remainder from 32-bit products. */
function times(a: number, b: number): number {
  const quotient = (a * b * INVERSE) | 0
  const rest = (Math.imul(a, b) - (quotient << 31) + quotient) | 0 // as a word: below 2p
  return (rest >>> 31) + (rest & P31)
}

/** A sum of two numbers in 0 … p, back to 0 … p. */
function fold(sum: number): number {
  return (sum >>> 31) + (sum & P31)
}
