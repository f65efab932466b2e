/** Twelve chains of multiply and add that never leave the registers: 96 operations a round. Returns their sum. */
export function peak(rounds: i32): f32 {
  const factor = f32x4.splat(rounds < 0 ? 0.5 : 0.99999994), term = f32x4.splat(rounds < 0 ? 1 : 5.9604645e-8)
  let a = f32x4.splat(1), b = f32x4.splat(2), c = f32x4.splat(3), d = f32x4.splat(4), e = f32x4.splat(5), f = f32x4.splat(6)
  let g = f32x4.splat(7), h = f32x4.splat(8), i = f32x4.splat(9), j = f32x4.splat(10), k = f32x4.splat(11), l = f32x4.splat(12)
  for (; rounds; rounds--) {
    a = f32x4.add(f32x4.mul(a, factor), term)
    b = f32x4.add(f32x4.mul(b, factor), term)
    c = f32x4.add(f32x4.mul(c, factor), term)
    d = f32x4.add(f32x4.mul(d, factor), term)
    e = f32x4.add(f32x4.mul(e, factor), term)
    f = f32x4.add(f32x4.mul(f, factor), term)
    g = f32x4.add(f32x4.mul(g, factor), term)
    h = f32x4.add(f32x4.mul(h, factor), term)
    i = f32x4.add(f32x4.mul(i, factor), term)
    j = f32x4.add(f32x4.mul(j, factor), term)
    k = f32x4.add(f32x4.mul(k, factor), term)
    l = f32x4.add(f32x4.mul(l, factor), term)
  }
  const sum = f32x4.add(
    f32x4.add(f32x4.add(f32x4.add(a, b), f32x4.add(c, d)), f32x4.add(f32x4.add(e, f), f32x4.add(g, h))),
    f32x4.add(f32x4.add(i, j), f32x4.add(k, l)),
  )
  return f32x4.extract_lane(sum, 0)
}
