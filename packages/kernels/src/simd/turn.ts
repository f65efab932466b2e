import type { CodeKernels } from '../code-kernels'
import type { CodeMachine } from '../module'
import type { Staging } from '../staging'

const CHUNK = 8192 // most doubles that pass through scratch at once, but at least one row

/** The largest power of two up to `width`. */
export const powerIn = (width: number) => 2 ** (31 - Math.clz32(width))

export function simdTurn({ wasm, arena }: CodeMachine, staging: Staging): CodeKernels['turn'] {
  return (x, signs, rows, width, back = false) => {
    if (rows === 0 || width === 0) return
    const p = powerIn(width)
    const xAt = staging.doubles(x)
    const most = xAt ? rows : Math.min(rows, Math.max(1, Math.floor(CHUNK / width)))
    const factors = staging.region(8 * (2 * p + (xAt ? 0 : most * width)))
    const staged = factors + 16 * p
    arena.f64.set(signs, factors / 8)
    for (let r = 0; r < rows; r += most) {
      const part = Math.min(most, rows - r)
      if (!xAt) staging.doublesIn(staged, x, r * width, part * width)
      wasm.turn({ x: xAt || staged, signs: factors, rows: part, width, p, unit: 1 / Math.sqrt(p), back })
      if (!xAt) staging.doublesOut(x, r * width, staged, part * width)
    }
  }
}
