// Attention of many query rows over tokens in codes, four rows at a time over panels that are opened once. Integers are exact, and floats come in the order of
// attendCodes: the same bits.
import { openKeys, openValues } from './code-panels'
import { openHeaders } from './code-rows'
import { softenCodes } from './code-mix'

const BLOCK = 64
/** Bytes of a row's scores, and of their weights in 16 bits after them. */
const SCORES = 384
/** Bytes of headers of a block: steps and shifts of keys, steps of values, their shifts in 16 bits. */
const HEADERS = 896

/**
 * Continues the partial softmax of `rows` rows over `count` keys. q (qRow bytes a row), units: queries as roundQueries made them, not in nibbles; keys, values:
 * the codes of the first row of each, the same stride; bias: floats, or 0; limits: how many keys each row sees, ascending; out: the sums so far, outRow bytes a
 * row; work: 2704 bytes, and 128 for each entry of a key and of a value, rounded up to 8.
 */
export function attendCodeRows(
  rows: i32, q: usize, qRow: i32, units: usize, keys: usize, keyBits: i32, d: i32, values: usize, valueBits: i32, dv: i32,
  stride: i32, bias: usize, count: i32, limits: usize, max: usize, mass: usize, out: usize, outRow: i32, work: usize,
): void {
  const scores = work + HEADERS
  const mixUnits = scores + 4 * SCORES
  const ownBias = bias ? mixUnits + 16 : 0
  const keyPanels = mixUnits + 16 + 4 * BLOCK
  const valuePanels = keyPanels + ((((d + 7) & -8) as usize) << 7)
  for (let first = 0; first < count; first += BLOCK) {
    const block = min(BLOCK, count - first)
    openHeaders(work, work + 256, false, keys - 2, stride, keyBits, block)
    memory.fill(work + 512 + ((block & -8) << 2), 0, 32) // steps of rows that are not there: weights go on to a multiple of 8
    openHeaders(work + 512, work + 768, true, values - 2, stride, valueBits, block)
    openKeys(keyPanels, keys, stride, keyBits, block, d)
    openValues(valuePanels, values, stride, valueBits, block, dv)
    if (bias) memory.copy(ownBias, bias + ((first as usize) << 2), (block as usize) << 2)
    for (let r = 0; r < rows; r += 4) {
      const last = min(r + 3, rows - 1)
      const seen = min(block, load<i32>(limits + (last << 2)) - first)
      if (seen <= 0) continue
      scoresOfFour(scores, q + r * qRow, q + min(r + 1, last) * qRow, q + min(r + 2, last) * qRow, q + last * qRow,
        units + (r << 3), last - r, keyPanels, d, (seen + 7) >> 3, work, ownBias)
      for (let lane = 0; lane < 4; lane++) {
        const row = r + lane
        const own = row <= last ? min(seen, load<i32>(limits + (row << 2)) - first) : 0
        const at = scores + lane * SCORES
        let unit: f32 = 0
        if (own > 0) {
          unit = softenCodes(at, own, work + 512, max + (row << 2), mass + (row << 3), out + row * outRow, outRow)
        }
        store<f32>(mixUnits + (lane << 2), unit)
        const ready = unit > 0 ? ((own + 7) & -8) << 1 : 0
        if (ready < 128) memory.fill(at + 256 + ready, 0, 128 - ready)
      }
      mixOfFour(out + r * outRow, outRow, scores, mixUnits, work + 768, valuePanels, dv, (seen + 1) >> 1)
    }
    keys += stride * BLOCK
    values += stride * BLOCK
  }
}

/** Four rows of scores over `octets` panels of keys; units: those of rows 0 … last, two floats each. */
function scoresOfFour(
  out: usize, q0: usize, q1: usize, q2: usize, q3: usize, units: usize, last: i32, panel: usize, d: i32, octets: i32,
  steps: usize, bias: usize,
): void {
  const end = ((d + 7) & -8) << 1
  const units1 = units + (min(1, last) << 3), units2 = units + (min(2, last) << 3), units3 = units + (last << 3)
  for (; octets; octets--, out += 32, steps += 32) {
    let a0 = i32x4.splat(0), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0, e0 = a0, e1 = a0
    for (let i: usize = 0; i < (end as usize); i += 4, panel += 32) {
      const x = v128.load(panel), y = v128.load(panel, 16)
      let pair = v128.load32_splat(q0 + i)
      a0 = i32x4.add(a0, i32x4.dot_i16x8_s(x, pair))
      a1 = i32x4.add(a1, i32x4.dot_i16x8_s(y, pair))
      pair = v128.load32_splat(q1 + i)
      b0 = i32x4.add(b0, i32x4.dot_i16x8_s(x, pair))
      b1 = i32x4.add(b1, i32x4.dot_i16x8_s(y, pair))
      pair = v128.load32_splat(q2 + i)
      c0 = i32x4.add(c0, i32x4.dot_i16x8_s(x, pair))
      c1 = i32x4.add(c1, i32x4.dot_i16x8_s(y, pair))
      pair = v128.load32_splat(q3 + i)
      e0 = i32x4.add(e0, i32x4.dot_i16x8_s(x, pair))
      e1 = i32x4.add(e1, i32x4.dot_i16x8_s(y, pair))
    }
    putScores(out, a0, a1, units, steps, bias)
    putScores(out + SCORES, b0, b1, units1, steps, bias)
    putScores(out + 2 * SCORES, c0, c1, units2, steps, bias)
    putScores(out + 3 * SCORES, e0, e1, units3, steps, bias)
    if (bias) bias += 32
  }
}

/** (sum of products + shift·Σq)·step·unit, and the bias, of eight keys. */
// @ts-ignore: decorator
@inline
function putScores(out: usize, low: v128, high: v128, units: usize, steps: usize, bias: usize): void {
  const unit = v128.load32_splat(units), sum = v128.load32_splat(units, 4)
  let x = f32x4.add(f32x4.convert_i32x4_s(low), f32x4.mul(v128.load(steps, 256), sum))
  let y = f32x4.add(f32x4.convert_i32x4_s(high), f32x4.mul(v128.load(steps, 272), sum))
  x = f32x4.mul(x, f32x4.mul(v128.load(steps), unit))
  y = f32x4.mul(y, f32x4.mul(v128.load(steps, 16), unit))
  if (bias) {
    x = f32x4.add(x, v128.load(bias))
    y = f32x4.add(y, v128.load(bias, 16))
  }
  v128.store(out, x)
  v128.store(out, y, 16)
}

/** out += unit·Σ weight_t·(code_t + shift_t/16) of four rows, over `pairs` pairs of tokens; rows whose unit is 0 stay. */
function mixOfFour(
  out: usize, outRow: i32, scores: usize, units: usize, shifts: usize, panels: usize, dv: i32, pairs: i32,
): void {
  const w0 = scores + 256, w1 = w0 + SCORES, w2 = w1 + SCORES, w3 = w2 + SCORES
  const shift0 = shiftOf(w0, shifts), shift1 = shiftOf(w1, shifts), shift2 = shiftOf(w2, shifts), shift3 = shiftOf(w3, shifts)
  const end = (pairs as usize) << 2
  for (let column = 0; column < dv; column += 8, panels += 1024, out += 32) {
    let a0 = i32x4.splat(0), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0, e0 = a0, e1 = a0
    let panel = panels
    for (let i: usize = 0; i < end; i += 4, panel += 32) {
      const x = v128.load(panel), y = v128.load(panel, 16)
      let pair = v128.load32_splat(w0 + i)
      a0 = i32x4.add(a0, i32x4.dot_i16x8_s(x, pair))
      a1 = i32x4.add(a1, i32x4.dot_i16x8_s(y, pair))
      pair = v128.load32_splat(w1 + i)
      b0 = i32x4.add(b0, i32x4.dot_i16x8_s(x, pair))
      b1 = i32x4.add(b1, i32x4.dot_i16x8_s(y, pair))
      pair = v128.load32_splat(w2 + i)
      c0 = i32x4.add(c0, i32x4.dot_i16x8_s(x, pair))
      c1 = i32x4.add(c1, i32x4.dot_i16x8_s(y, pair))
      pair = v128.load32_splat(w3 + i)
      e0 = i32x4.add(e0, i32x4.dot_i16x8_s(x, pair))
      e1 = i32x4.add(e1, i32x4.dot_i16x8_s(y, pair))
    }
    addSums(out, a0, a1, shift0, units)
    addSums(out + outRow, b0, b1, shift1, units + 4)
    addSums(out + 2 * outRow, c0, c1, shift2, units + 8)
    addSums(out + 3 * outRow, e0, e1, shift3, units + 12)
  }
}

/** Σ weight_t·shift_t/16 over a block, in all lanes. */
// @ts-ignore: decorator
@inline
function shiftOf(weights: usize, shifts: usize): v128 {
  let all = i32x4.splat(0)
  for (let i: usize = 0; i < 128; i += 16) {
    all = i32x4.add(all, i32x4.dot_i16x8_s(v128.load(weights + i), v128.load(shifts + i)))
  }
  all = i32x4.add(all, v128.shuffle<i32>(all, all, 2, 3, 0, 1))
  all = i32x4.add(all, v128.shuffle<i32>(all, all, 1, 0, 3, 2))
  return f32x4.mul(f32x4.convert_i32x4_s(all), f32x4.splat(0.0625))
}

// @ts-ignore: decorator
@inline
function addSums(out: usize, low: v128, high: v128, shift: v128, units: usize): void {
  if (!(load<f32>(units) > 0)) return
  const unit = v128.load32_splat(units)
  v128.store(out, f32x4.add(v128.load(out), f32x4.mul(unit, f32x4.add(f32x4.convert_i32x4_s(low), shift))))
  v128.store(out, f32x4.add(v128.load(out, 16), f32x4.mul(unit, f32x4.add(f32x4.convert_i32x4_s(high), shift))), 16)
}
