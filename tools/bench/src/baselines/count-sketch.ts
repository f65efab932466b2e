/** The value of a cubic polynomial mod 2⁶¹ − 1 at a small key, written in the plainest way: BigInt and Horner's rule. */
export function bigHash(coefficients: readonly bigint[], key: number): bigint {
  const prime = (1n << 61n) - 1n
  const x = BigInt(key)
  return coefficients.reduceRight((h, c) => (h * x + c) % prime, 0n)
}

/**
 * CountSketch in plain JavaScript: out[row(j), :] += sign(j)·block[j − first, :], row and sign from one hash of j below 2^53.
 * Its inner loop was the fastest of four: the others went through subarrays, were unrolled, or branched on the sign.
 */
export function countSketchRows(
  out: Float32Array,
  block: Float32Array,
  share: (key: number) => number,
  first: number,
  rows: number,
  width: number,
): void {
  for (let r = 0; r < rows; r++) {
    const t = share(first + r)
    const to = (t >> 1) * width
    const sign = t & 1 ? -1 : 1
    const from = r * width
    for (let c = 0; c < width; c++) out[to + c] += sign * block[from + c]
  }
}

/**
 * The value of a cubic polynomial mod 2³¹ − 1 at a key below that, without BigInt: quotients come from doubles, remainders from 32-bit products.
 * It was the fastest 4-wise independent hash found in plain JavaScript; the package hashes keys of 53 bits mod 2⁶¹ − 1.
 */
export function wordHash([c0, c1, c2, c3]: readonly number[], key: number): number {
  return step(step(step(c3, key, c2), key, c1), key, c0)
}

const P = 2 ** 31 - 1
const INVERSE = (1 / P) * (1 - 2 ** -51)

/** a·x + c mod p, in 0 … p. */
function step(a: number, x: number, c: number): number {
  const quotient = (a * x * INVERSE) | 0
  const rest = (Math.imul(a, x) - (quotient << 31) + quotient) | 0
  const sum = (rest >>> 31) + (rest & P) + c
  return (sum >>> 31) + (sum & P)
}
