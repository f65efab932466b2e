// Attention for one query row over tokens in codes, a block of 64 at a time, in integers.
import { openHeaders } from './code-rows'
import { codeScores } from './code-scores'
import { mixCodes, softenCodes } from './code-mix'

const BLOCK = 64

/**
 * Continues one row's partial softmax over `count` keys. q, units: a query as roundQueries made it; keys, values: the codes of the first row of
 * each, the same stride; headers: what openHeaders gave, `room` rows of each: steps and shifts of keys, steps of values, and their shifts in 16 bits; with room 0 they are opened here,
 * block by block, two bytes before the codes, and headers are 896 bytes of scratch;
 * bias: floats, or 0; out: the sum so far, dv rounded up to 32; scores: 384 bytes of scratch.
 */
export function attendCodes(
  q: usize, units: usize, keys: usize, keyBits: i32, d: i32, values: usize, valueBits: i32, dv: i32, stride: i32,
  headers: usize, room: i32, bias: usize, count: i32, max: usize, mass: usize, out: usize, scores: usize,
): void {
  const outRow = ((dv + 31) & -32) << 2
  const blockBytes = stride * BLOCK
  const isOpen = room > 0
  const column = isOpen ? (room as usize) << 2 : 4 * BLOCK
  const step: usize = isOpen ? 4 * BLOCK : 0
  let shifts = headers + 3 * column
  for (; count > 0; count -= BLOCK, keys += blockBytes, values += blockBytes, headers += step, shifts += step >> 1) {
    const block = min(BLOCK, count)
    if (!isOpen) {
      openHeaders(headers, headers + column, false, keys - 2, stride, keyBits, block)
      openHeaders(headers + 2 * column, shifts, true, values - 2, stride, valueBits, block)
    }
    codeScores(scores, q, units, keys, stride, keyBits, d, block, headers, headers + column)
    if (bias) {
      for (let i: usize = 0; i < (block as usize) << 2; i += 4) {
        store<f32>(scores + i, load<f32>(scores + i) + load<f32>(bias + i))
      }
      bias += 4 * BLOCK
    }
    const unit = softenCodes(scores, block, headers + 2 * column, max, mass, out, outRow)
    if (unit > 0) mixCodes(out, scores, block, shifts, values, stride, valueBits, dv, unit)
  }
}
