// One row times a matrix: 32 columns in eight accumulators, b read where it lies. A tile would waste three of its four rows.

/** c (1 × cols) = or += partial + a·b: a's entries aStep bytes apart, b's rows bStep. Reads up to 31 columns too many. */
export function rowProduct(
  a: usize, aStep: usize, b: usize, bStep: usize, inner: i32, cols: i32, c: usize, from: usize, add: bool, edge: usize,
): void {
  for (; cols > 0; cols -= 32, b += 128, c += 128) {
    const partly = cols < 32
    let into = c
    if (partly) {
      into = edge
      if (from) memory.copy(edge, from, (cols as usize) << 2)
      if (from) from = edge
    }
    let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0
    if (from) {
      s0 = v128.load(from)
      s1 = v128.load(from, 16)
      s2 = v128.load(from, 32)
      s3 = v128.load(from, 48)
      s4 = v128.load(from, 64)
      s5 = v128.load(from, 80)
      s6 = v128.load(from, 96)
      s7 = v128.load(from, 112)
      from += 128
    }
    let x = a, row = b
    for (let i = inner; i; i--, x += aStep, row += bStep) {
      const f = v128.load32_splat(x)
      s0 = f32x4.add(s0, f32x4.mul(f, v128.load(row)))
      s1 = f32x4.add(s1, f32x4.mul(f, v128.load(row, 16)))
      s2 = f32x4.add(s2, f32x4.mul(f, v128.load(row, 32)))
      s3 = f32x4.add(s3, f32x4.mul(f, v128.load(row, 48)))
      s4 = f32x4.add(s4, f32x4.mul(f, v128.load(row, 64)))
      s5 = f32x4.add(s5, f32x4.mul(f, v128.load(row, 80)))
      s6 = f32x4.add(s6, f32x4.mul(f, v128.load(row, 96)))
      s7 = f32x4.add(s7, f32x4.mul(f, v128.load(row, 112)))
    }
    if (add && !partly) {
      s0 = f32x4.add(v128.load(into), s0)
      s1 = f32x4.add(v128.load(into, 16), s1)
      s2 = f32x4.add(v128.load(into, 32), s2)
      s3 = f32x4.add(v128.load(into, 48), s3)
      s4 = f32x4.add(v128.load(into, 64), s4)
      s5 = f32x4.add(v128.load(into, 80), s5)
      s6 = f32x4.add(v128.load(into, 96), s6)
      s7 = f32x4.add(v128.load(into, 112), s7)
    }
    v128.store(into, s0)
    v128.store(into, s1, 16)
    v128.store(into, s2, 32)
    v128.store(into, s3, 48)
    v128.store(into, s4, 64)
    v128.store(into, s5, 80)
    v128.store(into, s6, 96)
    v128.store(into, s7, 112)
    if (partly) {
      for (let i: usize = 0; i < (cols as usize) << 2; i += 4) {
        store<f32>(c + i, add ? load<f32>(c + i) + load<f32>(edge + i) : load<f32>(edge + i))
      }
    }
  }
}
