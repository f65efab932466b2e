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

/** total[i], rest[i] ← the rounded total[i] + rest[i], and what rounding left: the two add up to what they were. */
export function carry(total: usize, rest: usize, count: i32): void {
  for (; count >= 16; count -= 16, total += 64, rest += 64) {
    carryFour(total, rest)
    carryFour(total + 16, rest + 16)
    carryFour(total + 32, rest + 32)
    carryFour(total + 48, rest + 48)
  }
  for (; count; count--, total += 4, rest += 4) {
    const a = load<f32>(total), b = load<f32>(rest)
    const sum = a + b
    const added = sum - a
    store<f32>(total, sum)
    store<f32>(rest, a - (sum - added) + (b - added))
  }
}

// @ts-ignore: decorator
@inline
function carryFour(total: usize, rest: usize): void {
  const a = v128.load(total), b = v128.load(rest)
  const sum = f32x4.add(a, b)
  const added = f32x4.sub(sum, a)
  v128.store(total, sum)
  v128.store(rest, f32x4.add(f32x4.sub(a, f32x4.sub(sum, added)), f32x4.sub(b, added)))
}
