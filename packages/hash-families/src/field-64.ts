// GF(2⁶⁴) = GF(2)[x]/(x⁶⁴ + x⁴ + x³ + x + 1). An element is two 32-bit words, the lower first; addition is XOR.

/** Computes out = a·b. */
export function multiply64(out: Uint32Array, aLow: number, aHigh: number, bLow: number, bHigh: number): void {
  let w0 = 0
  let w1 = 0
  let w2 = 0
  let w3 = 0
  for (let i = 0; i < 32; i++) {
    const low = -((bLow >>> i) & 1)
    const high = -((bHigh >>> i) & 1)
    const a0 = aLow << i
    const a1 = (aHigh << i) | ((aLow >>> 1) >>> (31 - i))
    const a2 = (aHigh >>> 1) >>> (31 - i)
    w0 ^= a0 & low
    w1 ^= (a1 & low) ^ (a0 & high)
    w2 ^= (a2 & low) ^ (a1 & high)
    w3 ^= a2 & high
  }
  reduce(out, w0, w1, w2, w3)
}

/** Computes out = a². */
export function square64(out: Uint32Array, low: number, high: number): void {
  reduce(out, spread(low), spread(low >>> 16), spread(high), spread(high >>> 16))
}

/** Computes out = a·xⁱ for i < 28. */
export function shift64(out: Uint32Array, low: number, high: number, i: number): void {
  const over = (high >>> 1) >>> (31 - i)
  reduce(out, low << i, (high << i) | ((low >>> 1) >>> (31 - i)), over, 0)
}

/** Reduces a product of four words by x⁶⁴ = x⁴ + x³ + x + 1. */
function reduce(out: Uint32Array, w0: number, w1: number, w2: number, w3: number): void {
  w1 ^= w3 ^ (w3 << 1) ^ (w3 << 3) ^ (w3 << 4)
  w2 ^= (w3 >>> 31) ^ (w3 >>> 29) ^ (w3 >>> 28)
  out[0] = w0 ^ w2 ^ (w2 << 1) ^ (w2 << 3) ^ (w2 << 4)
  out[1] = w1 ^ (w2 >>> 31) ^ (w2 >>> 29) ^ (w2 >>> 28)
}

/** Spreads the low 16 bits: a zero behind each. */
function spread(word: number): number {
  let x = word & 0xffff
  x = (x | (x << 8)) & 0x00ff00ff
  x = (x | (x << 4)) & 0x0f0f0f0f
  x = (x | (x << 2)) & 0x33333333
  return (x | (x << 1)) & 0x55555555
}

/** XOR of all bits. */
export function parity(word: number): number {
  word ^= word >>> 16
  word ^= word >>> 8
  word ^= word >>> 4
  return (0x6996 >>> (word & 15)) & 1
}
