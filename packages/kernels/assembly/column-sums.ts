// Sums over a feature-major block: short sums in float32 lanes, their totals in float64.

const RUN = 16

/** out[c] = Σ_i x[i]·a[i, c], i ascending in runs of 16; a (inner × cols); narrow: inner floats of scratch. */
export function dotColumns(out: usize, a: usize, x: usize, inner: i32, cols: i32, narrow: usize): void {
  for (let i: usize = 0; i < (inner as usize); i++) store<f32>(narrow + (i << 2), load<f64>(x + (i << 3)) as f32)
  const row = (cols as usize) << 2
  for (; cols >= 8; cols -= 8, a += 32, out += 64) {
    let s0 = f64x2.splat(0), s1 = s0, s2 = s0, s3 = s0
    let at = a, by = narrow
    for (let left = inner; left > 0; left -= RUN) {
      let low = f32x4.splat(0), high = low
      for (let i = min(left, RUN); i; i--, at += row, by += 4) {
        const factor = v128.load32_splat(by)
        low = f32x4.add(low, f32x4.mul(factor, v128.load(at)))
        high = f32x4.add(high, f32x4.mul(factor, v128.load(at, 16)))
      }
      s0 = f64x2.add(s0, f64x2.promote_low_f32x4(low))
      s1 = f64x2.add(s1, f64x2.promote_low_f32x4(v128.shuffle<i64>(low, low, 1, 1)))
      s2 = f64x2.add(s2, f64x2.promote_low_f32x4(high))
      s3 = f64x2.add(s3, f64x2.promote_low_f32x4(v128.shuffle<i64>(high, high, 1, 1)))
    }
    v128.store(out, s0)
    v128.store(out, s1, 16)
    v128.store(out, s2, 32)
    v128.store(out, s3, 48)
  }
  for (; cols; cols--, a += 4, out += 8) {
    let total: f64 = 0, at = a, by = narrow
    for (let left = inner; left > 0; left -= RUN) {
      let sum: f32 = 0
      for (let i = min(left, RUN); i; i--, at += row, by += 4) sum += load<f32>(by) * load<f32>(at)
      total += sum as f64
    }
    store<f64>(out, total)
  }
}

/** out[r] += Σ_c weights[c]·a[r, c] (weights 0: all 1), 64 columns at a time. a (rows × cols). */
export function rowSums(out: usize, a: usize, rows: i32, cols: i32, weights: usize): void {
  for (; rows; rows--, out += 8) {
    let total = load<f64>(out)
    for (let c = 0; c < cols; c += 64) {
      const part = min(cols - c, 64)
      total += weights ? weightedSum(a, weights + ((c as usize) << 2), part) : plainSum(a, part)
      a += (part as usize) << 2
    }
    store<f64>(out, total)
  }
}

function plainSum(a: usize, count: i32): f64 {
  let low = f32x4.splat(0), high = low
  for (; count >= 8; count -= 8, a += 32) {
    low = f32x4.add(low, v128.load(a))
    high = f32x4.add(high, v128.load(a, 16))
  }
  let total = across(f32x4.add(low, high))
  for (; count; count--, a += 4) total += load<f32>(a) as f64
  return total
}

function weightedSum(a: usize, weights: usize, count: i32): f64 {
  let low = f32x4.splat(0)
  for (; count >= 4; count -= 4, a += 16, weights += 16) {
    low = f32x4.add(low, f32x4.mul(v128.load(weights), v128.load(a)))
  }
  let total = across(low)
  for (; count; count--, a += 4, weights += 4) total += (load<f32>(weights) * load<f32>(a)) as f64
  return total
}

// @ts-ignore: decorator
@inline
function across(v: v128): f64 {
  const s = f64x2.add(f64x2.promote_low_f32x4(v), f64x2.promote_low_f32x4(v128.shuffle<i64>(v, v, 1, 1)))
  return f64x2.extract_lane(s, 0) + f64x2.extract_lane(s, 1)
}

/** One column of dotColumns, contiguous: lanes along it, all in float64. */
export function dot(out: usize, a: usize, x: usize, inner: i32): void {
  let s0 = f64x2.splat(0), s1 = s0, s2 = s0, s3 = s0
  for (; inner >= 8; inner -= 8, a += 32, x += 64) {
    const low = v128.load(a), high = v128.load(a, 16)
    s0 = f64x2.add(s0, f64x2.mul(f64x2.promote_low_f32x4(low), v128.load(x)))
    s1 = f64x2.add(s1, f64x2.mul(f64x2.promote_low_f32x4(v128.shuffle<i64>(low, low, 1, 1)), v128.load(x, 16)))
    s2 = f64x2.add(s2, f64x2.mul(f64x2.promote_low_f32x4(high), v128.load(x, 32)))
    s3 = f64x2.add(s3, f64x2.mul(f64x2.promote_low_f32x4(v128.shuffle<i64>(high, high, 1, 1)), v128.load(x, 48)))
  }
  s0 = f64x2.add(f64x2.add(s0, s1), f64x2.add(s2, s3))
  let total = f64x2.extract_lane(s0, 0) + f64x2.extract_lane(s0, 1)
  for (; inner; inner--, a += 4, x += 8) total += (load<f32>(a) as f64) * load<f64>(x)
  store<f64>(out, total)
}
