import type { SketchKernels } from '../sketch-kernels'
import type { SketchMachine } from '../module'
import type { Staging } from '../staging'

const CHUNK = 65536 // numbers made in one call: about half a millisecond
const LOW = 4294967296

/** Computes whole groups of four rows, in parts where rows are long: a number does not depend on its neighbours. */
export function simdNormalColumns({ wasm }: SketchMachine, staging: Staging): SketchKernels['normalColumns'] {
  return (out, [keyLow, keyHigh], stream, first, rows, count, unit) => {
    if (rows === 0 || count === 0) return
    const outAt = staging.floats(out)
    const staged = outAt ? 0 : staging.region(CHUNK * 4)
    const most = Math.min(count, CHUNK / 4)
    const height = Math.floor(CHUNK / most / 4) * 4
    for (let r = 0; r < rows; r += height) {
      const part = Math.min(height, rows - r)
      for (let c = 0; c < count; c += most) {
        const width = Math.min(most, count - c)
        const at = r * count + c
        const to = outAt ? outAt + at * 4 : staged
        const outRow = (outAt ? count : width) * 4
        const [firstLow, firstHigh] = [(first + c) % LOW, Math.floor((first + c) / LOW)]
        wasm.normalColumns({
          out: to,
          outRow,
          keyLow,
          keyHigh,
          stream,
          firstRow: r,
          rows: part,
          firstLow,
          firstHigh,
          count: width,
          unit,
        })
        if (!outAt) staging.rowsOut(out, at, count, staged, part, width)
      }
    }
  }
}
