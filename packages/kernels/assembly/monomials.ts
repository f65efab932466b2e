// Monomials by suffixes: the degree-g monomials with least index i are xᵢ times a contiguous suffix of the degree g − 1
// block, so each is one load, two multiplications and one store. Four rows share the ratios.

/** out (rows × t); suffix: d counts of scratch. Reads up to 3 entries too many, writes none. */
export function monomials(out: usize, x: usize, ratios: usize, rows: i32, d: i32, degree: i32, t: i32, suffix: usize): void {
  const outRow = (t as usize) << 2, xRow = (d as usize) << 2
  for (; rows >= 4; rows -= 4, out += outRow << 2, x += xRow << 2) {
    fourRows(out, outRow, x, xRow, ratios, d, degree, t, suffix)
  }
  for (; rows; rows--, out += outRow, x += xRow) oneRow(out, x, ratios, d, degree, t, suffix)
}

function fourRows(
  out: usize, outRow: usize, x: usize, xRow: usize, ratios: usize, d: i32, degree: i32, t: i32, suffix: usize,
): void {
  const out1 = out + outRow, out2 = out1 + outRow, out3 = out2 + outRow
  const constantTerm = load<f32>(ratios)
  store<f32>(out, constantTerm)
  store<f32>(out1, constantTerm)
  store<f32>(out2, constantTerm)
  store<f32>(out3, constantTerm)
  begin(suffix, d)
  let next = 1
  for (let g = 0; g < degree; g++) {
    const start = next
    for (let i = 0; i < d; i++) {
      const count = load<i32>(suffix + ((i as usize) << 2))
      let from = ((start - count) as usize) << 2
      let to = (next as usize) << 2
      next += count
      const end = (next as usize) << 2
      const factor = x + ((i as usize) << 2)
      const x0 = v128.load32_splat(factor), x1 = v128.load32_splat(factor + xRow)
      const x2 = v128.load32_splat(factor + 2 * xRow), x3 = v128.load32_splat(factor + 3 * xRow)
      // Running past the end of a run is harmless, since later runs overwrite it, but not past the end of the row.
      const last = outRow > 12 ? min(end, outRow - 12) : 0
      for (; to < last; to += 16, from += 16) {
        const ratio = v128.load(ratios + to)
        v128.store(out + to, f32x4.mul(f32x4.mul(x0, v128.load(out + from)), ratio))
        v128.store(out1 + to, f32x4.mul(f32x4.mul(x1, v128.load(out1 + from)), ratio))
        v128.store(out2 + to, f32x4.mul(f32x4.mul(x2, v128.load(out2 + from)), ratio))
        v128.store(out3 + to, f32x4.mul(f32x4.mul(x3, v128.load(out3 + from)), ratio))
      }
      for (; to < end; to += 4, from += 4) {
        const ratio = load<f32>(ratios + to)
        store<f32>(out + to, f32x4.extract_lane(x0, 0) * load<f32>(out + from) * ratio)
        store<f32>(out1 + to, f32x4.extract_lane(x1, 0) * load<f32>(out1 + from) * ratio)
        store<f32>(out2 + to, f32x4.extract_lane(x2, 0) * load<f32>(out2 + from) * ratio)
        store<f32>(out3 + to, f32x4.extract_lane(x3, 0) * load<f32>(out3 + from) * ratio)
      }
    }
    accumulate(suffix, d)
  }
}

function oneRow(out: usize, x: usize, ratios: usize, d: i32, degree: i32, t: i32, suffix: usize): void {
  store<f32>(out, load<f32>(ratios))
  begin(suffix, d)
  let next = 1
  for (let g = 0; g < degree; g++) {
    const start = next
    for (let i = 0; i < d; i++) {
      const count = load<i32>(suffix + ((i as usize) << 2))
      let from = ((start - count) as usize) << 2
      let to = (next as usize) << 2
      next += count
      const end = (next as usize) << 2
      const x0 = v128.load32_splat(x + ((i as usize) << 2))
      const last = t > 3 ? min(end, ((t as usize) << 2) - 12) : 0
      for (; to < last; to += 16, from += 16) {
        v128.store(out + to, f32x4.mul(f32x4.mul(x0, v128.load(out + from)), v128.load(ratios + to)))
      }
      for (; to < end; to += 4, from += 4) {
        store<f32>(out + to, f32x4.extract_lane(x0, 0) * load<f32>(out + from) * load<f32>(ratios + to))
      }
    }
    accumulate(suffix, d)
  }
}

/** How many degree-0 monomials have no index below i: one. */
function begin(suffix: usize, d: i32): void {
  for (let i: usize = 0; i < (d as usize) << 2; i += 4) store<i32>(suffix + i, 1)
}

/** From degree g − 1 to g: the counts become their sums from the end. */
function accumulate(suffix: usize, d: i32): void {
  let total = 0
  for (let i = d - 1; i >= 0; i--) {
    const at = suffix + ((i as usize) << 2)
    total += load<i32>(at)
    store<i32>(at, total)
  }
}
