// Rows of packed codes, as the kernels read them: two bytes of header (kernels.ts, PackedRows), then codes of `bits` bits, lowest bit first.

/** For each of eight codes: the two bytes that it lies in, and the factor that brings it to the top of these 16 bits. */
const windows = memory.data(32, 16)

/** Sets `windows` for codes of so many bits. Nothing else uses them: setting them again costs less than to remember who did. */
export function openWindows(bits: i32): void {
  for (let lane: i32 = 0; lane < 8; lane++) {
    const byte = (lane * bits) >> 3, place = (lane * bits) & 7
    const both: i32 = byte | ((byte + 1) << 8), factor: i32 = 1 << (16 - bits - place)
    store<u16>(windows + (lane << 1), both as u16)
    store<u16>(windows + (lane << 1), factor as u16, 16)
  }
}

// @ts-ignore: decorator
@inline
export function windowBytes(): v128 {
  return v128.load(windows)
}

// @ts-ignore: decorator
@inline
export function windowFactors(): v128 {
  return v128.load(windows, 16)
}

/** Eight codes at `at`, as signed integers. Reads 8 bytes. */
// @ts-ignore: decorator
@inline
export function eightCodes(at: usize, bytes: v128, factors: v128, drop: i32): v128 {
  return i16x8.shr_s(i16x8.mul(i8x16.swizzle(v128.load64_splat(at), bytes), factors), drop)
}

/** The steps in headers: their upper 13 bits are those of a float32. */
// @ts-ignore: decorator
@inline
export function stepsIn(headers: v128): v128 {
  return i32x4.shl(v128.and(headers, i32x4.splat(0xfff8)), 15)
}

/** Shifts that headers add to codes, in sixteenths of a step: 8 + (2·(header mod 8) − 7)·2^bits/4. */
// @ts-ignore: decorator
@inline
export function shiftsIn(headers: v128, bits: i32): v128 {
  const eighths = i32x4.shl(v128.and(headers, i32x4.splat(7)), bits - 1)
  return i32x4.add(eighths, i32x4.splat(8 - ((7 << bits) >> 2)))
}

/** The sum of all lanes, of four vectors at once. */
// @ts-ignore: decorator
@inline
export function fourSums(a: v128, b: v128, c: v128, e: v128): v128 {
  const ab = i32x4.add(v128.shuffle<i32>(a, b, 0, 4, 1, 5), v128.shuffle<i32>(a, b, 2, 6, 3, 7))
  const ce = i32x4.add(v128.shuffle<i32>(c, e, 0, 4, 1, 5), v128.shuffle<i32>(c, e, 2, 6, 3, 7))
  return i32x4.add(v128.shuffle<i64>(ab, ce, 0, 2), v128.shuffle<i64>(ab, ce, 1, 3))
}

/**
 * Reads the headers of `count` rows, and of up to 3 rows more: their steps as floats and their shifts in sixteenths, as floats or, inWords, in 16 bits.
 */
export function openHeaders(
  steps: usize, shifts: usize, inWords: bool, row0: usize, stride: i32, bits: i32, count: i32,
): void {
  for (; count > 0; count -= 4, steps += 16) {
    let row1 = row0 + stride, row2 = row1 + stride, row3 = row2 + stride
    if (count < 4) {
      row3 = row0
      if (count < 3) row2 = row0
      if (count < 2) row1 = row0
    }
    let headers = i32x4.replace_lane(i32x4.splat(0), 0, load<u16>(row0) as i32)
    headers = v128.load_lane<u16>(row1, headers, 2)
    headers = v128.load_lane<u16>(row2, headers, 4)
    headers = v128.load_lane<u16>(row3, headers, 6)
    row0 = row3 + stride
    v128.store(steps, stepsIn(headers))
    const shift = shiftsIn(headers, bits)
    if (inWords) {
      v128.store64_lane(shifts, i16x8.narrow_i32x4_s(shift, shift), 0)
      shifts += 8
    } else {
      v128.store(shifts, f32x4.convert_i32x4_s(shift))
      shifts += 16
    }
  }
}
