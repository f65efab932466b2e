import { philox } from '@sublinear/core'
import { STREAMS } from './streams'

/**
 * Draws coefficients of a polynomial mod p = 2⁶¹ − 1, two words each, the lower first: uniform on 0 … p − 1, by rejection of the one value of 61 bits that is
 * too many. `out` is filled from `at` on.
 */
export function coefficients61(
  out: Uint32Array,
  at: number,
  key: readonly [number, number],
  count: number,
  stream: number,
): void {
  const words = new Uint32Array(4)
  for (let j = 0; j < count; j++) {
    for (let attempt = 0; ; attempt++) {
      philox(words, key[0], key[1], j, stream, attempt, STREAMS.polynomial61)
      out[at + 2 * j] = words[0]
      out[at + 2 * j + 1] = words[1] >>> 3
      if (words[0] !== 0xffffffff || words[1] >>> 3 !== 0x1fffffff) break
    }
  }
}
