import type { CodeKernels } from '../code-kernels'
import type { CodeMachine } from '../module'
import { residentOffset } from '../resident'
import type { Staging } from '../staging'

const ROWS = 64

/** Unpacks codes by way of the scratch, which has room for the bytes that the kernel writes past its last row. */
export function simdUnpack({ wasm }: CodeMachine, staging: Staging): CodeKernels['unpack'] {
  return (out, { codes, offset, stride, bits }, first, rows, width) => {
    if (rows === 0 || width === 0) return
    const staged = staging.region(4 * Math.min(rows, ROWS) * width + 32)
    const from = residentOffset('simd', codes, 1) + offset
    const to = staging.floats(out)
    for (let r = 0; r < rows; r += ROWS) {
      const count = Math.min(ROWS, rows - r)
      wasm.unpack({ out: staged, from: from + (first + r) * stride, stride, bits, rows: count, width })
      if (to) wasm.copyBytes({ to: to + 4 * r * width, from: staged, bytes: 4 * count * width })
      else staging.out(out, r * width, staged, count * width)
    }
  }
}
