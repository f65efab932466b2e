// Attention over blocks of 64 keys, with strips of 8 queries in the lanes: scores are built transposed (64 keys × 8
// queries), so maxima and sums are vertical and the weights come out as the packed left operand of weights·values.
import { constant, decay, weight } from './exponential'
import { packRows } from './pack'
import { panel } from './product'

const BLOCK = 64

/**
 * Continues the partial softmax of `strips` strips over keys first … first + count − 1 (first is a multiple of 64).
 * q: strips of d × 8 queries times scale; keys, values: dense rows at `first`; bias: at `first`, or 0; limits: how many keys each row
 * sees, ascending; out: 8·strips rows of outRow bytes (dv rounded up to 8); weights: 64 × 8; packed: 64·d floats, or 0 where
 * d is one of 16, 32, 64, 128 and the keys are read in place.
 */
export function attendStrips(
  strips: i32, q: usize, d: i32, keys: usize, values: usize, dv: i32, bias: usize, first: i32, count: i32,
  limits: usize, max: usize, mass: usize, out: usize, outRow: usize, weights: usize, packed: usize,
): void {
  const stripBytes = (d as usize) << 5
  for (let from = 0; from < count; from += BLOCK) {
    const blockCount = min(BLOCK, count - from)
    const direct = packed ? 0 : d
    let operand = keys
    if (packed) {
      packRows(packed, keys, (d as usize) << 2, blockCount, d)
      operand = packed
    }
    for (let strip: usize = 0; strip < (strips as usize); strip++) {
      const limit = limits + (strip << 5)
      const visible = min(blockCount, load<i32>(limit, 28) - first - from)
      if (visible <= 0) continue
      panel(
        direct, operand, 16, (d as usize) << 4, q + strip * stripBytes, 32, d, (visible + 3) >> 2,
        weights, 32, 0, 0, false,
      )
      if (bias) addBias(weights, bias, visible)
      if (load<i32>(limit) - first - from < visible) hide(weights, limit, first + from, visible)
      const into = out + (strip << 3) * outRow
      soften(weights, visible, max + (strip << 5), mass + (strip << 6), into, outRow)
      for (let column: usize = 0; column < outRow; column += 32) {
        panel(0, weights, 32, 16, values + column, (dv as usize) << 2, visible, 2, into + column, outRow, 0, 0, true)
      }
    }
    keys += ((d as usize) << 2) * BLOCK
    values += ((dv as usize) << 2) * BLOCK
    if (bias) bias += 4 * BLOCK
  }
}

function addBias(scores: usize, bias: usize, count: i32): void {
  for (; count; count--, scores += 32, bias += 4) {
    const b = v128.load32_splat(bias)
    v128.store(scores, f32x4.add(v128.load(scores), b))
    v128.store(scores, f32x4.add(v128.load(scores, 16), b), 16)
  }
}

/** Scores of keys that a row does not see become −∞. */
function hide(scores: usize, limit: usize, first: i32, count: i32): void {
  const nothing = f32x4.splat(-Infinity)
  const limit0 = v128.load(limit), limit1 = v128.load(limit, 16)
  for (let key = first; key < first + count; key++, scores += 32) {
    const at = i32x4.splat(key)
    v128.store(scores, v128.bitselect(v128.load(scores), nothing, i32x4.gt_s(limit0, at)))
    v128.store(scores, v128.bitselect(v128.load(scores, 16), nothing, i32x4.gt_s(limit1, at)), 16)
  }
}

/** Scores → exp(score − max'), with max, mass and the rows of out brought to the new maxima where one grows. */
function soften(scores: usize, count: i32, max: usize, mass: usize, out: usize, outRow: usize): void {
  const old0 = v128.load(max), old1 = v128.load(max, 16)
  let top0 = old0, top1 = old1
  const end = scores + ((count as usize) << 5)
  for (let at = scores; at < end; at += 32) {
    top0 = f32x4.pmax(top0, v128.load(at))
    top1 = f32x4.pmax(top1, v128.load(at, 16))
  }
  // Where a row has seen nothing yet, the weights are exp(−∞ − 0) = 0.
  const nothing = f32x4.splat(-Infinity)
  const base0 = v128.and(top0, f32x4.ne(top0, nothing)), base1 = v128.and(top1, f32x4.ne(top1, nothing))
  if (v128.any_true(v128.or(f32x4.gt(top0, old0), f32x4.gt(top1, old1)))) {
    v128.store(max, top0)
    v128.store(max, top1, 16)
    rescale(decay(f32x4.sub(old0, base0)), mass, out, outRow)
    rescale(decay(f32x4.sub(old1, base1)), mass + 32, out + (outRow << 2), outRow)
  }
  const inverse = constant(0), magic = constant(12), ln2 = constant(13)
  const p1 = constant(4), p2 = constant(5), p3 = constant(6), p4 = constant(7), p5 = constant(8), one = constant(9)
  const lowest = constant(14)
  let sum0 = f32x4.splat(0), sum1 = sum0
  for (let at = scores; at < end; at += 32) {
    const w0 = weight(f32x4.sub(v128.load(at), base0), inverse, magic, ln2, p1, p2, p3, p4, p5, one, lowest)
    const w1 = weight(f32x4.sub(v128.load(at, 16), base1), inverse, magic, ln2, p1, p2, p3, p4, p5, one, lowest)
    v128.store(at, w0)
    v128.store(at, w1, 16)
    sum0 = f32x4.add(sum0, w0)
    sum1 = f32x4.add(sum1, w1)
  }
  addMass(mass, sum0)
  addMass(mass + 32, sum1)
}

/** Four rows of out and their masses times a factor each. */
function rescale(factors: v128, mass: usize, out: usize, outRow: usize): void {
  v128.store(mass, f64x2.mul(v128.load(mass), f64x2.promote_low_f32x4(factors)))
  const high = v128.shuffle<i64>(factors, factors, 1, 1)
  v128.store(mass, f64x2.mul(v128.load(mass, 16), f64x2.promote_low_f32x4(high)), 16)
  rescaleRow(out, outRow, f32x4.splat(f32x4.extract_lane(factors, 0)))
  rescaleRow(out + outRow, outRow, f32x4.splat(f32x4.extract_lane(factors, 1)))
  rescaleRow(out + 2 * outRow, outRow, f32x4.splat(f32x4.extract_lane(factors, 2)))
  rescaleRow(out + 3 * outRow, outRow, f32x4.splat(f32x4.extract_lane(factors, 3)))
}

function rescaleRow(row: usize, bytes: usize, factor: v128): void {
  for (const end = row + bytes; row < end; row += 32) {
    v128.store(row, f32x4.mul(v128.load(row), factor))
    v128.store(row, f32x4.mul(v128.load(row, 16), factor), 16)
  }
}

// @ts-ignore: decorator
@inline
function addMass(mass: usize, sums: v128): void {
  v128.store(mass, f64x2.add(v128.load(mass), f64x2.promote_low_f32x4(sums)))
  const high = v128.shuffle<i64>(sums, sums, 1, 1)
  v128.store(mass, f64x2.add(v128.load(mass, 16), f64x2.promote_low_f32x4(high)), 16)
}

/** Rows of d queries → strips of d × 8, times scale; lanes beyond `rows` hold zeros. turned: 8·d floats of scratch. */
export function packQueries(to: usize, from: usize, rows: i32, d: i32, scale: f32, turned: usize): void {
  const factor = f32x4.splat(scale)
  const row = (d as usize) << 2
  for (; rows > 0; rows -= 8, from += row << 3) {
    packRows(turned, from, row, min(8, rows), d)
    const low = lanes(rows), high = lanes(rows - 4)
    let at = turned
    for (let i = d; i; i--, at += 16, to += 32) {
      v128.store(to, v128.and(f32x4.mul(v128.load(at), factor), low))
      v128.store(to, v128.and(f32x4.mul(v128.load(at + (row << 2)), factor), high), 16)
    }
  }
}

/** All ones in the first `count` lanes. */
function lanes(count: i32): v128 {
  return i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(count))
}

/** Copies rows of `bytes` bytes between matrices of different row lengths. */
export function copyRows(to: usize, toRow: usize, from: usize, fromRow: usize, rows: i32, bytes: usize): void {
  for (; rows; rows--, to += toRow, from += fromRow) memory.copy(to, from, bytes)
}

/** Copies `bytes` bytes that lie together. */
export function copyBytes(to: usize, from: usize, bytes: usize): void {
  memory.copy(to, from, bytes)
}
