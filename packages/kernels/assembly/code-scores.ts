// Scores straight from codes: the query is rounded to integers of up to 16 bits once, and all products and their sums are exact.
import { largestBits } from './largest'
import { eightCodes, fourSums, openWindows, windowBytes, windowFactors } from './code-rows'

/** Entries of a group of codes that are read together; integers of a query are padded with zeros to as many. */
const GROUP = 32
/** Queries whose scaled entries all lie below score 0. */
const LEAST: f32 = 7.888609e-31 // 2^−100

/**
 * Rows of `d` floats times scale → integers of magnitude at most `most` (toRow bytes a row, zeros at the end; inNibbles: in the order in
 * which these come apart), and two floats a row at `units`: what one stands for, and a sixteenth of their sum.
 */
export function roundQueries(
  to: usize, toRow: usize, units: usize, from: usize, rows: i32, d: i32, scale: f32, most: i32, inNibbles: bool, scaled: usize,
): void {
  for (; rows; rows--, from += (d as usize) << 2, to += toRow, units += 8) {
    for (let i: usize = 0; i < (d as usize) << 2; i += 4) store<f32>(scaled + i, load<f32>(from + i) * scale)
    const top = reinterpret<f32>(largestBits(scaled, d))
    const some = top >= LEAST
    const inverse: f32 = some ? (most as f32) / top : 0
    memory.fill(to, 0, toRow)
    let sum = 0
    let i = 0
    if (!inNibbles) {
      let sums = i32x4.splat(0)
      for (; i + 8 <= d; i += 8) {
        const at = scaled + ((i as usize) << 2)
        const low = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(v128.load(at), f32x4.splat(inverse))))
        const high = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(v128.load(at, 16), f32x4.splat(inverse))))
        sums = i32x4.add(sums, i32x4.add(low, high))
        v128.store(to + ((i as usize) << 1), i16x8.narrow_i32x4_s(low, high))
      }
      sum = i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1) + i32x4.extract_lane(sums, 2) + i32x4.extract_lane(sums, 3)
    }
    for (; i < d; i++) {
      const value = nearest(load<f32>(scaled + ((i as usize) << 2)) * inverse) as i32
      sum += value
      const place = inNibbles ? (i & -32) | ((i & 3) << 3) | ((i & 31) >> 2) : i
      store<i16>(to + ((place as usize) << 1), value as i16)
    }
    store<f32>(units, some ? top / (most as f32) : 0)
    store<f32>(units, (sum as f32) * 0.0625, 4)
  }
}

/**
 * out[t] = (⟨q, code_t⟩ + shift_t·Σq)·step_t·unit for `count` rows, whose steps and shifts are floats; up to 3 floats more are written. codes: those
 * of the first row; 32 bytes past those of the last are read.
 */
export function codeScores(
  out: usize, q: usize, units: usize, codes: usize, stride: i32, bits: i32, width: i32, count: i32,
  steps: usize, shifts: usize,
): void {
  if (bits == 8) scoresOfBytes(out, q, codes, stride, width, count)
  else if (bits == 4) scoresOfNibbles(out, q, codes, stride, width, count)
  else {
    openWindows(bits)
    scoresOfOthers(out, q, codes, stride, bits, width, count)
  }
  const unit = v128.load32_splat(units), sum = v128.load32_splat(units, 4)
  for (; count > 0; count -= 4, out += 16, steps += 16, shifts += 16) {
    const shifted = f32x4.add(v128.load(out), f32x4.mul(v128.load(shifts), sum))
    v128.store(out, f32x4.mul(shifted, f32x4.mul(v128.load(steps), unit)))
  }
}

// @ts-ignore: decorator
@inline
function bothDots(codes: v128, x: v128, y: v128): v128 {
  return i32x4.add(
    i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(codes), x), i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(codes), y),
  )
}

/** Sums of products, as floats. */
function scoresOfBytes(
  out: usize, q: usize, row0: usize, stride: i32, width: i32, count: i32,
): void {
  for (; count > 0; count -= 4, out += 16) {
    let row1 = row0 + stride, row2 = row1 + stride, row3 = row2 + stride
    if (count < 4) {
      row3 = row0
      if (count < 3) row2 = row0
      if (count < 2) row1 = row0
    }
    let a = i32x4.splat(0), b = a, c = a, e = a
    for (let i: usize = 0; i < (width as usize); i += 16) {
      const x = v128.load(q + (i << 1)), y = v128.load(q + (i << 1), 16)
      let codes = v128.load(row0 + i)
      a = i32x4.add(a, bothDots(codes, x, y))
      codes = v128.load(row1 + i)
      b = i32x4.add(b, bothDots(codes, x, y))
      codes = v128.load(row2 + i)
      c = i32x4.add(c, bothDots(codes, x, y))
      codes = v128.load(row3 + i)
      e = i32x4.add(e, bothDots(codes, x, y))
    }
    v128.store(out, f32x4.convert_i32x4_s(fourSums(a, b, c, e)))
    row0 = row3 + stride
  }
}

/** Sums of products, as floats. */
function scoresOfNibbles(
  out: usize, q: usize, row0: usize, stride: i32, width: i32, count: i32,
): void {
  const end = (((width + GROUP - 1) & -GROUP) as usize) >> 1
  for (; count > 0; count -= 4, out += 16) {
    let row1 = row0 + stride, row2 = row1 + stride, row3 = row2 + stride
    if (count < 4) {
      row3 = row0
      if (count < 3) row2 = row0
      if (count < 2) row1 = row0
    }
    let a = i32x4.splat(0), b = a, c = a, e = a
    for (let i: usize = 0; i < end; i += 16) {
      const x = q + (i << 2)
      a = nibbleDots(a, x, v128.load(row0 + i))
      b = nibbleDots(b, x, v128.load(row1 + i))
      c = nibbleDots(c, x, v128.load(row2 + i))
      e = nibbleDots(e, x, v128.load(row3 + i))
    }
    v128.store(out, f32x4.convert_i32x4_s(fourSums(a, b, c, e)))
    row0 = row3 + stride
  }
}

// @ts-ignore: decorator
@inline
function nibbleDots(sum: v128, q: usize, codes: v128): v128 {
  sum = i32x4.add(sum, i32x4.dot_i16x8_s(i16x8.shr_s(i16x8.shl(codes, 12), 12), v128.load(q)))
  sum = i32x4.add(sum, i32x4.dot_i16x8_s(i16x8.shr_s(i16x8.shl(codes, 8), 12), v128.load(q, 16)))
  sum = i32x4.add(sum, i32x4.dot_i16x8_s(i16x8.shr_s(i16x8.shl(codes, 4), 12), v128.load(q, 32)))
  return i32x4.add(sum, i32x4.dot_i16x8_s(i16x8.shr_s(codes, 12), v128.load(q, 48)))
}

/** Sums of products, as floats. */
function scoresOfOthers(
  out: usize, q: usize, row0: usize, stride: i32, bits: i32, width: i32, count: i32,
): void {
  const bytes = windowBytes(), factors = windowFactors(), drop = 16 - bits
  const end = q + ((width as usize) << 1)
  for (; count > 0; count -= 4, out += 16) {
    let row1 = row0 + stride, row2 = row1 + stride, row3 = row2 + stride
    if (count < 4) {
      row3 = row0
      if (count < 3) row2 = row0
      if (count < 2) row1 = row0
    }
    let a = i32x4.splat(0), b = a, c = a, e = a
    let at: usize = 0
    for (let part = q; part < end; part += 16, at += bits) {
      const x = v128.load(part)
      a = i32x4.add(a, i32x4.dot_i16x8_s(eightCodes(row0 + at, bytes, factors, drop), x))
      b = i32x4.add(b, i32x4.dot_i16x8_s(eightCodes(row1 + at, bytes, factors, drop), x))
      c = i32x4.add(c, i32x4.dot_i16x8_s(eightCodes(row2 + at, bytes, factors, drop), x))
      e = i32x4.add(e, i32x4.dot_i16x8_s(eightCodes(row3 + at, bytes, factors, drop), x))
    }
    v128.store(out, f32x4.convert_i32x4_s(fourSums(a, b, c, e)))
    row0 = row3 + stride
  }
}
