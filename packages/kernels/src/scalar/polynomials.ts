import type { SketchKernels } from '../sketch-kernels'

// Numbers mod p = 2⁶¹ − 1 are three limbs of 20, 20 and 21 bits, lowest first: products of limbs are exact in doubles.
const B = 2 ** 20
const TOP = 2 ** 21

export const polynomials: SketchKernels['polynomials'] = (
  out,
  coefficients,
  functions,
  degree,
  keys,
  count,
  buckets,
) => {
  const limbs = new Float64Array(3 * (degree + 1))
  const value = new Float64Array(3)
  for (let f = 0, at = 0; f < functions; f++) {
    split(limbs, coefficients, 2 * (degree + 1) * f)
    for (let c = 0; c < count; c++) {
      evaluate(limbs, keys[c], value)
      if (buckets > 0) out[at++] = share(value, buckets)
      else {
        out[at++] = value[0] + value[1] * B // its low 32 bits
        out[at++] = Math.floor(value[1] / 2 ** 12) + value[2] * 2 ** 8
      }
    }
  }
}

function split(limbs: Float64Array, words: Uint32Array, from: number): void {
  for (let i = 0; i < limbs.length; i += 3, from += 2) {
    limbs[i] = words[from] & 0xfffff
    limbs[i + 1] = (words[from] >>> 20) | ((words[from + 1] & 0xff) << 12)
    limbs[i + 2] = words[from + 1] >>> 8
  }
}

/**
 * Evaluates by Horner's rule; out is reduced to 0 … p − 1. Between steps limbs may be a little too large: a0 < 2²², a1 < 2²⁰, a2 < 2²¹, so that every sum
 * below stays under 2⁵³.
 */
function evaluate(limbs: Float64Array, key: number, out: Float64Array): void {
  const x2 = Math.floor(key / (B * B)) // 13 bits
  const x1 = Math.floor(key / B) - x2 * B
  const x0 = key - (x2 * B + x1) * B
  let j = limbs.length - 3
  let a0 = limbs[j]
  let a1 = limbs[j + 1]
  let a2 = limbs[j + 2]
  for (j -= 3; j >= 0; j -= 3) {
    // 2⁶⁰·t = ⌊t/2⌋ + 2⁶⁰·(t mod 2) and 2⁸⁰·t = 2²⁰·⌊t/2⌋ + 2¹⁹·(t mod 2), since 2⁶¹ = 1
    const t3 = a1 * x2 + a2 * x1
    const t4 = a2 * x2
    const q3 = Math.floor(t3 / 2)
    const q4 = Math.floor(t4 / 2)
    const s0 = a0 * x0 + q3 + (t4 - 2 * q4) * (B / 2) + limbs[j]
    const c0 = Math.floor(s0 / B)
    const s1 = a0 * x1 + a1 * x0 + q4 + limbs[j + 1] + c0
    const c1 = Math.floor(s1 / B)
    const s2 = a0 * x2 + a1 * x1 + a2 * x0 + (t3 - 2 * q3) * B + limbs[j + 2] + c1
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

/** ⌊value·buckets / 2⁶¹⌋, exactly. */
function share(limbs: Float64Array, buckets: number): number {
  const low = Math.floor((limbs[0] * buckets) / B)
  const middle = Math.floor((limbs[1] * buckets + low) / B)
  return Math.floor((limbs[2] * buckets + middle) / TOP)
}
