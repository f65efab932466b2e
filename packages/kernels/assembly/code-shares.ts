import { openHeaders } from './code-rows'
import { codeScores } from './code-scores'
import { addWeights } from './shares'

const BLOCK = 64

/** The same over codes: q, units: a query as roundQueries made it; keys: a row's header; scores: 192 floats of scratch. */
export function addCodeShares(
  out: usize, q: usize, units: usize, keys: usize, d: i32, stride: i32, bits: i32, bias: usize, count: i32,
  max: f32, factor: f32, scores: usize,
): void {
  for (; count > 0; count -= BLOCK, keys += (stride as usize) * BLOCK, out += 8 * BLOCK) {
    const block = min(BLOCK, count)
    openHeaders(scores + 256, scores + 512, false, keys, stride, bits, block)
    codeScores(scores, q, units, keys + 2, stride, bits, d, block, scores + 256, scores + 512)
    bias = addWeights(out, scores, bias, block, max, factor)
  }
}
