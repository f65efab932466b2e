import { philox } from '@sublinear/core'
import { STREAMS } from './streams'

/** Numbers mod p = 2⁶¹ − 1 are three limbs of 20, 20 and 21 bits, lowest first: every product of limbs is exact in a double. */
export const LIMBS = 3
const B = 2 ** 20
const TOP = 2 ** 21

/** Coefficients uniform on 0 … p − 1, by rejection of the one 61-bit value too many. */
export function coefficients61(key: readonly [number, number], count: number, stream: number): Float64Array {
  const out = new Float64Array(LIMBS * count)
  const words = new Uint32Array(4)
  for (let j = 0; j < count; j++) {
    for (let attempt = 0; ; attempt++) {
      philox(words, key[0], key[1], j, stream, attempt, STREAMS.polynomial61)
      const low = words[0]
      const high = words[1] >>> 3
      if (low === 0xffffffff && high === 0x1fffffff) continue
      out[LIMBS * j] = low & 0xfffff
      out[LIMBS * j + 1] = (low >>> 20) | ((high & 0xff) << 12)
      out[LIMBS * j + 2] = high >>> 8
      break
    }
  }
  return out
}

/**
 * The polynomial at a key below 2⁵³, by Horner's rule; out is three limbs, reduced to 0 … p − 1.
 *
 * Limbs stay a little too large between steps: a0 < 2²², a1 < 2²⁰, a2 < 2²¹, so every sum below is under 2⁵³.
 */
export function evaluate61(coefficients: Float64Array, key: number, out: Float64Array): void {
  const x2 = Math.floor(key / (B * B)) // 13 bits
  const x1 = Math.floor(key / B) - x2 * B
  const x0 = key - (x2 * B + x1) * B
  let j = coefficients.length - LIMBS
  let a0 = coefficients[j]
  let a1 = coefficients[j + 1]
  let a2 = coefficients[j + 2]
  for (j -= LIMBS; j >= 0; j -= LIMBS) {
    // 2⁶⁰·t = ⌊t/2⌋ + 2⁶⁰·(t mod 2) and 2⁸⁰·t = 2²⁰·⌊t/2⌋ + 2¹⁹·(t mod 2), since 2⁶¹ = 1
    const t3 = a1 * x2 + a2 * x1
    const t4 = a2 * x2
    const q3 = Math.floor(t3 / 2)
    const q4 = Math.floor(t4 / 2)
    const s0 = a0 * x0 + q3 + (t4 - 2 * q4) * (B / 2) + coefficients[j]
    const c0 = Math.floor(s0 / B)
    const s1 = a0 * x1 + a1 * x0 + q4 + coefficients[j + 1] + c0
    const c1 = Math.floor(s1 / B)
    const s2 = a0 * x2 + a1 * x1 + a2 * x0 + (t3 - 2 * q3) * B + coefficients[j + 2] + c1
    const c2 = Math.floor(s2 / TOP)
    a0 = s0 - c0 * B + c2
    a1 = s1 - c1 * B
    a2 = s2 - c2 * TOP
  }
  for (let pass = 0; pass < 2; pass++) {
    const c0 = Math.floor(a0 / B)
    a1 += c0
    const c1 = Math.floor(a1 / B)
    a2 += c1
    const c2 = Math.floor(a2 / TOP)
    a0 += c2 - c0 * B
    a1 -= c1 * B
    a2 -= c2 * TOP
  }
  const isP = a0 === B - 1 && a1 === B - 1 && a2 === TOP - 1
  out[0] = isP ? 0 : a0
  out[1] = isP ? 0 : a1
  out[2] = isP ? 0 : a2
}

/** ⌊value·count / 2⁶¹⌋ for count ≤ 2³¹, exactly. */
export function share61(limbs: Float64Array, count: number): number {
  const low = Math.floor((limbs[0] * count) / B)
  const middle = Math.floor((limbs[1] * count + low) / B)
  return Math.floor((limbs[2] * count + middle) / TOP)
}
