import { constant, weight } from './exponential'

/**
 * What each key receives of the softmax of some rows: row r adds e^{min(0, scale·score + bias − max[r])}·factors[r] to the first
 * limits[r] of `out` (doubles, room for a multiple of 4). bias: `cols` floats, or 0. Reads up to 3 floats past a row.
 */
export function addShares(
  out: usize, scores: usize, cols: i32, scale: f32, bias: usize, max: usize, factors: usize, limits: usize, rows: i32,
): void {
  const inverse = constant(0), magic = constant(12), ln2 = constant(13)
  const p1 = constant(4), p2 = constant(5), p3 = constant(6), p4 = constant(7), p5 = constant(8), one = constant(9)
  const lowest = constant(14)
  const scales = f32x4.splat(scale), zero = f32x4.splat(0)
  for (; rows; rows--, scores += (cols as usize) << 2, max += 4, factors += 4, limits += 4) {
    const top = v128.load32_splat(max), factor = v128.load32_splat(factors)
    let at = scores, add = bias, to = out
    for (let left = load<i32>(limits); left > 0; left -= 4, at += 16, to += 32) {
      let x = f32x4.mul(v128.load(at), scales)
      if (bias) {
        x = f32x4.add(x, v128.load(add))
        add += 16
      }
      x = f32x4.pmin(zero, f32x4.sub(x, top))
      let w = f32x4.mul(weight(x, inverse, magic, ln2, p1, p2, p3, p4, p5, one, lowest), factor)
      if (left < 4) w = v128.and(w, i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(left)))
      v128.store(to, f64x2.add(v128.load(to), f64x2.promote_low_f32x4(w)))
      const high = f64x2.promote_low_f32x4(v128.shuffle<i64>(w, w, 1, 1))
      v128.store(to, f64x2.add(v128.load(to, 16), high), 16)
    }
  }
}
