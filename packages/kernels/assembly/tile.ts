// The register tile: 4 rows × 8 columns in eight accumulators, two columns of b and one splat of a: 11 of 16 registers.
// The loop over inner is not unrolled: V8 hoists the splats of an unrolled body and spills them.

/**
 * c (4 × 8) = partial + a·b, every entry summed over inner in ascending order.
 * a: entry (r, i) at a + r·aRow + i·aStep; b: entry (i, 0 … 7) at b + i·bStep.
 * L says by its size, at compile time, how the rows of a lie: i8, i16, i32, i64: dense, of 16, 32, 64 or 128 entries; v128: side
 * by side.
 * from: the partial sums to go on with (0: none); add: c += instead of c =.
 */
// @ts-ignore: decorator
@inline
export function tile<L>(
  a: usize, aStep: usize, b: usize, bStep: usize, inner: usize,
  c: usize, cRow: usize, from: usize, fromRow: usize, add: bool,
): void {
  const aRow: usize = sizeof<L>() == 16 ? 4 : sizeof<L>() << 6
  let c00 = f32x4.splat(0), c01 = c00, c10 = c00, c11 = c00, c20 = c00, c21 = c00, c30 = c00, c31 = c00
  if (from) {
    c00 = v128.load(from)
    c01 = v128.load(from, 16)
    from += fromRow
    c10 = v128.load(from)
    c11 = v128.load(from, 16)
    from += fromRow
    c20 = v128.load(from)
    c21 = v128.load(from, 16)
    from += fromRow
    c30 = v128.load(from)
    c31 = v128.load(from, 16)
  }
  for (const end = b + inner * bStep; b != end; b += bStep) {
    const b0 = v128.load(b), b1 = v128.load(b, 16)
    let s = v128.load32_splat(a)
    c00 = f32x4.add(c00, f32x4.mul(s, b0))
    c01 = f32x4.add(c01, f32x4.mul(s, b1))
    s = v128.load32_splat(a, aRow)
    c10 = f32x4.add(c10, f32x4.mul(s, b0))
    c11 = f32x4.add(c11, f32x4.mul(s, b1))
    s = v128.load32_splat(a, 2 * aRow)
    c20 = f32x4.add(c20, f32x4.mul(s, b0))
    c21 = f32x4.add(c21, f32x4.mul(s, b1))
    s = v128.load32_splat(a, 3 * aRow)
    c30 = f32x4.add(c30, f32x4.mul(s, b0))
    c31 = f32x4.add(c31, f32x4.mul(s, b1))
    a += aStep
  }
  if (add) {
    put(c, f32x4.add(v128.load(c), c00), f32x4.add(v128.load(c, 16), c01))
    c += cRow
    put(c, f32x4.add(v128.load(c), c10), f32x4.add(v128.load(c, 16), c11))
    c += cRow
    put(c, f32x4.add(v128.load(c), c20), f32x4.add(v128.load(c, 16), c21))
    c += cRow
    put(c, f32x4.add(v128.load(c), c30), f32x4.add(v128.load(c, 16), c31))
  } else {
    put(c, c00, c01)
    c += cRow
    put(c, c10, c11)
    c += cRow
    put(c, c20, c21)
    c += cRow
    put(c, c30, c31)
  }
}

// @ts-ignore: decorator
@inline
function put(c: usize, low: v128, high: v128): void {
  v128.store(c, low)
  v128.store(c, high, 16)
}
