// Rows of doubles → packed codes, the inverse of unpack. Steps are tried four at a time, one a lane; each error is summed in the order of its definition.

/** The row over its largest magnitude, in float32, is put at `scaled` (width floats). trials: `count` factors, a multiple of 4. */
export function packCodes(
  to: usize, stride: i32, bits: i32, x: usize, rows: i32, width: i32, trials: usize, count: i32,
  scaled: usize,
): void {
  const row = (width as usize) << 3
  for (; rows; rows--, to += stride, x += row) {
    const end = x + row
    let lows = v128.load64_splat(x), highs = lows
    let at = x
    for (; at + 16 <= end; at += 16) {
      const two = v128.load(at)
      lows = f64x2.pmin(lows, two)
      highs = f64x2.pmax(highs, two)
    }
    if (at < end) {
      const one = v128.load64_splat(at)
      lows = f64x2.pmin(lows, one)
      highs = f64x2.pmax(highs, one)
    }
    const least = less(f64x2.extract_lane(lows, 0), f64x2.extract_lane(lows, 1))
    const most = more(f64x2.extract_lane(highs, 0), f64x2.extract_lane(highs, 1))
    const largest = more(most, -least)
    let header: u32 = 0
    if (largest > 0) {
      scale(x, end, largest, scaled)
      header = bestHeader(scaled, width, bits, least, most, largest, trials, count)
    }
    store<u16>(to, header as u16)
    putCodes(to + 2, bits, x, end, header)
  }
}

// Without the care that wasm's own min and max take of NaN and of the sign of 0.
// @ts-ignore: decorator
@inline
function less(a: f64, b: f64): f64 {
  return b < a ? b : a
}
// @ts-ignore: decorator
@inline
function more(a: f64, b: f64): f64 {
  return b > a ? b : a
}

/** Doubles over `largest`, as floats. */
function scale(x: usize, end: usize, largest: f64, out: usize): void {
  const by = f64x2.splat(largest)
  for (; x + 16 <= end; x += 16, out += 8) {
    v128.store64_lane(out, f32x4.demote_f64x2_zero(f64x2.div(v128.load(x), by)), 0)
  }
  if (x < end) store<f32>(out, (load<f64>(x) / largest) as f32)
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

const reaches = memory.data(8 << 3)

/** Puts the steps at which the levels, moved by shift k, just reach both ends, for every k; returns the k of the smallest. */
function findReaches(bits: i32, least: f64, most: f64): i32 {
  const highs = f64x2.splat(most), lows = f64x2.splat(-least), tops = f64x2.splat(top(bits))
  for (let k = 0; k < 8; k += 2) {
    const two = f64x2(moved(bits, k), moved(bits, k + 1))
    const up = f64x2.div(highs, f64x2.add(tops, two)), down = f64x2.div(lows, f64x2.sub(tops, two))
    v128.store(reaches + (k << 3), f64x2.pmax(up, down))
  }
  let middle = 0
  for (let k = 1; k < 8; k++) if (load<f64>(reaches + (k << 3)) < load<f64>(reaches + (middle << 3))) middle = k
  return middle
}

/** For each of three shifts up to 8 floats: steps, what turns entries into them, their squares, and errors. */
const steps = memory.data(3 << 5), inverses = memory.data(3 << 5), squares = memory.data(3 << 5), errors = memory.data(3 << 5)

/** Finds, of the steps that the trials stand for, with the shift of the smallest reach and its neighbours, the first with the least squared error. */
function bestHeader(scaled: usize, width: i32, bits: i32, least: f64, most: f64, largest: f64, trials: usize, count: i32): u32 {
  const middle = findReaches(bits, least, most)
  for (let turn = 0; turn < 3; turn++) findSteps(turn, shiftAt(middle, turn), largest, trials, count)
  for (let four: usize = 0; four < (count as usize) << 2; four += 16) findErrors(four, scaled, width, bits, middle)
  let best: u32 = 0
  let error: f32 = Infinity
  for (let turn = 0; turn < 3; turn++) {
    for (let at: usize = turn << 5, end = at + ((count as usize) << 2); at < end; at += 4) {
      const step = load<f32>(steps + at), own = load<f32>(errors + at)
      if (step > 0 && own < error) {
        error = own
        best = headerOf(step, shiftAt(middle, turn))
      }
    }
  }
  return best
}

// @ts-ignore: decorator
@inline
function shiftAt(middle: i32, turn: i32): i32 {
  return middle + (turn == 2 ? 1 : -turn)
}

/** The steps of one shift; none where there is no such shift. */
function findSteps(turn: i32, k: i32, largest: f64, trials: usize, count: i32): void {
  const larges = f64x2.splat(largest)
  const wide = k < 0 || k > 7 ? 0 : load<f64>(reaches + (k << 3))
  for (let at: usize = turn << 5, end = at + ((count as usize) << 2); at < end; at += 16, trials += 32) {
    const step0 = rounded((load<f64>(trials) * wide) as f32), step1 = rounded((load<f64>(trials, 8) * wide) as f32)
    const step2 = rounded((load<f64>(trials, 16) * wide) as f32), step3 = rounded((load<f64>(trials, 24) * wide) as f32)
    const early = f64x2(step0 as f64, step1 as f64), late = f64x2(step2 as f64, step3 as f64)
    const units = floats(f64x2.div(early, larges), f64x2.div(late, larges))
    v128.store(steps + at, f32x4(step0, step1, step2, step3))
    v128.store(inverses + at, floats(f64x2.div(larges, early), f64x2.div(larges, late)))
    v128.store(squares + at, f32x4.mul(units, units))
  }
}

/** The squared errors with four steps of each of the three shifts, at once: each is one chain of additions. */
function findErrors(four: usize, scaled: usize, width: i32, bits: i32, middle: i32): void {
  const lowest = f32x4.splat(-(1 << (bits - 1)) as f32), highest = f32x4.splat(((1 << (bits - 1)) - 1) as f32)
  const shift0 = shiftOf(bits, middle), shift1 = shiftOf(bits, middle - 1), shift2 = shiftOf(bits, middle + 1)
  const inverse0 = v128.load(inverses + four), inverse1 = v128.load(inverses + four, 32), inverse2 = v128.load(inverses + four, 64)
  let error0 = f32x4.splat(0), error1 = error0, error2 = error0
  for (const end = scaled + ((width as usize) << 2); scaled < end; scaled += 4) {
    const x = v128.load32_splat(scaled)
    const gap0 = gapOf(x, inverse0, shift0, lowest, highest)
    const gap1 = gapOf(x, inverse1, shift1, lowest, highest)
    const gap2 = gapOf(x, inverse2, shift2, lowest, highest)
    error0 = f32x4.add(error0, f32x4.mul(gap0, gap0))
    error1 = f32x4.add(error1, f32x4.mul(gap1, gap1))
    error2 = f32x4.add(error2, f32x4.mul(gap2, gap2))
  }
  v128.store(errors + four, f32x4.mul(error0, v128.load(squares + four)))
  v128.store(errors + four, f32x4.mul(error1, v128.load(squares + four, 32)), 32)
  v128.store(errors + four, f32x4.mul(error2, v128.load(squares + four, 64)), 64)
}

// @ts-ignore: decorator
@inline
function shiftOf(bits: i32, k: i32): v128 {
  return f32x4.splat((0.5 + moved(bits, k)) as f32)
}

/** From an entry in steps to its nearest level. */
// @ts-ignore: decorator
@inline
function gapOf(x: v128, inverse: v128, shift: v128, lowest: v128, highest: v128): v128 {
  const y = f32x4.sub(f32x4.mul(x, inverse), shift)
  return f32x4.sub(f32x4.pmax(lowest, f32x4.pmin(highest, f32x4.nearest(y))), y)
}

/** Four doubles as floats. */
// @ts-ignore: decorator
@inline
function floats(first: v128, second: v128): v128 {
  return v128.shuffle<i32>(f32x4.demote_f64x2_zero(first), f32x4.demote_f64x2_zero(second), 0, 1, 4, 5)
}

/** The codes of a row, lowest bit first: eight at a time are as many bytes as a code has bits. */
function putCodes(to: usize, bits: i32, x: usize, end: usize, header: u32): void {
  const step = reinterpret<f32>((header & 0xfff8) << 15) as f64
  if (!(step > 0)) return memory.fill(to, 0, ((((end - x) >> 3) as i32) * bits + 7) >> 3)
  const shift = 0.5 + moved(bits, (header & 7) as i32)
  const lowest = -(1 << (bits - 1)) as f64, highest = ((1 << (bits - 1)) - 1) as f64
  const steps = f64x2.splat(step), shifts = f64x2.splat(shift)
  const lows = f64x2.splat(lowest), highs = f64x2.splat(highest)
  const mask = (1 << bits) - 1
  const masks = i32x4.splat(mask)
  for (; x + 64 <= end; x += 64) {
    let eight: u64 = 0
    for (let pair: usize = 0, filled = 0; pair < 64; pair += 16, filled += 2 * bits) {
      const places = f64x2.nearest(f64x2.sub(f64x2.div(v128.load(x + pair), steps), shifts))
      const codes = v128.and(i32x4.trunc_sat_f64x2_s_zero(f64x2.pmax(lows, f64x2.pmin(highs, places))), masks)
      const two = (i32x4.extract_lane(codes, 0) as u64) | ((i32x4.extract_lane(codes, 1) as u64) << bits)
      eight |= two << filled
    }
    for (let byte = 0; byte < bits; byte++, eight >>= 8) store<u8>(to++, eight as u8)
  }
  let waiting = 0 // bits that do not fill a byte yet
  let filled = 0
  for (; x < end; x += 8) {
    const code = more(lowest, less(highest, nearest(load<f64>(x) / step - shift))) as i32
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
