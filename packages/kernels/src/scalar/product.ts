import type { Kernels } from '../kernels'
import { floats } from './operands'

export const product: Kernels['product'] = (form, out, a, b, rows, inner, cols, accumulate = false) => {
  const [aRow, aStep] = form === 'tn' ? [1, rows] : [inner, 1]
  const [bStep, bCol] = form === 'nt' ? [1, inner] : [cols, 1]
  multiply(floats(out), 0, cols, floats(a), 0, aRow, aStep, floats(b), 0, bStep, bCol, rows, inner, cols, accumulate)
}

/** Computes out = a·b, or out += a·b, by blocks of 4 × 4 sums in double precision; every matrix is given with its first entry and its two strides. */
export function multiply(
  out: Float32Array,
  outAt: number,
  outRow: number,
  a: Float32Array,
  aAt: number,
  aRow: number,
  aStep: number,
  b: Float32Array,
  bAt: number,
  bStep: number,
  bCol: number,
  rows: number,
  inner: number,
  cols: number,
  add: boolean,
): void {
  const wholeRows = rows & ~3
  const wholeCols = cols & ~3
  for (let r = 0; r < wholeRows; r += 4) {
    for (let c = 0; c < wholeCols; c += 4) {
      let s00 = 0,
        s01 = 0,
        s02 = 0,
        s03 = 0
      let s10 = 0,
        s11 = 0,
        s12 = 0,
        s13 = 0
      let s20 = 0,
        s21 = 0,
        s22 = 0,
        s23 = 0
      let s30 = 0,
        s31 = 0,
        s32 = 0,
        s33 = 0
      let i = aAt + r * aRow
      let j = bAt + c * bCol
      for (let k = 0; k < inner; k++) {
        const b0 = b[j]
        const b1 = b[j + bCol]
        const b2 = b[j + 2 * bCol]
        const b3 = b[j + 3 * bCol]
        const a0 = a[i]
        s00 += a0 * b0
        s01 += a0 * b1
        s02 += a0 * b2
        s03 += a0 * b3
        const a1 = a[i + aRow]
        s10 += a1 * b0
        s11 += a1 * b1
        s12 += a1 * b2
        s13 += a1 * b3
        const a2 = a[i + 2 * aRow]
        s20 += a2 * b0
        s21 += a2 * b1
        s22 += a2 * b2
        s23 += a2 * b3
        const a3 = a[i + 3 * aRow]
        s30 += a3 * b0
        s31 += a3 * b1
        s32 += a3 * b2
        s33 += a3 * b3
        i += aStep
        j += bStep
      }
      const at = outAt + r * outRow + c
      four(out, at, s00, s01, s02, s03, add)
      four(out, at + outRow, s10, s11, s12, s13, add)
      four(out, at + 2 * outRow, s20, s21, s22, s23, add)
      four(out, at + 3 * outRow, s30, s31, s32, s33, add)
    }
  }
  for (let r = 0; r < rows; r++) {
    for (let c = r < wholeRows ? wholeCols : 0; c < cols; c++) {
      let sum = 0
      let i = aAt + r * aRow
      let j = bAt + c * bCol
      for (let k = 0; k < inner; k++) {
        sum += a[i] * b[j]
        i += aStep
        j += bStep
      }
      const at = outAt + r * outRow + c
      out[at] = add ? out[at] + sum : sum
    }
  }
}

function four(out: Float32Array, at: number, s0: number, s1: number, s2: number, s3: number, add: boolean): void {
  if (add) {
    out[at] += s0
    out[at + 1] += s1
    out[at + 2] += s2
    out[at + 3] += s3
  } else {
    out[at] = s0
    out[at + 1] = s1
    out[at + 2] = s2
    out[at + 3] = s3
  }
}
