/** out[targets[e], :] += factors[e]·block[r, :] for the `nonzeros` entries e of every row r of `width` floats. */
export function scatterAdd(
  out: usize, block: usize, targets: usize, factors: usize, rows: i32, nonzeros: i32, width: i32,
): void {
  const row = (width as usize) << 2
  const whole = row & ~15
  for (; rows; rows--, block += row) {
    for (let e = nonzeros; e; e--, targets += 4, factors += 4) {
      const into = out + (load<u32>(targets) as usize) * row
      const factor = v128.load32_splat(factors)
      let i: usize = 0
      for (; i + 64 <= row; i += 64) {
        const to = into + i, from = block + i
        v128.store(to, f32x4.add(v128.load(to), f32x4.mul(factor, v128.load(from))))
        v128.store(to, f32x4.add(v128.load(to, 16), f32x4.mul(factor, v128.load(from, 16))), 16)
        v128.store(to, f32x4.add(v128.load(to, 32), f32x4.mul(factor, v128.load(from, 32))), 32)
        v128.store(to, f32x4.add(v128.load(to, 48), f32x4.mul(factor, v128.load(from, 48))), 48)
      }
      for (; i < whole; i += 16) {
        v128.store(into + i, f32x4.add(v128.load(into + i), f32x4.mul(factor, v128.load(block + i))))
      }
      for (; i < row; i += 4) {
        store<f32>(into + i, load<f32>(into + i) + load<f32>(factors) * load<f32>(block + i))
      }
    }
  }
}
