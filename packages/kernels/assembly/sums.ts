/** out[i] += factor·x[i]. */
export function addScaled(out: usize, x: usize, factor: f32, count: i32): void {
  const f = f32x4.splat(factor)
  for (; count >= 8; count -= 8, out += 32, x += 32) {
    v128.store(out, f32x4.add(v128.load(out), f32x4.mul(f, v128.load(x))))
    v128.store(out, f32x4.add(v128.load(out, 16), f32x4.mul(f, v128.load(x, 16))), 16)
  }
  for (; count; count--, out += 4, x += 4) store<f32>(out, load<f32>(out) + factor * load<f32>(x))
}

/** out[i] = or += ⟨row i of a, x⟩ in float64; rows are aRow bytes apart, `inner` entries of each are used. */
export function dotRows(out: usize, a: usize, aRow: usize, x: usize, rows: i32, inner: i32, add: bool): void {
  for (; rows; rows--, out += 8, a += aRow) {
    let s0 = f64x2.splat(0), s1 = s0, s2 = s0, s3 = s0
    let at = a, by = x, left = inner
    for (; left >= 8; left -= 8, at += 32, by += 64) {
      const low = v128.load(at), high = v128.load(at, 16)
      s0 = f64x2.add(s0, f64x2.mul(f64x2.promote_low_f32x4(low), v128.load(by)))
      s1 = f64x2.add(s1, f64x2.mul(f64x2.promote_low_f32x4(v128.shuffle<i64>(low, low, 1, 1)), v128.load(by, 16)))
      s2 = f64x2.add(s2, f64x2.mul(f64x2.promote_low_f32x4(high), v128.load(by, 32)))
      s3 = f64x2.add(s3, f64x2.mul(f64x2.promote_low_f32x4(v128.shuffle<i64>(high, high, 1, 1)), v128.load(by, 48)))
    }
    s0 = f64x2.add(f64x2.add(s0, s1), f64x2.add(s2, s3))
    let total = f64x2.extract_lane(s0, 0) + f64x2.extract_lane(s0, 1)
    for (; left; left--, at += 4, by += 8) total += (load<f32>(at) as f64) * load<f64>(by)
    store<f64>(out, add ? load<f64>(out) + total : total)
  }
}

/** out[c] += Σ_r weights[r]·a[r, c] in float64, rows ascending; weights 0: all 1. */
export function columnSums(out: usize, a: usize, aRow: usize, rows: i32, cols: i32, weights: usize): void {
  for (; cols >= 4; cols -= 4, a += 16, out += 32) {
    let low = v128.load(out), high = v128.load(out, 16)
    let at = a
    if (weights) {
      for (let r: usize = 0; r < (rows as usize) << 2; r += 4, at += aRow) {
        const v = v128.load(at), w = f64x2.splat(load<f32>(weights + r) as f64)
        low = f64x2.add(low, f64x2.mul(w, f64x2.promote_low_f32x4(v)))
        high = f64x2.add(high, f64x2.mul(w, f64x2.promote_low_f32x4(v128.shuffle<i64>(v, v, 1, 1))))
      }
    } else {
      for (let r = rows; r; r--, at += aRow) {
        const v = v128.load(at)
        low = f64x2.add(low, f64x2.promote_low_f32x4(v))
        high = f64x2.add(high, f64x2.promote_low_f32x4(v128.shuffle<i64>(v, v, 1, 1)))
      }
    }
    v128.store(out, low)
    v128.store(out, high, 16)
  }
  for (; cols > 0; cols--, a += 4, out += 8) {
    let total = load<f64>(out), at = a
    for (let r: usize = 0; r < (rows as usize) << 2; r += 4, at += aRow) {
      total += weights ? (load<f32>(weights + r) as f64) * (load<f32>(at) as f64) : (load<f32>(at) as f64)
    }
    store<f64>(out, total)
  }
}
