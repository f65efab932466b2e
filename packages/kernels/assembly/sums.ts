/** out[i] += factor·x[i]. */
export function addScaled(out: usize, x: usize, factor: f32, count: i32): void {
  const f = f32x4.splat(factor)
  for (; count >= 8; count -= 8, out += 32, x += 32) {
    v128.store(out, f32x4.add(v128.load(out), f32x4.mul(f, v128.load(x))))
    v128.store(out, f32x4.add(v128.load(out, 16), f32x4.mul(f, v128.load(x, 16))), 16)
  }
  for (; count; count--, out += 4, x += 4) store<f32>(out, load<f32>(out) + factor * load<f32>(x))
}

/** x[i] = x[i]·factor; count a multiple of 4. */
export function scaleBy(x: usize, factor: f32, count: i32): void {
  const f = f32x4.splat(factor)
  for (; count > 0; count -= 4, x += 16) v128.store(x, f32x4.mul(v128.load(x), f))
}
