// Rows of packed codes → floats, and their squared distances from a point, eight codes at a time.
import { eightCodes, openWindows, shiftsIn, stepsIn, windowBytes, windowFactors } from './code-rows'

/**
 * out (rows × width) = (code + shift/16)·step. A row begins at from + r·stride with its header; then its codes, lowest bit first. Writes up to 7
 * floats past the last row; reads up to 8 bytes past it.
 */
export function unpack(out: usize, from: usize, stride: i32, bits: i32, rows: i32, width: i32): void {
  openWindows(bits)
  const bytes = windowBytes(), factors = windowFactors(), drop = 16 - bits
  const row = (width as usize) << 2
  for (; rows; rows--, from += stride, out += row) {
    const header = i32x4.splat(load<u16>(from) as i32)
    const step = stepsIn(header)
    const shift = f32x4.mul(f32x4.convert_i32x4_s(shiftsIn(header, bits)), f32x4.splat(0.0625))
    let at = from + 2
    const end = out + row
    for (let to = out; to < end; to += 32, at += bits) {
      const codes = eightCodes(at, bytes, factors, drop)
      const low = f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(codes))
      const high = f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(codes))
      v128.store(to, f32x4.mul(f32x4.add(low, shift), step))
      v128.store(to, f32x4.mul(f32x4.add(high, shift), step), 16)
    }
  }
}

/**
 * out[r] (doubles) = the squared distance of row r from a point, in float32 lanes. point: floats, `width` rounded up to 8; seen: as many words, all ones
 * below `width` and 0 from there on.
 */
export function codeDistances(
  out: usize, from: usize, stride: i32, bits: i32, rows: i32, width: i32, point: usize, seen: usize,
): void {
  openWindows(bits)
  const bytes = windowBytes(), factors = windowFactors(), drop = 16 - bits
  const end = (width as usize) << 2
  for (; rows; rows--, from += stride, out += 8) {
    const header = i32x4.splat(load<u16>(from) as i32)
    const step = stepsIn(header)
    const shift = f32x4.mul(f32x4.convert_i32x4_s(shiftsIn(header, bits)), f32x4.splat(0.0625))
    let at = from + 2
    let a = f32x4.splat(0), b = a
    for (let i: usize = 0; i < end; i += 32, at += bits) {
      const codes = eightCodes(at, bytes, factors, drop)
      const low = f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(codes))
      const high = f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(codes))
      const gap0 = v128.and(f32x4.sub(f32x4.mul(f32x4.add(low, shift), step), v128.load(point + i)), v128.load(seen + i))
      const gap1 = v128.and(
        f32x4.sub(f32x4.mul(f32x4.add(high, shift), step), v128.load(point + i, 16)), v128.load(seen + i, 16),
      )
      a = f32x4.add(a, f32x4.mul(gap0, gap0))
      b = f32x4.add(b, f32x4.mul(gap1, gap1))
    }
    a = f32x4.add(a, b)
    const sum = f32x4.extract_lane(a, 0) + f32x4.extract_lane(a, 2) + (f32x4.extract_lane(a, 1) + f32x4.extract_lane(a, 3))
    store<f64>(out, sum as f64)
  }
}
