// Monomials of a table, feature by feature: out is t × rows, each feature an earlier one times a variable times a factor, all
// contiguous. 32 rows at a time keep eight products in flight.

/** out (t × rows); z (d × rows); parents, coordinates: t rows of out and of z; factors: t floats. */
export function monomialTable(
  out: usize, z: usize, parents: usize, coordinates: usize, factors: usize, rows: i32, t: i32,
): void {
  const row = (rows as usize) << 2
  const constantTerm = load<f32>(factors)
  for (let c: usize = 0; c < row; c += 4) store<f32>(out + c, constantTerm)
  const end = (t as usize) << 2
  let to = out + row
  for (let f: usize = 4; f < end; f += 4, to += row) {
    const a = out + (load<u32>(parents + f) as usize) * row
    const x = z + (load<u32>(coordinates + f) as usize) * row
    const factor = v128.load32_splat(factors + f)
    let c: usize = 0
    for (; c + 128 <= row; c += 128) {
      const p = a + c, q = x + c, r = to + c
      v128.store(r, f32x4.mul(f32x4.mul(v128.load(q), v128.load(p)), factor))
      v128.store(r, f32x4.mul(f32x4.mul(v128.load(q, 16), v128.load(p, 16)), factor), 16)
      v128.store(r, f32x4.mul(f32x4.mul(v128.load(q, 32), v128.load(p, 32)), factor), 32)
      v128.store(r, f32x4.mul(f32x4.mul(v128.load(q, 48), v128.load(p, 48)), factor), 48)
      v128.store(r, f32x4.mul(f32x4.mul(v128.load(q, 64), v128.load(p, 64)), factor), 64)
      v128.store(r, f32x4.mul(f32x4.mul(v128.load(q, 80), v128.load(p, 80)), factor), 80)
      v128.store(r, f32x4.mul(f32x4.mul(v128.load(q, 96), v128.load(p, 96)), factor), 96)
      v128.store(r, f32x4.mul(f32x4.mul(v128.load(q, 112), v128.load(p, 112)), factor), 112)
    }
    for (; c + 16 <= row; c += 16) {
      v128.store(to + c, f32x4.mul(f32x4.mul(v128.load(x + c), v128.load(a + c)), factor))
    }
    const one = f32x4.extract_lane(factor, 0)
    for (; c < row; c += 4) store<f32>(to + c, load<f32>(x + c) * load<f32>(a + c) * one)
  }
}
