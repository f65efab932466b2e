/** The Mersenne prime 2^61 − 1. */
export const P = (1n << 61n) - 1n

/** x mod p for |x| below about p², as 0 … p − 1. */
export function modulo(x: bigint): bigint {
  const rest = x % P
  return rest < 0n ? rest + P : rest
}

/** 1/x mod p for x ≠ 0: x^(p − 2). */
export function inverse(x: bigint): bigint {
  let out = 1n
  let power = x
  for (let e = P - 2n; e > 0n; e >>= 1n) {
    if (e & 1n) out = (out * power) % P
    power = (power * power) % P
  }
  return out
}
