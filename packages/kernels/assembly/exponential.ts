// exp in float32 lanes: x = n·ln 2 + r, |r| ≤ ln 2 / 2, a degree-5 polynomial in r (fitted to relative error 9.2e-8 with
// p(0) = 1, so that exp(0) is exactly 1), then n added to the exponent. Measured relative error ≤ 1.9e-7.

/** The constants live in memory: as literals they would be rebuilt at every use. */
export const constants = memory.data<f32>([
  1.44269504, // 1 / ln 2
  12582912, // 1.5·2^23: adding it rounds to an integer, whose bits then lie lowest
  0.693359375, -2.1219444e-4, // ln 2 in two parts; n times the first is exact
  0.9999997, 0.49999148, 0.16667639, 0.04189816, 0.008290272, // p(r) = 1 + r·(p1 + r·(p2 + …))
  1,
  -87.33654, // below: 0
  88.72283, // above: ∞
  12583039, // 1.5·2^23 + 127: the lowest bits are then the exponent field of 2^n
  0.6931472, // ln 2 in one part, for weights
  -88.1, // its n is −127, whose exponent field is 0: the weight is exactly 0
  Infinity,
])

// @ts-ignore: decorator
@inline
export function constant(index: usize): v128 {
  return v128.load32_splat(constants + (index << 2))
}

/** exp of x in [lowest, 88.72]; the caller clamps. */
// @ts-ignore: decorator
@inline
export function power(
  x: v128, inverse: v128, magic: v128, ln2: v128, rest: v128,
  p1: v128, p2: v128, p3: v128, p4: v128, p5: v128, one: v128,
): v128 {
  const shifted = f32x4.add(f32x4.mul(x, inverse), magic)
  const n = f32x4.sub(shifted, magic)
  const r = f32x4.sub(f32x4.sub(x, f32x4.mul(n, ln2)), f32x4.mul(n, rest))
  let p = f32x4.add(f32x4.mul(p5, r), p4)
  p = f32x4.add(f32x4.mul(p, r), p3)
  p = f32x4.add(f32x4.mul(p, r), p2)
  p = f32x4.add(f32x4.mul(p, r), p1)
  p = f32x4.add(f32x4.mul(p, r), one)
  return i32x4.add(p, i32x4.shl(shifted, 23))
}

/**
 * exp of x ≤ 0, also −∞; exactly 0 below −87.7. ln 2 in one part adds an error of |x|·6e-8, as much as the rounding of a
 * difference of logits.
 */
// @ts-ignore: decorator
@inline
export function weight(
  x: v128, inverse: v128, magic: v128, ln2: v128, p1: v128, p2: v128, p3: v128, p4: v128, p5: v128, one: v128, lowest: v128,
): v128 {
  const clamped = f32x4.pmax(x, lowest)
  const shifted = f32x4.add(f32x4.mul(clamped, inverse), magic)
  const r = f32x4.sub(clamped, f32x4.mul(f32x4.sub(shifted, magic), ln2))
  let p = f32x4.add(f32x4.mul(p5, r), p4)
  p = f32x4.add(f32x4.mul(p, r), p3)
  p = f32x4.add(f32x4.mul(p, r), p2)
  p = f32x4.add(f32x4.mul(p, r), p1)
  p = f32x4.add(f32x4.mul(p, r), one)
  return f32x4.mul(p, i32x4.shl(shifted, 23))
}

/** Four weights on their own, where loading the constants does not matter. */
export function decay(x: v128): v128 {
  return weight(
    x, constant(0), constant(12), constant(13),
    constant(4), constant(5), constant(6), constant(7), constant(8), constant(9), constant(14),
  )
}

/** out[i] = exp(x[i]); may work in place. Reads and writes only `count` entries. */
export function exponential(out: usize, x: usize, count: i32): void {
  const inverse = constant(0), magic = constant(1), ln2 = constant(2), rest = constant(3)
  const p1 = constant(4), p2 = constant(5), p3 = constant(6), p4 = constant(7), p5 = constant(8), one = constant(9)
  const lowest = constant(10), highest = constant(11)
  const infinity = constant(15)
  for (; count > 0; count -= 4, x += 16, out += 16) {
    const v = count >= 4 ? v128.load(x) : first(x, count)
    const p = power(
      f32x4.pmin(f32x4.pmax(v, lowest), highest), inverse, magic, ln2, rest, p1, p2, p3, p4, p5, one,
    )
    const result = f32x4.add(v128.and(p, f32x4.ge(v, lowest)), v128.and(infinity, f32x4.gt(v, highest)))
    if (count >= 4) v128.store(out, result)
    else putFirst(out, result, count)
  }
}

/** The first `count` (1 … 3) entries at x, zeros after them. */
export function first(x: usize, count: i32): v128 {
  let v = v128.load32_zero(x)
  if (count > 1) v = v128.load_lane<f32>(x, v, 1, 4)
  if (count > 2) v = v128.load_lane<f32>(x, v, 2, 8)
  return v
}

/** Stores the first `count` (1 … 3) lanes of v. */
export function putFirst(out: usize, v: v128, count: i32): void {
  v128.store_lane<f32>(out, v, 0)
  if (count > 1) v128.store_lane<f32>(out, v, 1, 4)
  if (count > 2) v128.store_lane<f32>(out, v, 2, 8)
}
