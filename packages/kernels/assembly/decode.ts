// Attention for a single query row: scores four keys at a time, lanes along d; the answer 32 columns at a time.
import { constant, decay, weight, first as firstLanes, putFirst } from './exponential'

const BLOCK = 64

/**
 * Continues one row's partial softmax over keys [0, count); q: the row times scale; scores: 64 floats of scratch. inOrder: every sum in ascending order,
 * as attendStrips takes them, for the same bits. kept: where the scores go, bias included, rounded up to a multiple of 4; or 0.
 */
export function attendRow(
  q: usize, d: i32, keys: usize, values: usize, dv: i32, bias: usize, count: i32,
  max: usize, mass: usize, out: usize, scores: usize, inOrder: bool, kept: usize,
): void {
  for (; count > 0; count -= BLOCK) {
    const block = min(BLOCK, count)
    const key = inOrder ? dotsInOrder(scores, q, keys, d, block) : dots(scores, q, keys, d, block)
    if (bias) {
      for (let i: usize = 0; i < (block as usize) << 2; i += 4) {
        store<f32>(scores + i, load<f32>(scores + i) + load<f32>(bias + i))
      }
      bias += 4 * BLOCK
    }
    if (kept) {
      for (let i: usize = 0; i < (key as usize) << 2; i += 16) v128.store(kept + i, v128.load(scores + i))
      kept += 4 * BLOCK
    }
    soften(scores, key, max, mass, out, dv, inOrder)
    mix(scores, block, values, dv, out)
    keys += ((d as usize) << 2) * BLOCK
    values += ((dv as usize) << 2) * BLOCK
  }
}

/** Scores of `count` keys, filled with −∞ up to a multiple of 4; returns that. */
export function dots(scores: usize, q: usize, keys: usize, d: i32, count: i32): i32 {
  let key = 0
  for (; key + 4 <= count; key += 4) {
    v128.store(scores + ((key as usize) << 2), fourDots(q, keys + (((key * d) as usize) << 2), d))
  }
  for (; key < count; key++) {
    store<f32>(scores + ((key as usize) << 2), dot(q, keys + (((key * d) as usize) << 2), d))
  }
  for (; key & 3; key++) store<f32>(scores + ((key as usize) << 2), -Infinity)
  return key
}

/** The same scores, each summed in ascending order: four keys in the lanes. */
export function dotsInOrder(scores: usize, q: usize, keys: usize, d: i32, count: i32): i32 {
  const row = (d as usize) << 2
  let key = 0
  for (; key < count; key += 4, keys += row << 2, scores += 16) {
    const left = count - key
    const key1 = left > 1 ? keys + row : keys, key2 = left > 2 ? keys + 2 * row : keys
    const key3 = left > 3 ? keys + 3 * row : keys
    let sum = f32x4.splat(0)
    let i: usize = 0
    for (; i + 16 <= row; i += 16) {
      const k0 = v128.load(keys + i), k1 = v128.load(key1 + i), k2 = v128.load(key2 + i), k3 = v128.load(key3 + i)
      const low01 = v128.shuffle<i32>(k0, k1, 0, 4, 1, 5), high01 = v128.shuffle<i32>(k0, k1, 2, 6, 3, 7)
      const low23 = v128.shuffle<i32>(k2, k3, 0, 4, 1, 5), high23 = v128.shuffle<i32>(k2, k3, 2, 6, 3, 7)
      sum = f32x4.add(sum, f32x4.mul(v128.shuffle<i64>(low01, low23, 0, 2), v128.load32_splat(q + i)))
      sum = f32x4.add(sum, f32x4.mul(v128.shuffle<i64>(low01, low23, 1, 3), v128.load32_splat(q + i, 4)))
      sum = f32x4.add(sum, f32x4.mul(v128.shuffle<i64>(high01, high23, 0, 2), v128.load32_splat(q + i, 8)))
      sum = f32x4.add(sum, f32x4.mul(v128.shuffle<i64>(high01, high23, 1, 3), v128.load32_splat(q + i, 12)))
    }
    for (; i < row; i += 4) {
      const four = f32x4(load<f32>(keys + i), load<f32>(key1 + i), load<f32>(key2 + i), load<f32>(key3 + i))
      sum = f32x4.add(sum, f32x4.mul(four, v128.load32_splat(q + i)))
    }
    v128.store(scores, sum)
  }
  for (let missing = key - count; missing > 0; missing--) store<f32>(scores - ((missing as usize) << 2), -Infinity)
  return key
}

function fourDots(q: usize, key: usize, d: i32): v128 {
  const row = (d as usize) << 2
  const key1 = key + row, key2 = key1 + row, key3 = key2 + row
  let a = f32x4.splat(0), b = a, c = a, e = a, a2 = a, b2 = a, c2 = a, e2 = a
  let i: usize = 0
  for (; i + 32 <= row; i += 32) {
    let x = v128.load(q + i)
    a = f32x4.add(a, f32x4.mul(x, v128.load(key + i)))
    b = f32x4.add(b, f32x4.mul(x, v128.load(key1 + i)))
    c = f32x4.add(c, f32x4.mul(x, v128.load(key2 + i)))
    e = f32x4.add(e, f32x4.mul(x, v128.load(key3 + i)))
    x = v128.load(q + i, 16)
    a2 = f32x4.add(a2, f32x4.mul(x, v128.load(key + i, 16)))
    b2 = f32x4.add(b2, f32x4.mul(x, v128.load(key1 + i, 16)))
    c2 = f32x4.add(c2, f32x4.mul(x, v128.load(key2 + i, 16)))
    e2 = f32x4.add(e2, f32x4.mul(x, v128.load(key3 + i, 16)))
  }
  a = f32x4.add(a, a2)
  b = f32x4.add(b, b2)
  c = f32x4.add(c, c2)
  e = f32x4.add(e, e2)
  const ab = f32x4.add(v128.shuffle<i32>(a, b, 0, 4, 1, 5), v128.shuffle<i32>(a, b, 2, 6, 3, 7))
  const ce = f32x4.add(v128.shuffle<i32>(c, e, 0, 4, 1, 5), v128.shuffle<i32>(c, e, 2, 6, 3, 7))
  let total = f32x4.add(v128.shuffle<i64>(ab, ce, 0, 2), v128.shuffle<i64>(ab, ce, 1, 3))
  for (; i < row; i += 4) {
    const four = f32x4(load<f32>(key + i), load<f32>(key1 + i), load<f32>(key2 + i), load<f32>(key3 + i))
    total = f32x4.add(total, f32x4.mul(v128.load32_splat(q + i), four))
  }
  return total
}

/** One of fourDots' sums, in the same order: a key's score does not depend on its neighbours. */
function dot(q: usize, key: usize, d: i32): f32 {
  const row = (d as usize) << 2
  let a = f32x4.splat(0), a2 = a
  let i: usize = 0
  for (; i + 32 <= row; i += 32) {
    a = f32x4.add(a, f32x4.mul(v128.load(q + i), v128.load(key + i)))
    a2 = f32x4.add(a2, f32x4.mul(v128.load(q + i, 16), v128.load(key + i, 16)))
  }
  a = f32x4.add(a, a2)
  let total = f32x4.extract_lane(a, 0) + f32x4.extract_lane(a, 2) + (f32x4.extract_lane(a, 1) + f32x4.extract_lane(a, 3))
  for (; i < row; i += 4) total += load<f32>(q + i) * load<f32>(key + i)
  return total
}

/** Scores → exp(score − max'); count is a multiple of 4 (filled with −∞). */
function soften(scores: usize, count: i32, max: usize, mass: usize, out: usize, dv: i32, inOrder: bool): void {
  const end = scores + ((count as usize) << 2)
  let tops = v128.load32_splat(max)
  for (let at = scores; at < end; at += 16) tops = f32x4.pmax(tops, v128.load(at))
  tops = f32x4.pmax(tops, v128.shuffle<i32>(tops, tops, 2, 3, 0, 1))
  tops = f32x4.pmax(tops, v128.shuffle<i32>(tops, tops, 1, 0, 3, 2))
  const old = load<f32>(max), top = f32x4.extract_lane(tops, 0)
  if (top > old) {
    store<f32>(max, top)
    const factor = decay(f32x4.splat(old - top))
    store<f64>(mass, load<f64>(mass) * (f32x4.extract_lane(factor, 0) as f64))
    let at = out, left = dv
    for (; left >= 4; left -= 4, at += 16) v128.store(at, f32x4.mul(v128.load(at), factor))
    if (left) putFirst(at, f32x4.mul(firstLanes(at, left), factor), left)
  }
  const inverse = constant(0), magic = constant(12), ln2 = constant(13)
  const p1 = constant(4), p2 = constant(5), p3 = constant(6), p4 = constant(7), p5 = constant(8), one = constant(9)
  const lowest = constant(14)
  let sum = f32x4.splat(0)
  for (let at = scores; at < end; at += 16) {
    const w = weight(f32x4.sub(v128.load(at), tops), inverse, magic, ln2, p1, p2, p3, p4, p5, one, lowest)
    v128.store(at, w)
    sum = f32x4.add(sum, w)
  }
  if (inOrder) {
    let total: f32 = 0
    for (let at = scores; at < end; at += 4) total += load<f32>(at)
    return store<f64>(mass, load<f64>(mass) + (total as f64))
  }
  sum = f32x4.add(sum, v128.shuffle<i32>(sum, sum, 2, 3, 0, 1))
  store<f64>(mass, load<f64>(mass) + ((f32x4.extract_lane(sum, 0) + f32x4.extract_lane(sum, 1)) as f64))
}

/** out += weights·values over one block. */
function mix(weights: usize, count: i32, values: usize, dv: i32, out: usize): void {
  const row = (dv as usize) << 2
  for (; dv >= 32; dv -= 32, values += 128, out += 128) {
    let a = f32x4.splat(0), b = a, c = a, d = a, e = a, f = a, g = a, h = a
    let value = values
    for (let i: usize = 0; i < (count as usize) << 2; i += 4, value += row) {
      const w = v128.load32_splat(weights + i)
      a = f32x4.add(a, f32x4.mul(w, v128.load(value)))
      b = f32x4.add(b, f32x4.mul(w, v128.load(value, 16)))
      c = f32x4.add(c, f32x4.mul(w, v128.load(value, 32)))
      d = f32x4.add(d, f32x4.mul(w, v128.load(value, 48)))
      e = f32x4.add(e, f32x4.mul(w, v128.load(value, 64)))
      f = f32x4.add(f, f32x4.mul(w, v128.load(value, 80)))
      g = f32x4.add(g, f32x4.mul(w, v128.load(value, 96)))
      h = f32x4.add(h, f32x4.mul(w, v128.load(value, 112)))
    }
    v128.store(out, f32x4.add(v128.load(out), a))
    v128.store(out, f32x4.add(v128.load(out, 16), b), 16)
    v128.store(out, f32x4.add(v128.load(out, 32), c), 32)
    v128.store(out, f32x4.add(v128.load(out, 48), d), 48)
    v128.store(out, f32x4.add(v128.load(out, 64), e), 64)
    v128.store(out, f32x4.add(v128.load(out, 80), f), 80)
    v128.store(out, f32x4.add(v128.load(out, 96), g), 96)
    v128.store(out, f32x4.add(v128.load(out, 112), h), 112)
  }
  for (; dv > 0; dv -= 4, values += 16, out += 16) {
    let a = f32x4.splat(0)
    let value = values
    for (let i: usize = 0; i < (count as usize) << 2; i += 4, value += row) {
      a = f32x4.add(a, f32x4.mul(v128.load32_splat(weights + i), v128.load(value)))
    }
    if (dv >= 4) v128.store(out, f32x4.add(v128.load(out), a))
    else putFirst(out, f32x4.add(firstLanes(out, dv), a), dv)
  }
}
