import { constant, decay, first, putFirst, weight } from './exponential'

/** One online softmax step on dense rows of scores, in place. Partial sums of up to 256 weights are taken in float32. */
export function softmaxStep(scores: usize, max: usize, mass: usize, factors: usize, rows: i32, cols: i32): void {
  for (; rows; rows--, scores += (cols as usize) << 2, max += 4, mass += 8, factors += 4) {
    const old = load<f32>(max)
    const top = maximum(scores, cols, old)
    store<f32>(max, top)
    const base: f32 = top == -Infinity ? 0 : top
    const factor: f32 = old == top ? 1 : f32x4.extract_lane(decay(f32x4.splat(old - base)), 0)
    store<f32>(factors, old == -Infinity ? 1 : factor)
    store<f64>(mass, load<f64>(mass) * (factor as f64) + soften(scores, cols, base))
  }
}

function maximum(x: usize, count: i32, least: f32): f32 {
  let tops = f32x4.splat(least)
  for (; count >= 4; count -= 4, x += 16) tops = f32x4.pmax(tops, v128.load(x))
  let top = max(
    max(f32x4.extract_lane(tops, 0), f32x4.extract_lane(tops, 1)),
    max(f32x4.extract_lane(tops, 2), f32x4.extract_lane(tops, 3)),
  )
  for (; count; count--, x += 4) top = max(top, load<f32>(x))
  return top
}

/** x → exp(x − base); returns the sum. */
function soften(x: usize, count: i32, base: f32): f64 {
  const bases = f32x4.splat(base)
  const inverse = constant(0), magic = constant(12), ln2 = constant(13)
  const p1 = constant(4), p2 = constant(5), p3 = constant(6), p4 = constant(7), p5 = constant(8), one = constant(9)
  const lowest = constant(14)
  let total: f64 = 0
  while (count > 0) {
    let sum = f32x4.splat(0)
    let left = min(count, 256)
    count -= left
    for (; left >= 4; left -= 4, x += 16) {
      const w = weight(f32x4.sub(v128.load(x), bases), inverse, magic, ln2, p1, p2, p3, p4, p5, one, lowest)
      v128.store(x, w)
      sum = f32x4.add(sum, w)
    }
    if (left) {
      putFirst(x, decay(f32x4.sub(first(x, left), bases)), left)
      sum = f32x4.add(sum, first(x, left))
      x += (left as usize) << 2
    }
    sum = f32x4.add(sum, v128.shuffle<i32>(sum, sum, 2, 3, 0, 1))
    total += (f32x4.extract_lane(sum, 0) + f32x4.extract_lane(sum, 1)) as f64
  }
  return total
}
