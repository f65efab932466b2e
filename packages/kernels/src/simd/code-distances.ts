import type { CodeKernels } from '../code-kernels'
import type { CodeMachine } from '../module'
import { residentOffset } from '../resident'
import type { Staging } from '../staging'

const ROWS = 2048 // most rows of one call

export function simdCodeDistances({ wasm, arena }: CodeMachine, staging: Staging): CodeKernels['codeDistances'] {
  return (out, { codes, offset, stride, bits }, first, rows, width, point) => {
    if (rows === 0) return
    const padded = (width + 7) & -8
    const most = Math.min(rows, ROWS)
    const distances = staging.region(8 * most + 8 * padded)
    const at = distances + 8 * most
    const seen = at + 4 * padded
    arena.u32.fill(0, at >>> 2, (seen >>> 2) + padded)
    staging.in(at, point, 0, width)
    arena.u32.fill(0xffffffff, seen >>> 2, (seen >>> 2) + width)
    const from = residentOffset('simd', codes, 1) + offset + first * stride
    for (let r = 0; r < rows; r += most) {
      const part = Math.min(most, rows - r)
      wasm.codeDistances({
        out: distances,
        from: from + r * stride,
        stride,
        bits,
        rows: part,
        width,
        point: at,
        seen,
      })
      staging.doublesOut(out, r, distances, part)
    }
  }
}
