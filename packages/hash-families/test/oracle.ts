import { philox } from '@sublinear/core'

// The families of this package in BigInt, from their definitions: nothing here is shared with src.

export const P31 = 2n ** 31n - 1n
export const P61 = 2n ** 61n - 1n

function words(seed: bigint, ...counter: [number, number, number, number]): bigint[] {
  const out = new Uint32Array(4)
  philox(out, Number(seed & 0xffffffffn), Number(seed >> 32n), ...counter)
  return [...out].map(BigInt)
}

/** Coefficient j of function `stream` mod 2^31 − 1: real and imaginary part. */
export function coefficient31(seed: bigint, stream: number, j: number): [bigint, bigint] {
  const part = (word: number) => {
    for (let attempt = 0; ; attempt++) {
      const value = words(seed, j, stream, attempt, 0x68310000)[word] >> 1n
      if (value < P31) return value
    }
  }
  return [part(0), part(1)]
}

export function coefficient61(seed: bigint, stream: number, j: number): bigint {
  for (let attempt = 0; ; attempt++) {
    const [low, high] = words(seed, j, stream, attempt, 0x68610000)
    const value = low | ((high >> 3n) << 32n)
    if (value < P61) return value
  }
}

export function polynomial61(coefficients: readonly bigint[], key: number): bigint {
  return coefficients.reduceRight((value, c) => (value * BigInt(key) + c) % P61, 0n)
}

/** The real part of the polynomial at (key mod p) + ⌊key/p⌋·i, by powers of the key and not by Horner's rule. */
export function polynomialOverPairs(
  p: bigint,
  coefficients: readonly (readonly [bigint, bigint])[],
  key: number,
): bigint {
  const [x, y] = [BigInt(key) % p, BigInt(key) / p]
  let power: [bigint, bigint] = [1n, 0n]
  let sum = 0n
  for (const [real, imaginary] of coefficients) {
    sum += real * power[0] - imaginary * power[1]
    power = [(power[0] * x - power[1] * y) % p, (power[0] * y + power[1] * x) % p]
  }
  return ((sum % p) + p) % p
}

/** The product in GF(2)[x] modulo a polynomial. */
export function product2(a: bigint, b: bigint, modulus: bigint): bigint {
  let product = 0n
  for (let i = 0n; b >> i; i++) if ((b >> i) & 1n) product ^= a << i
  const degree = modulus.toString(2).length
  while (product.toString(2).length >= degree) {
    product ^= modulus << BigInt(product.toString(2).length - degree)
  }
  return product
}

export const MODULUS64 = (1n << 64n) | 0b11011n

export function parity2(x: bigint): number {
  return x.toString(2).replaceAll('0', '').length % 2
}

/** The sign of function `row`: (−1) to the power c ⊕ ⟨a, x⟩ ⊕ ⟨b, x³⟩. */
export function sign(seed: bigint, row: number, index: number): number {
  const [a0, a1, b0, b1] = words(seed, row, 0, 0, 0x68640000)
  const constants = words(seed, row >> 7, 1, 0, 0x68640000)
  const c = Number((constants[(row >> 5) & 3] >> BigInt(row & 31)) & 1n)
  const x = BigInt(index)
  const cube = product2(product2(x, x, MODULUS64), x, MODULUS64)
  return (c ^ parity2((a0 | (a1 << 32n)) & x) ^ parity2((b0 | (b1 << 32n)) & cube)) === 1 ? -1 : 1
}

/** Word of a table of derived tabulation. */
export function tableWord(seed: bigint, i: number): number {
  return Number(words(seed, i >> 2, 0, 0, 0x68740000)[i & 3])
}

/** Numbers 0 … 2^53 − 1 of every size, the same for the same seed. */
export function randomKeys(count: number, seed: number): Float64Array {
  const out = new Uint32Array(4)
  return Float64Array.from({ length: count }, (_, i) => {
    philox(out, seed, 0, i, 0, 0, 1)
    return Math.floor(((out[0] & 0x1fffff) * 2 ** 32 + out[1]) / 2 ** (out[2] % 54))
  })
}

/** Keys where carries and folds happen. */
export const EDGES: readonly number[] = [
  ...new Set(
    [0, 2 ** 20, 2 ** 21, 2 ** 30, 2 ** 31, 2 ** 32, 2 ** 33, 2 ** 40, 2 ** 52, 2 ** 53 - 2]
      .concat([1, 2, 3, 1000, 2 ** 21, 2 ** 22 - 1, 2 ** 22].map((k) => k * (2 ** 31 - 1)))
      .flatMap((x) => [x - 2, x - 1, x, x + 1, x + 2]),
  ),
].filter((x) => x >= 0 && x <= Number.MAX_SAFE_INTEGER)
