// Normal numbers from counters: Philox4x32-10 in i32x4 lanes, then the inverse normal distribution function of Wichura (AS 241,
// PPND16) in f64x2 lanes. Integers and + − × ÷ √ in a fixed order: the scalar reference gives the same bits.
//
// The middle formula, |u − ½| ≤ 0.425, is evaluated for every number; the 15 % outside are listed, and done over in pairs.

const MIDDLE = 1825361100 // the last whole s >= 0 with s + ½ ≤ 0.425·2^32

/** Horner coefficients of numerator and denominator, highest first, in turns; the denominators end in 1. */
const middle = memory.data<f64>([
  2509.0809287301226727, 5226.495278852854561, 33430.575583588128105, 28729.085735721942674,
  67265.770927008700853, 39307.89580009271061, 45921.953931549871457, 21213.794301586595867,
  13731.693765509461125, 5394.1960214247511077, 1971.5909503065514427, 687.1870074920579083,
  133.14166789178437745, 42.313330701600911252, 3.387132872796366608, 1,
])
const outer = memory.data<f64>([
  7.7454501427834140764e-4, 1.05075007164441684324e-9, 0.0227238449892691845833, 5.475938084995344946e-4,
  0.24178072517745061177, 0.0151986665636164571966, 1.27045825245236838258, 0.14810397642748007459,
  3.64784832476320460504, 0.68976733498510000455, 5.7694972214606914055, 1.6763848301838038494,
  4.6303378461565452959, 2.05319162663775882187, 1.42343711074968357734, 1,
])
/** 1/19, 1/17, … 1/3: the series of ln((1 + s)/(1 − s)) = 2(s + s³/3 + s⁵/5 + …). */
const series = memory.data<f64>([1 / 19, 1 / 17, 1 / 15, 1 / 13, 1 / 11, 1 / 9, 1 / 7, 1 / 5, 1 / 3])

/** Byte shuffles that bring the lanes of a 4-bit mask to the front. */
const compaction = memory.data(256)
const listedWords = memory.data(1408) // at most 255 from before, 32 of a call, 4 read in vain
const listedPlaces = memory.data(1408)
const corner = memory.data(128) // 4 × 8 numbers on their way to rows
const FULL: usize = 256
let listed: usize = 0
let prepared = false

function prepare(): void {
  for (let mask = 0; mask < 16; mask++) {
    let to = compaction + (mask << 4)
    for (let lane = 0; lane < 4; lane++) {
      if ((mask >> lane) & 1) {
        store<u32>(to, 0x03020100 + 0x04040404 * lane)
        to += 4
      }
    }
  }
  prepared = true
}

/**
 * out (rows × count, rows `outRow` bytes apart): entry (r, c) = unit·Φ⁻¹((w + ½)·2⁻³²) with w word r mod 4 of Philox at counter
 * (⌊r/4⌋, j, j's high word, stream), r counted from firstRow, a multiple of 4, and j = first + c.
 */
export function normalColumns(
  out: usize, outRow: usize, keyLow: i32, keyHigh: i32, stream: i32,
  firstRow: i32, rows: i32, firstLow: u32, firstHigh: u32, count: i32, unit: f64,
): void {
  if (!prepared) prepare()
  const first = ((firstHigh as u64) << 32) | (firstLow as u64)
  const whole = count & ~7
  let into = out
  for (let r = 0; r < rows; r += 4, into += outRow << 2) {
    const group = i32x4.splat((firstRow + r) >> 2)
    const height = min(rows - r, 4)
    for (let c = 0; c < whole; c += 8) {
      const j = first + (c as u64)
      const low = i32x4.splat(j as i32), high = i32x4.splat((j >> 32) as i32)
      const low0 = i32x4.add(low, i32x4(0, 1, 2, 3)), low1 = i32x4.add(low, i32x4(4, 5, 6, 7))
      const high0 = i32x4.sub(high, i32x4.lt_u(low0, low)), high1 = i32x4.sub(high, i32x4.lt_u(low1, low))
      const to = into + ((c as usize) << 2)
      numbers(to, outRow, height, group, group, low0, low1, high0, high1, stream, keyLow, keyHigh, unit)
      if (listed >= FULL) finish(unit)
    }
  }
  finish(unit)
  // The last columns one by one, with eight groups of four rows in the lanes.
  for (let c = whole; c < count; c++) {
    const j = first + (c as u64)
    const low = i32x4.splat(j as i32), high = i32x4.splat((j >> 32) as i32)
    for (let r = 0; r < rows; r += 32) {
      const group = i32x4.splat((firstRow + r) >> 2)
      const group0 = i32x4.add(group, i32x4(0, 1, 2, 3)), group1 = i32x4.add(group, i32x4(4, 5, 6, 7))
      numbers(corner, 32, 4, group0, group1, low, low, high, high, stream, keyLow, keyHigh, unit)
      finish(unit)
      let to = out + (r as usize) * outRow + ((c as usize) << 2)
      for (let i = 0, n = min(rows - r, 32); i < n; i++, to += outRow) {
        store<f32>(to, load<f32>(corner + ((i & 3) << 5) + ((i >> 2) << 2)))
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function highs(a: v128, factor: v128): v128 {
  const low = i64x2.extmul_low_i32x4_u(a, factor), high = i64x2.extmul_high_i32x4_u(a, factor)
  return v128.shuffle<i32>(low, high, 1, 3, 5, 7)
}

/** Eight counters: the first `height` of four rows of eight numbers, `row` bytes apart. */
function numbers(
  to: usize, row: usize, height: i32, a0: v128, b0: v128, a1: v128, b1: v128, a2: v128, b2: v128,
  stream: i32, keyLow: i32, keyHigh: i32, unit: f64,
): void {
  let a3 = i32x4.splat(stream), b3 = a3
  let k0 = i32x4.splat(keyLow), k1 = i32x4.splat(keyHigh)
  const m0 = i32x4.splat(0xd2511f53), m1 = i32x4.splat(0xcd9e8d57)
  const bump0 = i32x4.splat(0x9e3779b9), bump1 = i32x4.splat(0xbb67ae85)
  for (let round = 10; round; round--) {
    const x0 = v128.xor(v128.xor(highs(a2, m1), a1), k0)
    const y0 = v128.xor(v128.xor(highs(b2, m1), b1), k0)
    const x2 = v128.xor(v128.xor(highs(a0, m0), a3), k1)
    const y2 = v128.xor(v128.xor(highs(b0, m0), b3), k1)
    a1 = i32x4.mul(a2, m1)
    b1 = i32x4.mul(b2, m1)
    a3 = i32x4.mul(a0, m0)
    b3 = i32x4.mul(b0, m0)
    a0 = x0
    b0 = y0
    a2 = x2
    b2 = y2
    k0 = i32x4.add(k0, bump0)
    k1 = i32x4.add(k1, bump1)
  }
  eight(to, a0, b0, unit)
  if (height > 1) eight(to + row, a1, b1, unit)
  if (height > 2) eight(to + row * 2, a2, b2, unit)
  if (height > 3) eight(to + row * 3, a3, b3, unit)
}

/** Eight numbers from their words by the middle formula; those it is not for are listed. */
function eight(to: usize, a: v128, b: v128, unit: f64): void {
  const flip = i32x4.splat(i32.MIN_VALUE)
  a = v128.xor(a, flip)
  b = v128.xor(b, flip)
  list(to, a)
  list(to + 16, b)
  const half = f64x2.splat(0.5), scale = f64x2.splat(1 / 4294967296), square = f64x2.splat(0.180625)
  const q0 = f64x2.mul(f64x2.add(f64x2.convert_low_i32x4_s(a), half), scale)
  const q1 = f64x2.mul(f64x2.add(f64x2.convert_low_i32x4_s(v128.shuffle<i64>(a, a, 1, 1)), half), scale)
  const q2 = f64x2.mul(f64x2.add(f64x2.convert_low_i32x4_s(b), half), scale)
  const q3 = f64x2.mul(f64x2.add(f64x2.convert_low_i32x4_s(v128.shuffle<i64>(b, b, 1, 1)), half), scale)
  const r0 = f64x2.sub(square, f64x2.mul(q0, q0)), r1 = f64x2.sub(square, f64x2.mul(q1, q1))
  const r2 = f64x2.sub(square, f64x2.mul(q2, q2)), r3 = f64x2.sub(square, f64x2.mul(q3, q3))
  let n0 = v128.load64_splat(middle), n1 = n0, n2 = n0, n3 = n0
  let d0 = v128.load64_splat(middle, 8), d1 = d0, d2 = d0, d3 = d0
  for (let at = middle + 16; at < middle + 128; at += 16) {
    const n = v128.load64_splat(at), d = v128.load64_splat(at, 8)
    n0 = f64x2.add(f64x2.mul(n0, r0), n)
    n1 = f64x2.add(f64x2.mul(n1, r1), n)
    n2 = f64x2.add(f64x2.mul(n2, r2), n)
    n3 = f64x2.add(f64x2.mul(n3, r3), n)
    d0 = f64x2.add(f64x2.mul(d0, r0), d)
    d1 = f64x2.add(f64x2.mul(d1, r1), d)
    d2 = f64x2.add(f64x2.mul(d2, r2), d)
    d3 = f64x2.add(f64x2.mul(d3, r3), d)
  }
  const units = f64x2.splat(unit)
  v128.store(to, joined(
    f64x2.mul(f64x2.div(f64x2.mul(q0, n0), d0), units), f64x2.mul(f64x2.div(f64x2.mul(q1, n1), d1), units),
  ))
  v128.store(to, joined(
    f64x2.mul(f64x2.div(f64x2.mul(q2, n2), d2), units), f64x2.mul(f64x2.div(f64x2.mul(q3, n3), d3), units),
  ), 16)
}

// @ts-ignore: decorator
@inline
function joined(low: v128, high: v128): v128 {
  return v128.shuffle<i64>(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 2)
}

/** Lists the words outside the middle, and where their numbers belong. */
// @ts-ignore: decorator
@inline
function list(to: usize, words: v128): void {
  const size = v128.xor(words, i32x4.shr_s(words, 31))
  const mask = i32x4.bitmask(i32x4.gt_s(size, i32x4.splat(MIDDLE)))
  const front = v128.load(compaction + ((mask as usize) << 4))
  const places = i32x4.add(i32x4.splat(to as i32), i32x4(0, 4, 8, 12))
  v128.store(listedWords + (listed << 2), i8x16.swizzle(words, front))
  v128.store(listedPlaces + (listed << 2), i8x16.swizzle(places, front))
  listed += popcnt(mask) as usize
}

/** Writes the numbers that are listed, four at a time. */
function finish(unit: f64): void {
  for (let i: usize = 0; i < listed; i += 4) {
    const words = v128.load(listedWords + (i << 2))
    const low = tails(words, unit), high = tails(v128.shuffle<i64>(words, words, 1, 1), unit)
    const z = v128.shuffle<i64>(low, high, 0, 2)
    const place = listedPlaces + (i << 2)
    const left = listed - i
    v128.store_lane<f32>(load<u32>(place) as usize, z, 0)
    if (left > 1) v128.store_lane<f32>(load<u32>(place, 4) as usize, z, 1)
    if (left > 2) v128.store_lane<f32>(load<u32>(place, 8) as usize, z, 2)
    if (left > 3) v128.store_lane<f32>(load<u32>(place, 12) as usize, z, 3)
  }
  listed = 0
}

/** Two numbers from the words in the low half: sign · N(√(−ln p) − 1.6) / D(…), p the distance of u to 0 or 1, down to 2⁻³³. */
// @ts-ignore: decorator
@inline
function tails(words: v128, unit: f64): v128 {
  const sign = i32x4.shr_s(words, 31)
  const fromEnd = v128.xor(v128.xor(words, sign), i32x4.splat(0x7fffffff))
  const p = f64x2.mul(f64x2.add(f64x2.convert_low_i32x4_s(fromEnd), f64x2.splat(0.5)), f64x2.splat(1 / 4294967296))
  // p = m·2^e with m in [0.7071, 1.4142): the high words alone tell.
  const above = i32x4.shr_s(i32x4.sub(p, i32x4.splat(0x3fe6a09e)), 20)
  const m = i32x4.sub(p, v128.and(i32x4.shl(above, 20), i64x2.splat(-4294967296)))
  const e = f64x2.convert_low_i32x4_s(v128.shuffle<i32>(above, above, 1, 3, 1, 3))
  const one = f64x2.splat(1)
  const s = f64x2.div(f64x2.sub(m, one), f64x2.add(m, one))
  const square = f64x2.mul(s, s)
  let sum = v128.load64_splat(series)
  for (let at = series + 8; at < series + 72; at += 8) sum = f64x2.add(f64x2.mul(sum, square), v128.load64_splat(at))
  const twice = f64x2.add(s, s)
  const ln = f64x2.add(
    f64x2.mul(e, f64x2.splat(0.6931471805599453)),
    f64x2.add(twice, f64x2.mul(f64x2.mul(twice, square), sum)),
  )
  const r = f64x2.sub(f64x2.sqrt(f64x2.neg(ln)), f64x2.splat(1.6))
  let n = v128.load64_splat(outer), d = v128.load64_splat(outer, 8)
  for (let at = outer + 16; at < outer + 128; at += 16) {
    n = f64x2.add(f64x2.mul(n, r), v128.load64_splat(at))
    d = f64x2.add(f64x2.mul(d, r), v128.load64_splat(at, 8))
  }
  const z = f32x4.demote_f64x2_zero(f64x2.mul(f64x2.div(n, d), f64x2.splat(unit)))
  return v128.xor(z, v128.and(sign, i32x4.splat(i32.MIN_VALUE)))
}
