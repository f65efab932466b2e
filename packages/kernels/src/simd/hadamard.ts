import type { SketchKernels } from '../sketch-kernels'
import type { SketchMachine } from '../module'
import { hadamardAdd } from '../scalar/hadamard'
import type { Staging } from '../staging'

const OUT = 262144 // most floats of `out` that pass through scratch at once
const LOW = 4294967296

/** Adds transformed rows. An ordinary `out` is copied in and out once for the whole block, in parts where it is large. */
export function simdHadamardAdd({ wasm }: SketchMachine, staging: Staging): SketchKernels['hadamardAdd'] {
  return (out, block, first, count, width, signs, indices, unit) => {
    const m = indices.length / 2
    if (count === 0 || width === 0) return
    if (width > OUT / 64) return hadamardAdd(out, block, first, count, width, signs, indices, unit)
    const outAt = staging.floats(out)
    const blockAt = staging.floats(block)
    const most = outAt ? m : Math.min(m, Math.floor(OUT / width))
    const x = staging.region(4 * (128 * width + indices.length + (outAt ? 0 : most * width)))
    const stagedBlock = x + 256 * width
    const stagedIndices = stagedBlock + 256 * width
    const stagedOut = stagedIndices + indices.length * 4
    staging.wordsIn(stagedIndices, indices, 0, indices.length)
    for (let r = 0; r < m; r += most) {
      const part = Math.min(most, m - r)
      const to = outAt ? outAt + r * width * 4 : stagedOut
      if (!outAt) staging.in(stagedOut, out, r * width, part * width)
      for (let from = 0, b = 0; from < count; b++) {
        const offset = (first + from) % 64
        const rows = Math.min(count - from, 64 - offset)
        if (!blockAt) staging.in(stagedBlock, block, from * width, rows * width)
        const [signsLow, signsHigh] = [signs[2 * b], signs[2 * b + 1]]
        const rowsAt = blockAt ? blockAt + from * width * 4 : stagedBlock
        wasm.signedRows({ to: x, block: rowsAt, width, offset, count: rows, signsLow, signsHigh })
        wasm.hadamard({ x, width })
        const start = first + from - offset
        const [firstLow, firstHigh] = [start % LOW, Math.floor(start / LOW)]
        wasm.walshRows({ out: to, x, indices: stagedIndices + r * 8, firstLow, firstHigh, rows: part, width, unit })
        from += rows
      }
      if (!outAt) staging.out(out, r * width, stagedOut, part * width)
    }
  }
}
