// Monomials of a block of rows, feature by feature: out is t × rows, so that each feature is the elementwise product of an
// earlier one and a variable, both contiguous. Variables stay in registers for 32 rows at a time while a run of features passes.

/** out (t × rows); x (rows × d); z: d × rows of scratch for (x − shift)·unit turned; suffix: d counts of scratch. */
export function monomialColumns(
  out: usize, x: usize, shift: usize, unit: f32, ratios: usize, rows: i32, d: i32, degree: i32, z: usize, suffix: usize,
): void {
  const row = (rows as usize) << 2
  turn(z, x, shift, unit, rows, d)
  const constantTerm = load<f32>(ratios)
  for (let c: usize = 0; c < row; c += 4) store<f32>(out + c, constantTerm)
  for (let i = 0; i < d; i++) store<i32>(suffix + ((i as usize) << 2), 1)
  let next = 1
  for (let g = 0; g < degree; g++) {
    const start = next
    for (let i = 0; i < d; i++) {
      const count = load<i32>(suffix + ((i as usize) << 2))
      run(
        out + (next as usize) * row, out + ((start - count) as usize) * row, z + (i as usize) * row,
        ratios + ((next as usize) << 2), count, row,
      )
      next += count
    }
    let total = 0
    for (let i = d - 1; i >= 0; i--) {
      const at = suffix + ((i as usize) << 2)
      total += load<i32>(at)
      store<i32>(at, total)
    }
  }
}

/** `count` features in a row: each the variable times the feature at `from` times its ratio. */
function run(to: usize, from: usize, variable: usize, ratios: usize, count: i32, row: usize): void {
  const end = ratios + ((count as usize) << 2)
  let c: usize = 0
  for (; c + 128 <= row; c += 128) {
    const x0 = v128.load(variable + c), x1 = v128.load(variable + c, 16)
    const x2 = v128.load(variable + c, 32), x3 = v128.load(variable + c, 48)
    const x4 = v128.load(variable + c, 64), x5 = v128.load(variable + c, 80)
    const x6 = v128.load(variable + c, 96), x7 = v128.load(variable + c, 112)
    let a = from + c, b = to + c
    for (let at = ratios; at < end; at += 4, a += row, b += row) {
      const ratio = v128.load32_splat(at)
      v128.store(b, f32x4.mul(f32x4.mul(x0, v128.load(a)), ratio))
      v128.store(b, f32x4.mul(f32x4.mul(x1, v128.load(a, 16)), ratio), 16)
      v128.store(b, f32x4.mul(f32x4.mul(x2, v128.load(a, 32)), ratio), 32)
      v128.store(b, f32x4.mul(f32x4.mul(x3, v128.load(a, 48)), ratio), 48)
      v128.store(b, f32x4.mul(f32x4.mul(x4, v128.load(a, 64)), ratio), 64)
      v128.store(b, f32x4.mul(f32x4.mul(x5, v128.load(a, 80)), ratio), 80)
      v128.store(b, f32x4.mul(f32x4.mul(x6, v128.load(a, 96)), ratio), 96)
      v128.store(b, f32x4.mul(f32x4.mul(x7, v128.load(a, 112)), ratio), 112)
    }
  }
  for (; c + 16 <= row; c += 16) {
    const x0 = v128.load(variable + c)
    let a = from + c, b = to + c
    for (let at = ratios; at < end; at += 4, a += row, b += row) {
      v128.store(b, f32x4.mul(f32x4.mul(x0, v128.load(a)), v128.load32_splat(at)))
    }
  }
  for (; c < row; c += 4) {
    const x0 = load<f32>(variable + c)
    let a = from + c, b = to + c
    for (let at = ratios; at < end; at += 4, a += row, b += row) store<f32>(b, x0 * load<f32>(a) * load<f32>(at))
  }
}

/** z[i, r] = (x[r, i] − shift[i])·unit. */
function turn(z: usize, x: usize, shift: usize, unit: f32, rows: i32, d: i32): void {
  for (let i = 0; i < d; i++) {
    const by = load<f32>(shift + ((i as usize) << 2))
    let at = x + ((i as usize) << 2)
    for (let r = rows; r; r--, z += 4, at += (d as usize) << 2) store<f32>(z, (load<f32>(at) - by) * unit)
  }
}
