// Rows of doubles → packed codes, the inverse of unpack: two steps are tried at a time, one a lane, each sum in the order of its definition.

/**
 * A row begins at to + r·stride. trials: `count` factors (even), divided by the top level, of which the first best is taken. table: 32 bytes for
 * each half step below the top: the level below the border that lies in it, the level above, the border (∞ where there is none), and the
 * lower level's index; `last` is that of the last half step.
 */
export function packCodes(
  to: usize, stride: i32, bits: i32, x: usize, rows: i32, width: i32,
  trials: usize, count: i32, top: f64, table: usize, last: f64,
): void {
  const row = (width as usize) << 3
  for (; rows; rows--, to += stride, x += row) {
    const step = bestStep(x, x + row, trials, count, top, table, last)
    store<u16>(to, (reinterpret<u32>(step as f32) >> 16) as u16)
    putCodes(to + 2, bits, x, x + row, step, table, last)
  }
}

/** Of the steps that the trials stand for, the one with the least squared error. */
function bestStep(x: usize, end: usize, trials: usize, count: i32, top: f64, table: usize, last: f64): f64 {
  let largest: f64 = 0
  for (let at = x; at < end; at += 8) largest = max(largest, abs(load<f64>(at)))
  let best = brain(((load<f64>(trials) * largest) / top) as f32)
  let least: f64 = Infinity
  for (; count > 0; count -= 2, trials += 16) {
    const step0 = brain(((load<f64>(trials) * largest) / top) as f32)
    const step1 = brain(((load<f64>(trials, 8) * largest) / top) as f32)
    const errors = errorsOf(x, end, f64x2.replace_lane(f64x2.splat(step0), 1, step1), table, last)
    const error0 = f64x2.extract_lane(errors, 0), error1 = f64x2.extract_lane(errors, 1)
    if (step0 != 0 && error0 < least) {
      least = error0
      best = step0
    }
    if (step1 != 0 && error1 < least) {
      least = error1
      best = step1
    }
  }
  return best
}

/** The squared errors with two steps, one a lane. */
function errorsOf(x: usize, end: usize, steps: v128, table: usize, last: f64): v128 {
  const lasts = f64x2.splat(last)
  let errors = f64x2.splat(0)
  for (; x < end; x += 8) {
    const magnitude = f64x2.abs(v128.load64_splat(x))
    const y = f64x2.div(magnitude, steps)
    const halves = i32x4.trunc_sat_f64x2_s_zero(f64x2.pmin(lasts, f64x2.add(y, y)))
    const at0 = table + ((i32x4.extract_lane(halves, 0) as usize) << 5)
    const at1 = table + ((i32x4.extract_lane(halves, 1) as usize) << 5)
    const levels0 = v128.load(at0), levels1 = v128.load(at1)
    const borders = v128.load_lane<u64>(at1, v128.load64_zero(at0, 16), 1, 16)
    const nearest = v128.bitselect(
      v128.shuffle<i64>(levels0, levels1, 1, 3), v128.shuffle<i64>(levels0, levels1, 0, 2), f64x2.ge(y, borders),
    )
    const gaps = f64x2.sub(magnitude, f64x2.mul(nearest, steps))
    errors = f64x2.add(errors, f64x2.mul(gaps, gaps))
  }
  return errors
}

/** The codes of a row, lowest bit first. */
function putCodes(to: usize, bits: i32, x: usize, end: usize, step: f64, table: usize, last: f64): void {
  const size = 1 << (bits - 1)
  let waiting = 0 // bits that do not fill a byte yet
  let filled = 0
  for (; x < end; x += 8) {
    const value = load<f64>(x)
    let nearest = 0
    if (step > 0) {
      const y = abs(value) / step
      const at = table + ((min(last, y + y) as usize) << 5)
      nearest = (load<f64>(at, 24) as i32) + i32(y >= load<f64>(at, 16))
    }
    waiting |= (value < 0 ? size - 1 - nearest : size + nearest) << filled
    for (filled += bits; filled >= 8; filled -= 8, waiting >>= 8) store<u8>(to++, waiting as u8)
  }
  if (filled > 0) store<u8>(to, waiting as u8)
}

/** To the nearest bfloat16, the even one of two. */
function brain(x: f32): f64 {
  const bits = reinterpret<u32>(x)
  return reinterpret<f32>((bits + 0x7fff + ((bits >> 16) & 1)) & 0xffff0000) as f64
}
