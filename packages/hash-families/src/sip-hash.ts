/**
 * Computes SipHash-2-4: 64 bits of some bytes under a 128-bit key, the lower word first.
 * Source: J.-P. Aumasson and D. J. Bernstein, "SipHash: a fast short-input PRF" (2012). Deviation: none; its vectors are tests.
 *
 * The 64-bit words are computed in 32-bit halves, since JavaScript has no fast 64-bit integers: v0 is (a1, a0), v1 (b1, b0), v2 (c1, c0), v3 (d1, d0).
 *
 * @param out  two words, overwritten
 * @param key  four words, lowest first
 * @param bytes  bytes, of which the first `length` are hashed
 */
export function sipHash(out: Uint32Array, key: Uint32Array, bytes: Uint8Array, length: number): void {
  let a0 = key[0] ^ 0x70736575
  let a1 = key[1] ^ 0x736f6d65
  let b0 = key[2] ^ 0x6e646f6d
  let b1 = key[3] ^ 0x646f7261
  let c0 = key[0] ^ 0x6e657261
  let c1 = key[1] ^ 0x6c796765
  let d0 = key[2] ^ 0x79746573
  let d1 = key[3] ^ 0x74656462
  const whole = length & ~7
  for (let at = 0, rounds = 2, done = false; !done; at += 8) {
    let low = 0
    let high = 0
    if (at < whole) {
      low = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)
      high = bytes[at + 4] | (bytes[at + 5] << 8) | (bytes[at + 6] << 16) | (bytes[at + 7] << 24)
    } else if (at === whole) {
      // the last word: the remaining bytes, with the length modulo 256 on top
      for (let i = whole; i < length; i++) {
        const byte = bytes[i] << (8 * (i & 7)) // a shift counts modulo 32
        if (i - whole < 4) low |= byte
        else high |= byte
      }
      high |= length << 24
    } else {
      c0 ^= 0xff // finalisation: four rounds without input
      rounds = 4
      done = true
    }
    d0 ^= low
    d1 ^= high
    for (; rounds > 0; rounds--) {
      let sum = (a0 >>> 0) + (b0 >>> 0) // v0 += v1
      a1 = (a1 + b1 + (sum > 0xffffffff ? 1 : 0)) | 0
      a0 = sum | 0
      let kept = b0 // v1 <<<= 13, ^= v0
      b0 = ((b0 << 13) | (b1 >>> 19)) ^ a0
      b1 = ((b1 << 13) | (kept >>> 19)) ^ a1
      kept = a0 // v0 <<<= 32
      a0 = a1
      a1 = kept
      sum = (c0 >>> 0) + (d0 >>> 0) // v2 += v3
      c1 = (c1 + d1 + (sum > 0xffffffff ? 1 : 0)) | 0
      c0 = sum | 0
      kept = d0 // v3 <<<= 16, ^= v2
      d0 = ((d0 << 16) | (d1 >>> 16)) ^ c0
      d1 = ((d1 << 16) | (kept >>> 16)) ^ c1
      sum = (a0 >>> 0) + (d0 >>> 0) // v0 += v3
      a1 = (a1 + d1 + (sum > 0xffffffff ? 1 : 0)) | 0
      a0 = sum | 0
      kept = d0 // v3 <<<= 21, ^= v0
      d0 = ((d0 << 21) | (d1 >>> 11)) ^ a0
      d1 = ((d1 << 21) | (kept >>> 11)) ^ a1
      sum = (c0 >>> 0) + (b0 >>> 0) // v2 += v1
      c1 = (c1 + b1 + (sum > 0xffffffff ? 1 : 0)) | 0
      c0 = sum | 0
      kept = b0 // v1 <<<= 17, ^= v2
      b0 = ((b0 << 17) | (b1 >>> 15)) ^ c0
      b1 = ((b1 << 17) | (kept >>> 15)) ^ c1
      kept = c0 // v2 <<<= 32
      c0 = c1
      c1 = kept
    }
    rounds = 2
    a0 ^= low
    a1 ^= high
  }
  out[0] = a0 ^ b0 ^ c0 ^ d0
  out[1] = a1 ^ b1 ^ c1 ^ d1
}
