import type { CodeKernels, PackedRows } from '../code-kernels'
import type { CodeMachine } from '../module'
import { residentOffset } from '../resident'
import type { Staging } from '../staging'

const CHUNK = 8192 // most doubles that pass through scratch at once, but at least one row

type Packing = Omit<Parameters<CodeMachine['wasm']['packCodes']>[0], 'to' | 'stride' | 'bits'>

/** Packs rows of doubles that lie in memory as rows `first` … of codes. */
export function packTo(
  wasm: CodeMachine['wasm'],
  { codes, offset, stride, bits }: PackedRows,
  first: number,
  given: Packing,
): void {
  wasm.packCodes({ ...given, to: residentOffset('simd', codes, 1) + offset + first * stride, stride, bits })
}

export function simdPack({ wasm, arena }: CodeMachine, staging: Staging): CodeKernels['pack'] {
  return (packed, first, x, rows, width, trials) => {
    if (rows === 0) return
    const xAt = staging.doubles(x)
    const most = xAt ? rows : Math.min(rows, Math.max(1, Math.floor(CHUNK / width)))
    const factors = staging.region(8 * trials.length + 4 * (width + 1) + 8 * (xAt ? 0 : most * width) + 8)
    const staged = factors + 8 * trials.length
    const scaled = staged + 8 * (xAt ? 0 : most * width)
    arena.f64.set(trials, factors / 8)
    for (let r = 0; r < rows; r += most) {
      const part = Math.min(most, rows - r)
      if (!xAt) staging.doublesIn(staged, x, r * width, part * width)
      const from = xAt ? xAt + 8 * r * width : staged
      packTo(wasm, packed, first + r, { x: from, rows: part, width, trials: factors, count: trials.length, scaled })
    }
  }
}
