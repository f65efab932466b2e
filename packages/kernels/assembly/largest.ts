/** The largest magnitude among `count` entries, as its bits: magnitudes order like unsigned integers, with NaN above ∞. */
export function largestBits(x: usize, count: i32): i32 {
  const magnitude = i32x4.splat(0x7fffffff)
  let a = i32x4.splat(0), b = a
  for (; count >= 8; count -= 8, x += 32) {
    a = i32x4.max_u(a, v128.and(v128.load(x), magnitude))
    b = i32x4.max_u(b, v128.and(v128.load(x, 16), magnitude))
  }
  for (; count > 0; count--, x += 4) a = i32x4.max_u(a, v128.and(v128.load32_zero(x), magnitude))
  a = i32x4.max_u(a, b)
  a = i32x4.max_u(a, v128.shuffle<i32>(a, a, 2, 3, 0, 1))
  a = i32x4.max_u(a, v128.shuffle<i32>(a, a, 1, 0, 3, 2))
  return i32x4.extract_lane(a, 0)
}
