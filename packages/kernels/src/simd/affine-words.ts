import type { SketchKernels } from '../sketch-kernels'
import type { SketchMachine } from '../module'
import type { Staging } from '../staging'

const CHUNK = 4096 // most functions in one call
const SCRATCH = 1552

export function simdAffineWords({ wasm, arena }: SketchMachine, staging: Staging): SketchKernels['affineWords'] {
  return (out, keys, bases, columns, count) => {
    const most = Math.min(CHUNK, Math.ceil(count / 16) * 16)
    const stagedKeys = staging.region(32 * most + 512 + SCRATCH)
    const stagedBases = stagedKeys + 16 * most
    const stagedOut = stagedBases + 8 * most
    const stagedColumns = stagedOut + 8 * most
    staging.wordsIn(stagedColumns, columns, 0, 128)
    for (let f = 0; f < count; f += CHUNK) {
      const part = Math.min(CHUNK, count - f)
      staging.wordsIn(stagedKeys, keys, 4 * f, Math.ceil(part / 16) * 64)
      staging.wordsIn(stagedBases, bases, 2 * f, 2 * part)
      wasm.affineWords({
        out: stagedOut,
        keys: stagedKeys,
        bases: stagedBases,
        columns: stagedColumns,
        count: part,
        scratch: stagedColumns + 512,
      })
      const at = stagedOut >>> 2
      out.set(arena.u32.subarray(at, at + 2 * part), 2 * f)
    }
  }
}
