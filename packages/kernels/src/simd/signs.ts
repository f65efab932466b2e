import { isFloat32 } from '../brand'
import type { Floats } from '../kernels'
import type { SketchKernels } from '../sketch-kernels'
import type { SketchMachine } from '../module'
import { scatterAdd } from '../scalar/signs'
import type { Staging } from '../staging'

const CHUNK = 65536 // most floats that pass through scratch at once

export function simdExpandSigns({ wasm }: SketchMachine, staging: Staging): SketchKernels['expandSigns'] {
  return (out, words, rows, count, unit) => {
    const outAt = staging.floats(out)
    const perRow = Math.ceil(count / 32)
    const staged = staging.region(CHUNK * 4 + CHUNK / 2)
    const stagedWords = staged + CHUNK * 4
    const width = Math.min(count, CHUNK)
    const height = width === count ? Math.max(1, Math.floor(CHUNK / Math.max(32, width))) : 1
    for (let r = 0; r < rows; r += height) {
      const part = Math.min(height, rows - r)
      for (let c = 0; c < count; c += width) {
        const w = Math.min(width, count - c)
        staging.wordsIn(stagedWords, words, r * perRow + c / 32, part === 1 ? Math.ceil(w / 32) : part * perRow)
        const first = r * count + c
        const to = outAt ? outAt + first * 4 : staged
        wasm.expandSigns({ out: to, words: stagedWords, rows: part, count: w, unit })
        if (!outAt) staging.out(out, first, staged, part * w)
      }
    }
  }
}

/** Adds scattered rows. An ordinary `out` is copied in and out only where that is less than the work; else the plain loop adds to it. */
export function simdScatterAdd({ wasm }: SketchMachine, staging: Staging): SketchKernels['scatterAdd'] {
  return (out, block, targets, factors, rows, nonzeros, width) => {
    const outAt = staging.floats(out)
    const blockAt = staging.floats(block)
    if (rows === 0 || nonzeros === 0 || width === 0) return
    const outLength = out.length
    if (!outAt && (outLength > 2 * CHUNK || outLength > 2 * rows * nonzeros * width || width > CHUNK)) {
      return scatterAdd(out, plain(block), targets, factors, rows, nonzeros, width)
    }
    const most = Math.max(1, Math.min(rows, Math.floor(CHUNK / Math.max(width, nonzeros))))
    const stagedOut = staging.region(4 * ((outAt ? 0 : outLength) + most * (width + 2 * nonzeros)))
    const stagedBlock = stagedOut + (outAt ? 0 : outLength * 4)
    const stagedTargets = stagedBlock + most * width * 4
    const stagedFactors = stagedTargets + most * nonzeros * 4
    if (!outAt) staging.in(stagedOut, out, 0, outLength)
    for (let r = 0; r < rows; r += most) {
      const part = Math.min(most, rows - r)
      if (!blockAt) staging.in(stagedBlock, block, r * width, part * width)
      staging.wordsIn(stagedTargets, targets, r * nonzeros, part * nonzeros)
      staging.in(stagedFactors, factors, r * nonzeros, part * nonzeros)
      const from = blockAt ? blockAt + r * width * 4 : stagedBlock
      wasm.scatterAdd({
        out: outAt || stagedOut,
        block: from,
        targets: stagedTargets,
        factors: stagedFactors,
        rows: part,
        nonzeros,
        width,
      })
    }
    if (!outAt) staging.out(out, 0, stagedOut, outLength)
  }
}

function plain(operand: Floats): Float32Array {
  return isFloat32(operand) ? operand : operand.read()
}
