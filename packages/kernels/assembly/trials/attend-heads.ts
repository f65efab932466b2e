// A trial, and no part of the module: all heads of a layer, one query each, in one call. bench/one-call.mjs compiles and runs it.
import { attendRow } from '../decode'

/**
 * Continues a softmax over each of `count` pieces, 28 bytes apart: q, keys, values, the number of keys, max, mass, out. The pieces of one head follow
 * each other and name the same softmax.
 */
export function attendHeads(pieces: usize, count: i32, d: i32, dv: i32, scores: usize): void {
  for (; count > 0; count--, pieces += 28) {
    attendRow(
      load<u32>(pieces), d, load<u32>(pieces, 4), load<u32>(pieces, 8), dv, 0, load<i32>(pieces, 12),
      load<u32>(pieces, 16), load<u32>(pieces, 20), load<u32>(pieces, 24), scores, false,
    )
  }
}
