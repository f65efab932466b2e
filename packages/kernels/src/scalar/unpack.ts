import type { Kernels, PackedRows } from '../kernels'
import { bytes, floats } from './operands'

export const unpack: Kernels['unpack'] = (out, packed, first, rows, width) => {
  unpackRows(floats(out), packed, first, rows, width)
}

/** The steps of assembly/unpack.ts in float32 and in the same order: the same bits. */
export function unpackRows(
  out: Float32Array,
  { codes, offset, stride, bits }: PackedRows,
  first: number,
  rows: number,
  width: number,
): void {
  const data = bytes(codes)
  const steps = new Float32Array(1)
  const words = new Uint32Array(steps.buffer)
  const half = (2 ** bits - 1) / 2
  const curve = 2 / 4 ** bits
  for (let r = 0; r < rows; r++) {
    const at = offset + (first + r) * stride
    words[0] = (data[at] << 16) | (data[at + 1] << 24)
    const step = steps[0]
    for (let c = 0, bit = 0; c < width; c++, bit += bits) {
      const low = at + 2 + (bit >> 3)
      const code = ((data[low] | ((data[low + 1] ?? 0) << 8)) >> (bit & 7)) & (2 ** bits - 1)
      const u = code - half
      out[r * width + c] = Math.fround(u * (1 + u * u * curve)) * step
    }
  }
}
