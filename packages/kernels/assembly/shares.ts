import { dotsInOrder } from './decode'
import { constant, weight } from './exponential'

const BLOCK = 64

/**
 * Adds what each of `count` keys of d floats receives of the softmax of one row: e^{min(0, score + bias − max)}·factor is added to `out` (doubles, room for a
 * multiple of 4). Scores are summed in order, as calls of `attend` in order have them. q: the row times scale; bias: floats, or 0; scores: 64 floats of scratch.
 */
export function addShares(
  out: usize, q: usize, keys: usize, d: i32, bias: usize, count: i32, max: f32, factor: f32, scores: usize,
): void {
  const row = (d as usize) << 2
  for (; count > 0; count -= BLOCK, keys += row * BLOCK, out += 8 * BLOCK) {
    const block = min(BLOCK, count)
    dotsInOrder(scores, q, keys, d, block)
    bias = addWeights(out, scores, bias, block, max, factor)
  }
}

/** Adds the weights of up to 64 scores to `out`, and returns where the bias of the next ones lies. */
export function addWeights(out: usize, scores: usize, bias: usize, count: i32, max: f32, factor: f32): usize {
  const inverse = constant(0), magic = constant(12), ln2 = constant(13)
  const p1 = constant(4), p2 = constant(5), p3 = constant(6), p4 = constant(7), p5 = constant(8), one = constant(9)
  const lowest = constant(14)
  const zero = f32x4.splat(0), tops = f32x4.splat(max), factors = f32x4.splat(factor)
  for (; count > 0; count -= 4, scores += 16, out += 32) {
    let x = v128.load(scores)
    if (bias) {
      x = f32x4.add(x, v128.load(bias))
      bias += 16
    }
    x = f32x4.pmin(zero, f32x4.sub(x, tops))
    let w = f32x4.mul(weight(x, inverse, magic, ln2, p1, p2, p3, p4, p5, one, lowest), factors)
    if (count < 4) w = v128.and(w, i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(count)))
    v128.store(out, f64x2.add(v128.load(out), f64x2.promote_low_f32x4(w)))
    const high = f64x2.promote_low_f32x4(v128.shuffle<i64>(w, w, 1, 1))
    v128.store(out, f64x2.add(v128.load(out, 16), high), 16)
  }
  return bias
}
