// A trial, and no part of the module: sums of products by the relaxed dot of 8 by 7 bits against the plain ones. The relaxed dot is the same on every
// engine only while its second operand stays in 0 … 127, so a query or a weight of 14 bits goes in two halves. bench/relaxed-dot.mjs compiles and runs it.

// @ts-ignore: decorator
@inline
function fourSums(a: v128, b: v128, c: v128, e: v128): v128 {
  const ab = i32x4.add(v128.shuffle<i32>(a, b, 0, 4, 1, 5), v128.shuffle<i32>(a, b, 2, 6, 3, 7))
  const ce = i32x4.add(v128.shuffle<i32>(c, e, 0, 4, 1, 5), v128.shuffle<i32>(c, e, 2, 6, 3, 7))
  return i32x4.add(v128.shuffle<i64>(ab, ce, 0, 2), v128.shuffle<i64>(ab, ce, 1, 3))
}
// @ts-ignore: decorator
@inline
function bothDots(codes: v128, x: v128, y: v128): v128 {
  return i32x4.add(i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(codes), x), i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(codes), y))
}
export function plain8(out: usize, q: usize, row0: usize, stride: i32, width: i32, count: i32): void {
  for (; count > 0; count -= 4, out += 16) {
    const row1 = row0 + stride, row2 = row1 + stride, row3 = row2 + stride
    let a = i32x4.splat(0), b = a, c = a, e = a
    for (let i: usize = 0; i < (width as usize); i += 16) {
      const x = v128.load(q + (i << 1)), y = v128.load(q + (i << 1), 16)
      a = i32x4.add(a, bothDots(v128.load(row0 + i), x, y))
      b = i32x4.add(b, bothDots(v128.load(row1 + i), x, y))
      c = i32x4.add(c, bothDots(v128.load(row2 + i), x, y))
      e = i32x4.add(e, bothDots(v128.load(row3 + i), x, y))
    }
    v128.store(out, f32x4.convert_i32x4_s(fourSums(a, b, c, e)))
    row0 = row3 + stride
  }
}
/** q: 7-bit parts: low at q, high + 64 at q + width. */
export function relaxed8(out: usize, q: usize, row0: usize, stride: i32, width: i32, count: i32): void {
  const ones = i8x16.splat(1)
  for (; count > 0; count -= 4, out += 16) {
    const row1 = row0 + stride, row2 = row1 + stride, row3 = row2 + stride
    let a = i32x4.splat(0), b = a, c = a, e = a, a2 = a, b2 = a, c2 = a, e2 = a, a3 = a, b3 = a, c3 = a, e3 = a
    for (let i: usize = 0; i < (width as usize); i += 16) {
      const x = v128.load(q + i), y = v128.load(q + i + width)
      let k = v128.load(row0 + i)
      a = i32x4.relaxed_dot_i8x16_i7x16_add_s(k, x, a)
      a2 = i32x4.relaxed_dot_i8x16_i7x16_add_s(k, y, a2)
      a3 = i32x4.relaxed_dot_i8x16_i7x16_add_s(k, ones, a3)
      k = v128.load(row1 + i)
      b = i32x4.relaxed_dot_i8x16_i7x16_add_s(k, x, b)
      b2 = i32x4.relaxed_dot_i8x16_i7x16_add_s(k, y, b2)
      b3 = i32x4.relaxed_dot_i8x16_i7x16_add_s(k, ones, b3)
      k = v128.load(row2 + i)
      c = i32x4.relaxed_dot_i8x16_i7x16_add_s(k, x, c)
      c2 = i32x4.relaxed_dot_i8x16_i7x16_add_s(k, y, c2)
      c3 = i32x4.relaxed_dot_i8x16_i7x16_add_s(k, ones, c3)
      k = v128.load(row3 + i)
      e = i32x4.relaxed_dot_i8x16_i7x16_add_s(k, x, e)
      e2 = i32x4.relaxed_dot_i8x16_i7x16_add_s(k, y, e2)
      e3 = i32x4.relaxed_dot_i8x16_i7x16_add_s(k, ones, e3)
    }
    const low = fourSums(a, b, c, e), high = fourSums(a2, b2, c2, e2), all = fourSums(a3, b3, c3, e3)
    v128.store(out, f32x4.convert_i32x4_s(i32x4.add(low, i32x4.shl(i32x4.sub(high, i32x4.shl(all, 6)), 7))))
    row0 = row3 + stride
  }
}
/** One dot alone: a query of 7 bits, as a floor for what could be won. */
export function single8(out: usize, q: usize, row0: usize, stride: i32, width: i32, count: i32): void {
  for (; count > 0; count -= 4, out += 16) {
    const row1 = row0 + stride, row2 = row1 + stride, row3 = row2 + stride
    let a = i32x4.splat(0), b = a, c = a, e = a
    for (let i: usize = 0; i < (width as usize); i += 16) {
      const x = v128.load(q + i)
      a = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(row0 + i), x, a)
      b = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(row1 + i), x, b)
      c = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(row2 + i), x, c)
      e = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(row3 + i), x, e)
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
export function plain4(out: usize, q: usize, row0: usize, stride: i32, width: i32, count: i32): void {
  const end = (width as usize) >> 1
  for (; count > 0; count -= 4, out += 16) {
    const row1 = row0 + stride, row2 = row1 + stride, row3 = row2 + stride
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
/** Codes as 0 … 15 are the second operand; the query in two signed bytes: low and high of even entries, low and high of odd ones, 16 each. */
export function relaxed4(out: usize, q: usize, row0: usize, stride: i32, width: i32, count: i32): void {
  const end = (width as usize) >> 1
  const mask = i8x16.splat(15), flip = i8x16.splat(-120)
  for (; count > 0; count -= 4, out += 16) {
    const row1 = row0 + stride, row2 = row1 + stride, row3 = row2 + stride
    let a = i32x4.splat(0), b = a, c = a, e = a, a2 = a, b2 = a, c2 = a, e2 = a
    for (let i: usize = 0; i < end; i += 16) {
      const x = q + (i << 2)
      const l0 = v128.load(x), h0 = v128.load(x, 16), l1 = v128.load(x, 32), h1 = v128.load(x, 48)
      let k = v128.xor(v128.load(row0 + i), flip), even = v128.and(k, mask), odd = i8x16.shr_u(k, 4)
      a = i32x4.relaxed_dot_i8x16_i7x16_add_s(l0, even, a)
      a2 = i32x4.relaxed_dot_i8x16_i7x16_add_s(h0, even, a2)
      a = i32x4.relaxed_dot_i8x16_i7x16_add_s(l1, odd, a)
      a2 = i32x4.relaxed_dot_i8x16_i7x16_add_s(h1, odd, a2)
      k = v128.xor(v128.load(row1 + i), flip)
      even = v128.and(k, mask)
      odd = i8x16.shr_u(k, 4)
      b = i32x4.relaxed_dot_i8x16_i7x16_add_s(l0, even, b)
      b2 = i32x4.relaxed_dot_i8x16_i7x16_add_s(h0, even, b2)
      b = i32x4.relaxed_dot_i8x16_i7x16_add_s(l1, odd, b)
      b2 = i32x4.relaxed_dot_i8x16_i7x16_add_s(h1, odd, b2)
      k = v128.xor(v128.load(row2 + i), flip)
      even = v128.and(k, mask)
      odd = i8x16.shr_u(k, 4)
      c = i32x4.relaxed_dot_i8x16_i7x16_add_s(l0, even, c)
      c2 = i32x4.relaxed_dot_i8x16_i7x16_add_s(h0, even, c2)
      c = i32x4.relaxed_dot_i8x16_i7x16_add_s(l1, odd, c)
      c2 = i32x4.relaxed_dot_i8x16_i7x16_add_s(h1, odd, c2)
      k = v128.xor(v128.load(row3 + i), flip)
      even = v128.and(k, mask)
      odd = i8x16.shr_u(k, 4)
      e = i32x4.relaxed_dot_i8x16_i7x16_add_s(l0, even, e)
      e2 = i32x4.relaxed_dot_i8x16_i7x16_add_s(h0, even, e2)
      e = i32x4.relaxed_dot_i8x16_i7x16_add_s(l1, odd, e)
      e2 = i32x4.relaxed_dot_i8x16_i7x16_add_s(h1, odd, e2)
    }
    v128.store(out, f32x4.convert_i32x4_s(i32x4.add(fourSums(a, b, c, e), i32x4.shl(fourSums(a2, b2, c2, e2), 8))))
    row0 = row3 + stride
  }
}
/** out: 16 columns. */
export function plainMix(out: usize, weights: usize, count: i32, row: usize, stride: i32): void {
  let a = i32x4.splat(0), b = a, c = a, d = a
  for (; count > 0; count -= 2, weights += 4) {
    const next = row + stride
    const w = v128.load32_splat(weights)
    const x = v128.load(row), y = v128.load(next)
    const low = v128.shuffle<i8>(x, y, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
    const high = v128.shuffle<i8>(x, y, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
    a = i32x4.add(a, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(low), w))
    b = i32x4.add(b, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(low), w))
    c = i32x4.add(c, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(high), w))
    d = i32x4.add(d, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(high), w))
    row = next + stride
  }
  v128.store(out, a)
  v128.store(out, b, 16)
  v128.store(out, c, 32)
  v128.store(out, d, 48)
}
/** weights: four low bytes, then four high ones, of 7 bits. */
export function relaxedMix(out: usize, weights: usize, count: i32, row: usize, stride: i32): void {
  let a = i32x4.splat(0), b = a, c = a, d = a, a2 = a, b2 = a, c2 = a, d2 = a
  for (; count > 0; count -= 4, weights += 8) {
    const r1 = row + stride, r2 = r1 + stride, r3 = r2 + stride
    const l = v128.load32_splat(weights), h = v128.load32_splat(weights, 4)
    const x = v128.load(row), y = v128.load(r1), z = v128.load(r2), u = v128.load(r3)
    const xy0 = v128.shuffle<i8>(x, y, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
    const xy1 = v128.shuffle<i8>(x, y, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
    const zu0 = v128.shuffle<i8>(z, u, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
    const zu1 = v128.shuffle<i8>(z, u, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
    let k = v128.shuffle<i16>(xy0, zu0, 0, 8, 1, 9, 2, 10, 3, 11)
    a = i32x4.relaxed_dot_i8x16_i7x16_add_s(k, l, a)
    a2 = i32x4.relaxed_dot_i8x16_i7x16_add_s(k, h, a2)
    k = v128.shuffle<i16>(xy0, zu0, 4, 12, 5, 13, 6, 14, 7, 15)
    b = i32x4.relaxed_dot_i8x16_i7x16_add_s(k, l, b)
    b2 = i32x4.relaxed_dot_i8x16_i7x16_add_s(k, h, b2)
    k = v128.shuffle<i16>(xy1, zu1, 0, 8, 1, 9, 2, 10, 3, 11)
    c = i32x4.relaxed_dot_i8x16_i7x16_add_s(k, l, c)
    c2 = i32x4.relaxed_dot_i8x16_i7x16_add_s(k, h, c2)
    k = v128.shuffle<i16>(xy1, zu1, 4, 12, 5, 13, 6, 14, 7, 15)
    d = i32x4.relaxed_dot_i8x16_i7x16_add_s(k, l, d)
    d2 = i32x4.relaxed_dot_i8x16_i7x16_add_s(k, h, d2)
    row = r3 + stride
  }
  v128.store(out, i32x4.add(a, i32x4.shl(a2, 7)))
  v128.store(out, i32x4.add(b, i32x4.shl(b2, 7)), 16)
  v128.store(out, i32x4.add(c, i32x4.shl(c2, 7)), 32)
  v128.store(out, i32x4.add(d, i32x4.shl(d2, 7)), 48)
}
