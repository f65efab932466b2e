/** out (rows × count): bit c of a row's words clear → +unit, set → −unit. */
export function expandSigns(out: usize, words: usize, rows: i32, count: i32, unit: f32): void {
  const plus = f32x4.splat(unit)
  const minus = i32x4.splat(i32.MIN_VALUE)
  for (; rows; rows--) {
    for (let left = count; left > 0; left -= 32, words += 4) {
      const word = v128.load32_splat(words)
      const whole = min(left, 32)
      let mask = i32x4(1, 2, 4, 8)
      let c = 0
      for (; c + 4 <= whole; c += 4, out += 16) {
        const set = i32x4.eq(v128.and(word, mask), mask)
        v128.store(out, v128.xor(plus, v128.and(set, minus)))
        mask = i32x4.shl(mask, 4)
      }
      for (; c < whole; c++, out += 4) store<f32>(out, (load<u32>(words) >>> c) & 1 ? -unit : unit)
    }
  }
}
