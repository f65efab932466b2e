// Codes of 64 tokens opened to 16 bits each, in the order in which products of four queries read them: no product shuffles or widens anything.
import { eightCodes, openWindows, windowBytes, windowFactors } from './code-rows'

/**
 * Panels of keys, one for each eight of `count` rows: for each two entries (d rounded up to 8), these two of key 0, of key 1, … 32 bytes. Rows past the last
 * repeat it.
 */
export function openKeys(to: usize, codes: usize, stride: i32, bits: i32, count: i32, d: i32): void {
  openWindows(bits)
  const bytes = windowBytes(), factors = windowFactors(), drop = 16 - bits
  const panelBytes = ((d + 7) & -8) << 4
  for (let first = 0; first < count; first += 4) {
    const row0 = codes + first * stride
    const row1 = codes + min(first + 1, count - 1) * stride
    const row2 = codes + min(first + 2, count - 1) * stride
    const row3 = codes + min(first + 3, count - 1) * stride
    let put = to + (first >> 3) * panelBytes + ((first & 4) << 2)
    let at: usize = 0
    for (let i = 0; i < d; i += 8, at += bits, put += 128) {
      const a = eightCodes(row0 + at, bytes, factors, drop), b = eightCodes(row1 + at, bytes, factors, drop)
      const c = eightCodes(row2 + at, bytes, factors, drop), e = eightCodes(row3 + at, bytes, factors, drop)
      const ab0 = v128.shuffle<i32>(a, b, 0, 4, 1, 5), ab1 = v128.shuffle<i32>(a, b, 2, 6, 3, 7)
      const ce0 = v128.shuffle<i32>(c, e, 0, 4, 1, 5), ce1 = v128.shuffle<i32>(c, e, 2, 6, 3, 7)
      v128.store(put, v128.shuffle<i64>(ab0, ce0, 0, 2))
      v128.store(put, v128.shuffle<i64>(ab0, ce0, 1, 3), 32)
      v128.store(put, v128.shuffle<i64>(ab1, ce1, 0, 2), 64)
      v128.store(put, v128.shuffle<i64>(ab1, ce1, 1, 3), 96)
    }
  }
}

/** Panels of values, one of 1024 bytes for each eight columns: for each two of up to 64 rows, both rows' entries of column 0, of column 1, … 32 bytes. */
export function openValues(to: usize, codes: usize, stride: i32, bits: i32, count: i32, dv: i32): void {
  openWindows(bits)
  const bytes = windowBytes(), factors = windowFactors(), drop = 16 - bits
  for (let first = 0; first < count; first += 2, to += 32) {
    const row0 = codes + first * stride
    const row1 = codes + min(first + 1, count - 1) * stride
    let put = to
    let at: usize = 0
    for (let i = 0; i < dv; i += 8, at += bits, put += 1024) {
      const x = eightCodes(row0 + at, bytes, factors, drop), y = eightCodes(row1 + at, bytes, factors, drop)
      v128.store(put, v128.shuffle<i16>(x, y, 0, 8, 1, 9, 2, 10, 3, 11))
      v128.store(put, v128.shuffle<i16>(x, y, 4, 12, 5, 13, 6, 14, 7, 15), 16)
    }
  }
}
