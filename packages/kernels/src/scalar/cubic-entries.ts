import type { SketchKernels } from '../sketch-kernels'

// Numbers mod p = 2⁶¹ − 1 are three limbs of 20, 20 and 21 bits, lowest first.
const B = 2 ** 20
const TOP = 2 ** 21

export const cubicEntries: SketchKernels['cubicEntries'] = (
  targets,
  factors,
  values,
  skip,
  count,
  functions,
  height,
  unit,
) => {
  for (let e = 0; e < functions; e++) {
    const [h0, h1, h2, h3] = [0, 1, 2, 3].map((i) => limbs(values[e * 8 + i * 2], values[e * 8 + i * 2 + 1]))
    const [a, b, c] = [difference(h1, h0), difference(h2, h1), difference(h3, h2)]
    const [h, d1, d2] = [h0, a, difference(b, a)]
    const d3 = difference(difference(c, b), d2)
    for (let i = -skip; i < count; i++) {
      if (i >= 0) {
        const share = shareOf(h, 2 * height)
        targets[i * functions + e] = e * height + Math.floor(share / 2)
        factors[i * functions + e] = share % 2 === 0 ? unit : -unit
      }
      add(h, d1)
      add(d1, d2)
      add(d2, d3)
    }
  }
}

function limbs(low: number, high: number): number[] {
  return [low & 0xfffff, (low >>> 20) | ((high & 0xff) << 12), high >>> 8]
}

/** Computes a += b mod p; a, b and the sum are 0 … p − 1. */
function add(a: number[], b: number[]): void {
  a[0] += b[0]
  a[1] += b[1]
  a[2] += b[2]
  carry(a)
}

function difference(a: number[], b: number[]): number[] {
  const out = [a[0] + B - 1 - b[0], a[1] + B - 1 - b[1], a[2] + TOP - 1 - b[2]] // a + p − b
  carry(out)
  return out
}

function carry(a: number[]): void {
  for (let over = 1; over > 0;) {
    const c0 = Math.floor(a[0] / B)
    a[0] -= c0 * B
    a[1] += c0
    const c1 = Math.floor(a[1] / B)
    a[1] -= c1 * B
    a[2] += c1
    over = Math.floor(a[2] / TOP) // 2⁶¹ = 1
    a[2] -= over * TOP
    a[0] += over
  }
  if (a[0] === B - 1 && a[1] === B - 1 && a[2] === TOP - 1) a.fill(0)
}

/** ⌊value·count/2⁶¹⌋ for count ≤ 2³¹. */
function shareOf(a: number[], count: number): number {
  const low = Math.floor((a[0] * count) / B)
  const middle = Math.floor((a[1] * count + low) / B)
  return Math.floor((a[2] * count + middle) / TOP)
}
