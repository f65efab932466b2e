// Sums of values straight from codes: weights times steps are rounded to 15 bits a block, and products and sums over the block are exact.
import { constant, decay, weight } from './exponential'
import { eightCodes, openWindows, windowBytes, windowFactors } from './code-rows'

const BLOCK = 64
/** Values of which a block has less than this count as 0: their inverse would be infinite. */
const LEAST: f32 = 7.703720e-34 // 2^−110

/**
 * Continues a row's softmax over one block of at most 64 scores (room for 64): scores become weights times the steps of values (floats), as integers of
 * 16 bits at scores + 256. out: outRow bytes, the sum so far. Returns what one integer stands for: 0 where nothing is to be added.
 */
export function softenCodes(
  scores: usize, count: i32, steps: usize, max: usize, mass: usize, out: usize, outRow: usize,
): f32 {
  const padded = (count + 7) & -8
  for (let i = count; i < padded; i++) store<f32>(scores + ((i as usize) << 2), -Infinity)
  const end = scores + ((padded as usize) << 2)
  let tops = v128.load32_splat(max)
  for (let at = scores; at < end; at += 16) tops = f32x4.pmax(tops, v128.load(at))
  tops = f32x4.pmax(tops, v128.shuffle<i32>(tops, tops, 2, 3, 0, 1))
  tops = f32x4.pmax(tops, v128.shuffle<i32>(tops, tops, 1, 0, 3, 2))
  const old = load<f32>(max), top = f32x4.extract_lane(tops, 0)
  if (top > old) {
    store<f32>(max, top)
    const factor = decay(f32x4.splat(old - top))
    store<f64>(mass, load<f64>(mass) * (f32x4.extract_lane(factor, 0) as f64))
    for (let at = out; at < out + outRow; at += 16) v128.store(at, f32x4.mul(v128.load(at), factor))
  }
  const inverse = constant(0), magic = constant(12), ln2 = constant(13)
  const p1 = constant(4), p2 = constant(5), p3 = constant(6), p4 = constant(7), p5 = constant(8), one = constant(9)
  const lowest = constant(14)
  let sum = f32x4.splat(0), most = sum
  for (let at = scores; at < end; at += 16, steps += 16) {
    const w = weight(f32x4.sub(v128.load(at), tops), inverse, magic, ln2, p1, p2, p3, p4, p5, one, lowest)
    sum = f32x4.add(sum, w)
    const scaled = f32x4.mul(w, v128.load(steps))
    most = f32x4.pmax(most, scaled)
    v128.store(at, scaled)
  }
  sum = f32x4.add(sum, v128.shuffle<i32>(sum, sum, 2, 3, 0, 1))
  store<f64>(mass, load<f64>(mass) + ((f32x4.extract_lane(sum, 0) + f32x4.extract_lane(sum, 1)) as f64))
  most = f32x4.pmax(most, v128.shuffle<i32>(most, most, 2, 3, 0, 1))
  most = f32x4.pmax(most, v128.shuffle<i32>(most, most, 1, 0, 3, 2))
  const largest = f32x4.extract_lane(most, 0)
  if (!(largest >= LEAST)) return 0
  const factor = f32x4.splat(32767 / largest), rounding = constant(1)
  for (let at = scores, to = scores + 256; at < end; at += 32, to += 16) {
    // What is below 2^22 lies in the lowest bits, rounded to the nearest, to even of two.
    const low = f32x4.add(f32x4.mul(v128.load(at), factor), rounding)
    const high = f32x4.add(f32x4.mul(v128.load(at, 16), factor), rounding)
    v128.store(to, i16x8.narrow_i32x4_s(i32x4.sub(low, rounding), i32x4.sub(high, rounding)))
  }
  return largest / 32767
}

/**
 * out += unit·Σ weight_t·(code_t + shift_t/16) over one block; shifts: 16 bits each; codes: those of the first row. width is rounded up to 32: as
 * many bytes past a row are read.
 */
export function mixCodes(
  out: usize, scores: usize, count: i32, shifts: usize, codes: usize, stride: i32, bits: i32, width: i32, unit: f32,
): void {
  const weights = scores + 256
  const end = weights + ((((count + 7) & -8) as usize) << 1)
  let all = i32x4.splat(0)
  for (let at = weights; at < end; at += 16, shifts += 16) {
    all = i32x4.add(all, i32x4.dot_i16x8_s(v128.load(at), v128.load(shifts)))
  }
  all = i32x4.add(all, v128.shuffle<i32>(all, all, 2, 3, 0, 1))
  all = i32x4.add(all, v128.shuffle<i32>(all, all, 1, 0, 3, 2))
  const shift = f32x4.mul(f32x4.convert_i32x4_s(all), f32x4.splat(0.0625))
  const units = f32x4.splat(unit)
  if (bits != 8 && bits != 4) openWindows(bits)
  for (let from = 0; from < width; from += 32, out += 128, codes += bits << 2) {
    if (bits == 8) mixBytes(out, weights, count, codes, stride, shift, units)
    else if (bits == 4) mixNibbles(out, weights, count, codes, stride, shift, units)
    else mixOthers(out, weights, count, codes, stride, bits, shift, units)
  }
}

// @ts-ignore: decorator
@inline
function add(out: usize, sum: v128, shift: v128, units: v128): void {
  v128.store(out, f32x4.add(v128.load(out), f32x4.mul(units, f32x4.add(f32x4.convert_i32x4_s(sum), shift))))
}

function mixBytes(out: usize, weights: usize, count: i32, row: usize, stride: i32, shift: v128, units: v128): void {
  let a = i32x4.splat(0), b = a, c = a, d = a, e = a, f = a, g = a, h = a
  for (; count > 0; count -= 2, weights += 4) {
    const next = count > 1 ? row + stride : row
    const w = v128.load32_splat(weights)
    let x = v128.load(row), y = v128.load(next)
    let low = v128.shuffle<i8>(x, y, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
    let high = v128.shuffle<i8>(x, y, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
    a = i32x4.add(a, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(low), w))
    b = i32x4.add(b, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(low), w))
    c = i32x4.add(c, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(high), w))
    d = i32x4.add(d, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(high), w))
    x = v128.load(row, 16)
    y = v128.load(next, 16)
    low = v128.shuffle<i8>(x, y, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
    high = v128.shuffle<i8>(x, y, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
    e = i32x4.add(e, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(low), w))
    f = i32x4.add(f, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(low), w))
    g = i32x4.add(g, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(high), w))
    h = i32x4.add(h, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(high), w))
    row = next + stride
  }
  add(out, a, shift, units)
  add(out + 16, b, shift, units)
  add(out + 32, c, shift, units)
  add(out + 48, d, shift, units)
  add(out + 64, e, shift, units)
  add(out + 80, f, shift, units)
  add(out + 96, g, shift, units)
  add(out + 112, h, shift, units)
}

/** The eight sums are of even and of odd columns, four each, in turns. */
function mixNibbles(out: usize, weights: usize, count: i32, row: usize, stride: i32, shift: v128, units: v128): void {
  let a = i32x4.splat(0), b = a, c = a, d = a, e = a, f = a, g = a, h = a
  for (; count > 0; count -= 2, weights += 4) {
    const next = count > 1 ? row + stride : row
    const w = v128.load32_splat(weights)
    const x = v128.load(row), y = v128.load(next)
    const low = v128.shuffle<i8>(x, y, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
    const high = v128.shuffle<i8>(x, y, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
    let pairs = i16x8.extend_low_i8x16_s(low)
    a = i32x4.add(a, i32x4.dot_i16x8_s(i16x8.shr_s(i16x8.shl(pairs, 12), 12), w))
    b = i32x4.add(b, i32x4.dot_i16x8_s(i16x8.shr_s(pairs, 4), w))
    pairs = i16x8.extend_high_i8x16_s(low)
    c = i32x4.add(c, i32x4.dot_i16x8_s(i16x8.shr_s(i16x8.shl(pairs, 12), 12), w))
    d = i32x4.add(d, i32x4.dot_i16x8_s(i16x8.shr_s(pairs, 4), w))
    pairs = i16x8.extend_low_i8x16_s(high)
    e = i32x4.add(e, i32x4.dot_i16x8_s(i16x8.shr_s(i16x8.shl(pairs, 12), 12), w))
    f = i32x4.add(f, i32x4.dot_i16x8_s(i16x8.shr_s(pairs, 4), w))
    pairs = i16x8.extend_high_i8x16_s(high)
    g = i32x4.add(g, i32x4.dot_i16x8_s(i16x8.shr_s(i16x8.shl(pairs, 12), 12), w))
    h = i32x4.add(h, i32x4.dot_i16x8_s(i16x8.shr_s(pairs, 4), w))
    row = next + stride
  }
  add(out, v128.shuffle<i32>(a, b, 0, 4, 1, 5), shift, units)
  add(out + 16, v128.shuffle<i32>(a, b, 2, 6, 3, 7), shift, units)
  add(out + 32, v128.shuffle<i32>(c, d, 0, 4, 1, 5), shift, units)
  add(out + 48, v128.shuffle<i32>(c, d, 2, 6, 3, 7), shift, units)
  add(out + 64, v128.shuffle<i32>(e, f, 0, 4, 1, 5), shift, units)
  add(out + 80, v128.shuffle<i32>(e, f, 2, 6, 3, 7), shift, units)
  add(out + 96, v128.shuffle<i32>(g, h, 0, 4, 1, 5), shift, units)
  add(out + 112, v128.shuffle<i32>(g, h, 2, 6, 3, 7), shift, units)
}

function mixOthers(
  out: usize, weights: usize, count: i32, row: usize, stride: i32, bits: i32, shift: v128, units: v128,
): void {
  const bytes = windowBytes(), factors = windowFactors(), drop = 16 - bits
  for (let half = 0; half < 2; half++, out += 64, row += bits << 1) {
    let a = i32x4.splat(0), b = a, c = a, d = a
    let at = row, weight = weights
    for (let left = count; left > 0; left -= 2, weight += 4) {
      const next = left > 1 ? at + stride : at
      const w = v128.load32_splat(weight)
      let x = eightCodes(at, bytes, factors, drop), y = eightCodes(next, bytes, factors, drop)
      a = i32x4.add(a, i32x4.dot_i16x8_s(v128.shuffle<i16>(x, y, 0, 8, 1, 9, 2, 10, 3, 11), w))
      b = i32x4.add(b, i32x4.dot_i16x8_s(v128.shuffle<i16>(x, y, 4, 12, 5, 13, 6, 14, 7, 15), w))
      x = eightCodes(at + bits, bytes, factors, drop)
      y = eightCodes(next + bits, bytes, factors, drop)
      c = i32x4.add(c, i32x4.dot_i16x8_s(v128.shuffle<i16>(x, y, 0, 8, 1, 9, 2, 10, 3, 11), w))
      d = i32x4.add(d, i32x4.dot_i16x8_s(v128.shuffle<i16>(x, y, 4, 12, 5, 13, 6, 14, 7, 15), w))
      at = next + stride
    }
    add(out, a, shift, units)
    add(out + 16, b, shift, units)
    add(out + 32, c, shift, units)
    add(out + 48, d, shift, units)
  }
}
