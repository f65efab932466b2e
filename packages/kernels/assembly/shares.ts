import { openHeaders } from './code-rows'
import { codeScores } from './code-scores'
import { dots } from './decode'
import { constant, weight } from './exponential'

const BLOCK = 64

/**
 * Adds what each of `count` keys receives of the softmax of one row: e^{min(0, score + bias − max)}·factor is added to `out` (doubles, room for a multiple of
 * 4). q: the row times scale, over keys of d floats, or with `bits` a query as roundQueries made it, over codes; bias: floats, or 0; scores: 192 floats of scratch.
 */
export function addShares(
  out: usize, q: usize, units: usize, keys: usize, d: i32, stride: i32, bits: i32, bias: usize, count: i32,
  max: f32, factor: f32, scores: usize,
): void {
  const inverse = constant(0), magic = constant(12), ln2 = constant(13)
  const p1 = constant(4), p2 = constant(5), p3 = constant(6), p4 = constant(7), p5 = constant(8), one = constant(9)
  const lowest = constant(14)
  const zero = f32x4.splat(0), tops = f32x4.splat(max), factors = f32x4.splat(factor)
  for (; count > 0; count -= BLOCK, keys += (stride as usize) * BLOCK) {
    const block = min(BLOCK, count)
    if (bits) {
      openHeaders(scores + 256, scores + 512, false, keys, stride, bits, block)
      codeScores(scores, q, units, keys + 2, stride, bits, d, block, scores + 256, scores + 512)
    } else dots(scores, q, keys, d, block)
    let at = scores
    for (let left = block; left > 0; left -= 4, at += 16, out += 32) {
      let x = v128.load(at)
      if (bias) {
        x = f32x4.add(x, v128.load(bias))
        bias += 16
      }
      x = f32x4.pmin(zero, f32x4.sub(x, tops))
      let w = f32x4.mul(weight(x, inverse, magic, ln2, p1, p2, p3, p4, p5, one, lowest), factors)
      if (left < 4) w = v128.and(w, i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(left)))
      v128.store(out, f64x2.add(v128.load(out), f64x2.promote_low_f32x4(w)))
      const high = f64x2.promote_low_f32x4(v128.shuffle<i64>(w, w, 1, 1))
      v128.store(out, f64x2.add(v128.load(out, 16), high), 16)
    }
  }
}
