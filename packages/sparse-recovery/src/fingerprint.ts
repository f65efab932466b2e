import { polynomialHash } from '@sublinear/hash-families'
import { P } from './field-61'

/** The polynomial of the seed from which the four points are taken. */
const STREAM = 0x73750000

/**
 * Makes a fingerprint f(i) = r₀^{i₀}·r₁^{i₁}·r₂^{i₂}·r₃^{i₃} mod p = 2⁶¹ − 1, for the four bytes of i and random points r.
 *
 * Guarantee: for any vector x ≠ 0 of integers mod p, Σ f(i)·xᵢ = 0 with probability at most 4·255/p < 2⁻⁵⁰ over the points, since it is
 * a polynomial of that total degree in them (Schwartz and Zippel).
 */
export function fingerprint(seed: bigint): (index: number) => bigint {
  const point = polynomialHash({ independence: 4, seed, prime: '2^61-1', stream: STREAM }).value // four keys: independent
  const powers = [0, 1, 2, 3].map((digit) => {
    const r = point(digit)
    const table = new BigUint64Array(256)
    table[0] = 1n
    for (let e = 1; e < 256; e++) table[e] = (table[e - 1] * r) % P
    return table
  })
  return (index) => {
    let product = powers[0][index & 255]
    if (index > 0xff) product = (product * powers[1][(index >>> 8) & 255]) % P
    if (index > 0xffff) product = (product * powers[2][(index >>> 16) & 255]) % P
    if (index > 0xffffff) product = (product * powers[3][index >>> 24]) % P
    return product
  }
}
