/**
 * out (rows × cols) = or += a·b in plain JavaScript; 4 must divide cols. Of the tilings 4×4, 4×2, 2×4, 4×3, 3×3, 2×2 and
 * 8×1 over Float32Array and Float64Array this was the fastest. Both operands are packed into doubles first, in the order of use,
 * so that the inner loop converts nothing and reads with stride 1.
 */
export function tiledProduct(
  form: 'nn' | 'nt' | 'tn',
  out: Float32Array,
  a: Float32Array,
  b: Float32Array,
  rows: number,
  inner: number,
  cols: number,
  accumulate = false,
): void {
  const strip = 4 * inner
  if (strips.length < Math.ceil(rows / 4) * strip) strips = new Float64Array(Math.ceil(rows / 4) * strip)
  if (panels.length < inner * cols) panels = new Float64Array(inner * cols)
  if (form === 'tn') packAcross(strips, a, rows, inner)
  else packAlong(strips, a, rows, inner)
  if (form === 'nt') packAlong(panels, b, cols, inner)
  else packAcross(panels, b, cols, inner)
  multiply(out, strips, panels, rows, inner, cols, accumulate)
}

let strips = new Float64Array(0)
let panels = new Float64Array(0)

/** Packs x (count × inner) by groups of four rows, entry by entry. */
function packAlong(to: Float64Array, x: Float32Array, count: number, inner: number): void {
  const whole = count & ~3
  for (let r = 0, p = 0; r < whole; r += 4) {
    for (let k = 0, i = r * inner; k < inner; k++, i++, p += 4) {
      to[p] = x[i]
      to[p + 1] = x[i + inner]
      to[p + 2] = x[i + 2 * inner]
      to[p + 3] = x[i + 3 * inner]
    }
  }
  for (let r = whole; r < count; r++) {
    for (let k = 0; k < inner; k++) to[whole * inner + 4 * k + r - whole] = x[r * inner + k]
  }
}

/** Packs x (inner × count) by groups of four columns, entry by entry. */
function packAcross(to: Float64Array, x: Float32Array, count: number, inner: number): void {
  const whole = count & ~3
  for (let c = 0, p = 0; c < whole; c += 4) {
    for (let k = 0, i = c; k < inner; k++, i += count, p += 4) {
      to[p] = x[i]
      to[p + 1] = x[i + 1]
      to[p + 2] = x[i + 2]
      to[p + 3] = x[i + 3]
    }
  }
  for (let k = 0; k < inner; k++) {
    for (let c = whole; c < count; c++) to[whole * inner + 4 * k + c - whole] = x[k * count + c]
  }
}

function multiply(
  out: Float32Array,
  a: Float64Array,
  b: Float64Array,
  rows: number,
  inner: number,
  cols: number,
  add: boolean,
): void {
  for (let r = 0; r < rows; r += 4) {
    for (let c = 0; c < cols; c += 4) {
      let s00 = 0
      let s01 = 0
      let s02 = 0
      let s03 = 0
      let s10 = 0
      let s11 = 0
      let s12 = 0
      let s13 = 0
      let s20 = 0
      let s21 = 0
      let s22 = 0
      let s23 = 0
      let s30 = 0
      let s31 = 0
      let s32 = 0
      let s33 = 0
      let i = r * inner
      let j = c * inner
      for (let k = 0; k < inner; k++) {
        const b0 = b[j]
        const b1 = b[j + 1]
        const b2 = b[j + 2]
        const b3 = b[j + 3]
        const a0 = a[i]
        s00 += a0 * b0
        s01 += a0 * b1
        s02 += a0 * b2
        s03 += a0 * b3
        const a1 = a[i + 1]
        s10 += a1 * b0
        s11 += a1 * b1
        s12 += a1 * b2
        s13 += a1 * b3
        const a2 = a[i + 2]
        s20 += a2 * b0
        s21 += a2 * b1
        s22 += a2 * b2
        s23 += a2 * b3
        const a3 = a[i + 3]
        s30 += a3 * b0
        s31 += a3 * b1
        s32 += a3 * b2
        s33 += a3 * b3
        i += 4
        j += 4
      }
      const at = r * cols + c
      store(out, at, s00, s01, s02, s03, add)
      if (r + 1 < rows) store(out, at + cols, s10, s11, s12, s13, add)
      if (r + 2 < rows) store(out, at + 2 * cols, s20, s21, s22, s23, add)
      if (r + 3 < rows) store(out, at + 3 * cols, s30, s31, s32, s33, add)
    }
  }
}

function store(out: Float32Array, at: number, s0: number, s1: number, s2: number, s3: number, add: boolean): void {
  out[at] = add ? out[at] + s0 : s0
  out[at + 1] = add ? out[at + 1] + s1 : s1
  out[at + 2] = add ? out[at + 2] + s2 : s2
  out[at + 3] = add ? out[at + 3] + s3 : s3
}
