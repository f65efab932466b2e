// A block of the randomized Hadamard transform: signs, the Walsh–Hadamard transform down 64 rows, and rows of it added.

/** to (64 × width) = the rows of the block (count × width), from row `offset` on, with their signs; other rows are zero. */
export function signedRows(
  to: usize, block: usize, width: i32, offset: i32, count: i32, signsLow: u32, signsHigh: u32,
): void {
  let signs = (((signsHigh as u64) << 32) | (signsLow as u64)) >> offset
  const row = (width as usize) << 2
  memory.fill(to, 0, row << 6)
  to += (offset as usize) * row
  for (; count; count--, signs >>= 1) {
    const flip = i32x4.splat(((signs & 1) as i32) << 31)
    let left = row
    for (; left >= 16; left -= 16, to += 16, block += 16) v128.store(to, v128.xor(v128.load(block), flip))
    for (; left; left -= 4, to += 4, block += 4) store<u32>(to, load<u32>(block) ^ (((signs & 1) as u32) << 31))
  }
}

/** x (64 × width): row q becomes Σ_c (−1)^popcount(q & c) · row c, in two passes of three steps. */
export function hadamard(x: usize, width: i32): void {
  const row = (width as usize) << 2
  for (let i: usize = 0; i < 8; i++) eightRows(x + i * (row << 3), row, row)
  for (let i: usize = 0; i < 8; i++) eightRows(x + i * row, row << 3, row)
}

/** The transform of eight rows, `step` bytes apart. */
function eightRows(x: usize, step: usize, row: usize): void {
  const step2 = step << 1, step3 = step2 + step, step4 = step << 2
  for (let left = row; left; ) {
    const y = x + step4
    if (left >= 16) {
      let a0 = v128.load(x), a1 = v128.load(x + step), a2 = v128.load(x + step2), a3 = v128.load(x + step3)
      let a4 = v128.load(y), a5 = v128.load(y + step), a6 = v128.load(y + step2), a7 = v128.load(y + step3)
      let t = a0
      a0 = f32x4.add(t, a1); a1 = f32x4.sub(t, a1); t = a2
      a2 = f32x4.add(t, a3); a3 = f32x4.sub(t, a3); t = a4
      a4 = f32x4.add(t, a5); a5 = f32x4.sub(t, a5); t = a6
      a6 = f32x4.add(t, a7); a7 = f32x4.sub(t, a7); t = a0
      a0 = f32x4.add(t, a2); a2 = f32x4.sub(t, a2); t = a1
      a1 = f32x4.add(t, a3); a3 = f32x4.sub(t, a3); t = a4
      a4 = f32x4.add(t, a6); a6 = f32x4.sub(t, a6); t = a5
      a5 = f32x4.add(t, a7); a7 = f32x4.sub(t, a7)
      v128.store(x, f32x4.add(a0, a4))
      v128.store(x + step, f32x4.add(a1, a5))
      v128.store(x + step2, f32x4.add(a2, a6))
      v128.store(x + step3, f32x4.add(a3, a7))
      v128.store(y, f32x4.sub(a0, a4))
      v128.store(y + step, f32x4.sub(a1, a5))
      v128.store(y + step2, f32x4.sub(a2, a6))
      v128.store(y + step3, f32x4.sub(a3, a7))
      left -= 16
      x += 16
    } else {
      let a0 = load<f32>(x), a1 = load<f32>(x + step), a2 = load<f32>(x + step2), a3 = load<f32>(x + step3)
      let a4 = load<f32>(y), a5 = load<f32>(y + step), a6 = load<f32>(y + step2), a7 = load<f32>(y + step3)
      let t = a0
      a0 = t + a1; a1 = t - a1; t = a2
      a2 = t + a3; a3 = t - a3; t = a4
      a4 = t + a5; a5 = t - a5; t = a6
      a6 = t + a7; a7 = t - a7; t = a0
      a0 = t + a2; a2 = t - a2; t = a1
      a1 = t + a3; a3 = t - a3; t = a4
      a4 = t + a6; a6 = t - a6; t = a5
      a5 = t + a7; a7 = t - a7
      store<f32>(x, a0 + a4)
      store<f32>(x + step, a1 + a5)
      store<f32>(x + step2, a2 + a6)
      store<f32>(x + step3, a3 + a7)
      store<f32>(y, a0 - a4)
      store<f32>(y + step, a1 - a5)
      store<f32>(y + step2, a2 - a6)
      store<f32>(y + step3, a3 - a7)
      left -= 4
      x += 4
    }
  }
}

/** out[r, :] += ±unit · x[i & 63, :] with i the r-th of `indices` (u64), negative where popcount(i & first) is odd. */
export function walshRows(
  out: usize, x: usize, indices: usize, firstLow: u32, firstHigh: u32, rows: i32, width: i32, unit: f32,
): void {
  const first = ((firstHigh as u64) << 32) | (firstLow as u64)
  const row = (width as usize) << 2
  for (; rows; rows--, indices += 8) {
    const i = load<u64>(indices)
    const factor = popcnt(i & first) & 1 ? -unit : unit
    const factors = f32x4.splat(factor)
    let from = x + ((i as usize) & 63) * row
    let left = row
    for (; left >= 32; left -= 32, out += 32, from += 32) {
      v128.store(out, f32x4.add(v128.load(out), f32x4.mul(factors, v128.load(from))))
      v128.store(out, f32x4.add(v128.load(out, 16), f32x4.mul(factors, v128.load(from, 16))), 16)
    }
    for (; left; left -= 4, out += 4, from += 4) store<f32>(out, load<f32>(out) + factor * load<f32>(from))
  }
}
