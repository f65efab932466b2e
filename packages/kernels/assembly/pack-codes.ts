// Rows of doubles → packed codes, the inverse of unpack. Steps are tried four at a time, one a lane; each error is summed in the order of its definition.

/** The row over its largest magnitude, in float32, is put at `scaled` (width floats). trials: `count` factors, a multiple of 4. */
export function packCodes(
  to: usize, stride: i32, bits: i32, x: usize, rows: i32, width: i32, trials: usize, count: i32,
  scaled: usize,
): void {
  const row = (width as usize) << 3
  for (; rows; rows--, to += stride, x += row) {
    let least = load<f64>(x), most = least
    for (let at = x; at < x + row; at += 8) {
      least = min(least, load<f64>(at))
      most = max(most, load<f64>(at))
    }
    const largest = max(most, -least)
    for (let at = x, out = scaled; at < x + row; at += 8, out += 4) {
      store<f32>(out, largest > 0 ? (load<f64>(at) / largest) as f32 : 0)
    }
    const header = largest > 0 ? bestHeader(scaled, width, bits, least, most, largest, trials, count) : 0
    store<u16>(to, header as u16)
    putCodes(to + 2, bits, x, x + row, header)
  }
}

/** Half of the levels above the middle, and how far shift k moves it, in steps. */
// @ts-ignore: decorator
@inline
function top(bits: i32): f64 {
  return ((1 << bits) - 1) as f64 / 2
}
// @ts-ignore: decorator
@inline
function moved(bits: i32, k: i32): f64 {
  return (((2 * k - 7) << bits) as f64) / 64
}

/** The step at which the levels, moved by shift k, just reach both ends. */
function reach(bits: i32, k: i32, least: f64, most: f64): f64 {
  return max(most / (top(bits) + moved(bits, k)), -least / (top(bits) - moved(bits, k)))
}

/** Finds, of the steps that the trials stand for, with the shift of the smallest reach and its neighbours, the first with the least squared error. */
function bestHeader(scaled: usize, width: i32, bits: i32, least: f64, most: f64, largest: f64, trials: usize, count: i32): u32 {
  let middle = 0
  for (let k = 1; k < 8; k++) if (reach(bits, k, least, most) < reach(bits, middle, least, most)) middle = k
  let best: u32 = 0
  let error: f32 = Infinity
  for (let turn = 0; turn < 3; turn++) {
    const k = middle + (turn == 2 ? 1 : -turn)
    if (k < 0 || k > 7) continue
    const wide = reach(bits, k, least, most)
    for (let four: usize = 0; four < (count as usize) << 3; four += 32) {
      const step0 = rounded((load<f64>(trials + four) * wide) as f32)
      const step1 = rounded((load<f64>(trials + four, 8) * wide) as f32)
      const step2 = rounded((load<f64>(trials + four, 16) * wide) as f32)
      const step3 = rounded((load<f64>(trials + four, 24) * wide) as f32)
      const steps = f32x4(step0, step1, step2, step3)
      const inverses = f32x4(
        (largest / (step0 as f64)) as f32, (largest / (step1 as f64)) as f32,
        (largest / (step2 as f64)) as f32, (largest / (step3 as f64)) as f32,
      )
      const units = f32x4(
        ((step0 as f64) / largest) as f32, ((step1 as f64) / largest) as f32,
        ((step2 as f64) / largest) as f32, ((step3 as f64) / largest) as f32,
      )
      const errors = f32x4.mul(errorsOf(scaled, width, bits, k, inverses), f32x4.mul(units, units))
      if (step0 > 0 && f32x4.extract_lane(errors, 0) < error) {
        error = f32x4.extract_lane(errors, 0)
        best = headerOf(step0, k)
      }
      if (step1 > 0 && f32x4.extract_lane(errors, 1) < error) {
        error = f32x4.extract_lane(errors, 1)
        best = headerOf(step1, k)
      }
      if (step2 > 0 && f32x4.extract_lane(errors, 2) < error) {
        error = f32x4.extract_lane(errors, 2)
        best = headerOf(step2, k)
      }
      if (step3 > 0 && f32x4.extract_lane(errors, 3) < error) {
        error = f32x4.extract_lane(errors, 3)
        best = headerOf(step3, k)
      }
    }
  }
  return best
}

/** The squared errors with four steps, one a lane, in units of these. */
function errorsOf(scaled: usize, width: i32, bits: i32, k: i32, inverses: v128): v128 {
  const shift = f32x4.splat((0.5 + moved(bits, k)) as f32)
  const lowest = f32x4.splat(-(1 << (bits - 1)) as f32), highest = f32x4.splat(((1 << (bits - 1)) - 1) as f32)
  let errors = f32x4.splat(0)
  for (const end = scaled + ((width as usize) << 2); scaled < end; scaled += 4) {
    const y = f32x4.sub(f32x4.mul(v128.load32_splat(scaled), inverses), shift)
    const gap = f32x4.sub(f32x4.pmax(lowest, f32x4.pmin(highest, f32x4.nearest(y))), y)
    errors = f32x4.add(errors, f32x4.mul(gap, gap))
  }
  return errors
}

/** The codes of a row, lowest bit first. */
function putCodes(to: usize, bits: i32, x: usize, end: usize, header: u32): void {
  const step = reinterpret<f32>((header & 0xfff8) << 15) as f64
  const shift = 0.5 + moved(bits, (header & 7) as i32)
  const lowest = -(1 << (bits - 1)) as f64, highest = ((1 << (bits - 1)) - 1) as f64
  const mask = (1 << bits) - 1
  let waiting = 0 // bits that do not fill a byte yet
  let filled = 0
  for (; x < end; x += 8) {
    let code = 0
    if (step > 0) code = max(lowest, min(highest, nearest(load<f64>(x) / step - shift))) as i32
    waiting |= (code & mask) << filled
    for (filled += bits; filled >= 8; filled -= 8, waiting >>= 8) store<u8>(to++, waiting as u8)
  }
  if (filled > 0) store<u8>(to, waiting as u8)
}

/** To the nearest of the numbers whose lower 18 bits are 0, the even one of two. */
function rounded(x: f32): f32 {
  const bits = reinterpret<u32>(x)
  return reinterpret<f32>((bits + 0x1ffff + ((bits >> 18) & 1)) & 0xfffc0000)
}

// @ts-ignore: decorator
@inline
function headerOf(step: f32, k: i32): u32 {
  return (reinterpret<u32>(step) >> 15) | (k as u32)
}
