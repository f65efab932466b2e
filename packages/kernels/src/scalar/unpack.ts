import type { CodeKernels } from '../code-kernels'
import { codesAt, headerAt, shiftIn, stepIn } from './code-rows'
import { bytes, floats } from './operands'

const fround = Math.fround

export const unpack: CodeKernels['unpack'] = (out, { codes, offset, stride, bits }, first, rows, width) => {
  const data = bytes(codes)
  const to = floats(out)
  const row = new Int32Array(width)
  for (let r = 0; r < rows; r++) {
    const at = offset + (first + r) * stride
    codesAt(data, at + 2, bits, width, row)
    const [step, shift] = [stepIn(headerAt(data, at)), shiftIn(headerAt(data, at), bits) / 16]
    for (let c = 0; c < width; c++) to[r * width + c] = (row[c] + shift) * step
  }
}

/** Computes the squared distances with eight sums in float32, as the lanes of assembly/unpack.ts do. */
export const codeDistances: CodeKernels['codeDistances'] = (
  out,
  { codes, offset, stride, bits },
  first,
  rows,
  width,
  point,
) => {
  const data = bytes(codes)
  const row = new Int32Array(width)
  const lanes = new Float32Array(8)
  for (let r = 0; r < rows; r++) {
    const at = offset + (first + r) * stride
    codesAt(data, at + 2, bits, width, row)
    const [step, shift] = [stepIn(headerAt(data, at)), shiftIn(headerAt(data, at), bits) / 16]
    lanes.fill(0)
    for (let c = 0; c < width; c++) {
      const gap = fround(fround((row[c] + shift) * step) - point[c])
      lanes[c & 7] += fround(gap * gap)
    }
    const four = [0, 1, 2, 3].map((i) => fround(lanes[i] + lanes[i + 4]))
    out[r] = fround(fround(four[0] + four[2]) + fround(four[1] + four[3]))
  }
}
