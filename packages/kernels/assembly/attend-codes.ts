// Attention for one query row over tokens in codes, a block of 64 at a time, in integers.
import { openHeaders } from './code-rows'
import { codeScores } from './code-scores'
import { mixCodes, softenCodes } from './code-mix'

const BLOCK = 64

/**
 * Continues one row's partial softmax over `count` keys. q, units: a query as roundQueries made it; keys, values: the codes of the first row of
 * each, the same stride; bias: floats, or 0; out: the sum so far, dv rounded up to 32; work: 1280 bytes.
 */
export function attendCodes(
  q: usize, units: usize, keys: usize, keyBits: i32, d: i32, values: usize, valueBits: i32, dv: i32, stride: i32,
  bias: usize, count: i32, max: usize, mass: usize, out: usize, work: usize,
): void {
  const outRow = ((dv + 31) & -32) << 2
  const blockBytes = stride * BLOCK
  const scores = work + 896
  for (; count > 0; count -= BLOCK, keys += blockBytes, values += blockBytes) {
    const block = min(BLOCK, count)
    openHeaders(work, work + 256, false, keys - 2, stride, keyBits, block)
    memory.fill(work + 512 + ((block & -8) << 2), 0, 32) // steps of rows that are not there: weights go on to a multiple of 8
    openHeaders(work + 512, work + 768, true, values - 2, stride, valueBits, block)
    codeScores(scores, q, units, keys, stride, keyBits, d, block, work, work + 256)
    if (bias) {
      for (let i: usize = 0; i < (block as usize) << 2; i += 4) {
        store<f32>(scores + i, load<f32>(scores + i) + load<f32>(bias + i))
      }
      bias += 4 * BLOCK
    }
    const unit = softenCodes(scores, block, work + 512, max, mass, out, outRow)
    if (unit > 0) mixCodes(out, scores, block, work + 768, values, stride, valueBits, dv, unit)
  }
}
