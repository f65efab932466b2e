// The randomized Hadamard transform of rows of doubles, in place: two lanes, every sum in the order of its definition. And rows of floats on their way to it and back.

/**
 * Rows of `width` doubles. The first p entries times `signs` (p doubles) are transformed and scaled by unit; where the width is greater, then the
 * last p by the signs after these. back: the inverse.
 */
export function turn(x: usize, signs: usize, rows: i32, width: i32, p: i32, unit: f64, back: bool): void {
  const row = (width as usize) << 3
  const rest = ((width - p) as usize) << 3
  const others = signs + ((p as usize) << 3)
  for (; rows; rows--, x += row) {
    if (back) {
      if (rest) {
        hadamard(x + rest, p, unit)
        flip(x + rest, others, p)
      }
      hadamard(x, p, unit)
      flip(x, signs, p)
    } else {
      flip(x, signs, p)
      hadamard(x, p, unit)
      if (rest) {
        flip(x + rest, others, p)
        hadamard(x + rest, p, unit)
      }
    }
  }
}

function flip(x: usize, signs: usize, p: i32): void {
  if (p == 1) return store<f64>(x, load<f64>(x) * load<f64>(signs))
  for (; p; p -= 2, x += 16, signs += 16) v128.store(x, f64x2.mul(v128.load(x), v128.load(signs)))
}

/** p doubles times the Hadamard matrix times unit. */
function hadamard(x: usize, p: i32, unit: f64): void {
  if (p == 1) return store<f64>(x, load<f64>(x) * unit)
  const end = x + ((p as usize) << 3)
  const minus = i64x2(0, i64.MIN_VALUE) // the sign of the upper lane
  for (let at = x; at < end; at += 16) {
    const ab = v128.load(at)
    const b = v128.xor(v128.shuffle<i64>(ab, ab, 1, 1), minus)
    v128.store(at, f64x2.add(v128.shuffle<i64>(ab, ab, 0, 0), b))
  }
  for (let half: usize = 16; x + half < end; half <<= 1) {
    for (let from = x; from < end; from += half) {
      for (const stop = from + half; from < stop; from += 16) {
        const a = v128.load(from), b = v128.load(from + half)
        v128.store(from, f64x2.add(a, b))
        v128.store(from + half, f64x2.sub(a, b))
      }
    }
  }
  const units = f64x2.splat(unit)
  for (let at = x; at < end; at += 16) v128.store(at, f64x2.mul(v128.load(at), units))
}

/** x (rows × width doubles) = floats less those of `centre`; reads up to 4 bytes past both. */
export function withoutCentre(x: usize, from: usize, rows: i32, width: i32, centre: usize): void {
  for (; rows; rows--) {
    const end = x + ((width as usize) << 3)
    let at = centre
    for (; x + 16 <= end; x += 16, from += 8, at += 8) {
      v128.store(x, f64x2.sub(f64x2.promote_low_f32x4(v128.load64_zero(from)), f64x2.promote_low_f32x4(v128.load64_zero(at))))
    }
    if (x < end) {
      store<f64>(x, (load<f32>(from) as f64) - (load<f32>(at) as f64))
      x += 8
      from += 4
    }
  }
}

/** to (floats) = x (rows × width doubles) + a factor a row (doubles) times `centre`, at most `most` in magnitude. */
export function withCentre(to: usize, x: usize, rows: i32, width: i32, centre: usize, factors: usize, most: f64): void {
  const highest = f64x2.splat(most), lowest = f64x2.splat(-most)
  for (; rows; rows--, factors += 8) {
    const end = x + ((width as usize) << 3)
    const factor = v128.load64_splat(factors)
    let at = centre
    for (; x + 16 <= end; x += 16, to += 8, at += 8) {
      const two = f64x2.add(v128.load(x), f64x2.mul(factor, f64x2.promote_low_f32x4(v128.load64_zero(at))))
      v128.store64_lane(to, f32x4.demote_f64x2_zero(f64x2.pmax(lowest, f64x2.pmin(highest, two))), 0)
    }
    if (x < end) {
      const one = load<f64>(x) + load<f64>(factors) * (load<f32>(at) as f64)
      store<f32>(to, (one > most ? most : one < -most ? -most : one) as f32)
      x += 8
      to += 4
    }
  }
}
