/**
 * Philox4x32-10: 128 random bits as a pure function of a 64-bit key and a 128-bit counter.
 * Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011); its known answers are tests.
 *
 * @param out  four words, overwritten
 * @param keyLow, keyHigh  32-bit words of the key (here: the seed)
 * @param c0 … c3  32-bit words of the counter
 */
export function philox(
  out: Uint32Array,
  keyLow: number,
  keyHigh: number,
  c0: number,
  c1: number,
  c2: number,
  c3: number,
): void {
  let k0 = keyLow | 0
  let k1 = keyHigh | 0
  for (let round = 0; round < 10; round++) {
    const high0 = highProduct(0xd2511f53, c0)
    const low0 = Math.imul(0xd2511f53, c0)
    const high1 = highProduct(0xcd9e8d57, c2)
    const low1 = Math.imul(0xcd9e8d57, c2)
    c0 = high1 ^ c1 ^ k0
    c2 = high0 ^ c3 ^ k1
    c1 = low1
    c3 = low0
    k0 = (k0 + 0x9e3779b9) | 0
    k1 = (k1 + 0xbb67ae85) | 0
  }
  out[0] = c0
  out[1] = c1
  out[2] = c2
  out[3] = c3
}

/** The upper 32 bits of the 64-bit product of two 32-bit words. */
function highProduct(a: number, b: number): number {
  const aLow = a & 0xffff
  const aHigh = a >>> 16
  const bLow = b & 0xffff
  const bHigh = b >>> 16
  const low = aLow * bLow
  const middle = aHigh * bLow + (low >>> 16) // < 2^32
  const other = aLow * bHigh + (middle & 0xffff) // < 2^32
  return (aHigh * bHigh + Math.floor(middle / 65536) + Math.floor(other / 65536)) | 0
}
