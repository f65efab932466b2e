import { isFloat32 } from '../brand'
import type { Floats, Kernels } from '../kernels'
import type { Machine } from '../module'
import { scalarKernels } from '../scalar'
import type { Staging } from '../staging'

const CHUNK = 65536 // floats that pass through scratch at once

/** A row of features must fit the scratch whole when `out` is an ordinary array; beyond 2 MB the plain loop fills it. */
export function simdMonomials({ wasm }: Machine, staging: Staging): Kernels['monomials'] {
  return (out, x, ratios, rows, d, degree) => {
    const outAt = staging.floats(out)
    const xAt = staging.floats(x)
    const t = ratios.length
    if (rows === 0) return
    if (!outAt && t > 8 * CHUNK) return scalarKernels.monomials(out, plain(x), ratios, rows, d, degree)
    const most = Math.min(rows, Math.max(1, Math.floor((2 * CHUNK) / Math.max(t, d, 1))), 4096)
    const stagedRatios = staging.region(4 * (t + d + (outAt ? 0 : most * t) + (xAt ? 0 : most * d)))
    const suffix = stagedRatios + t * 4
    const stagedX = suffix + d * 4
    const stagedOut = stagedX + (xAt ? 0 : most * d * 4)
    staging.in(stagedRatios, ratios, 0, t)
    for (let r = 0; r < rows; r += most) {
      const part = Math.min(most, rows - r)
      if (!xAt) staging.in(stagedX, x, r * d, part * d)
      const to = outAt ? outAt + r * t * 4 : stagedOut
      const from = xAt ? xAt + r * d * 4 : stagedX
      wasm.monomials({ out: to, x: from, ratios: stagedRatios, rows: part, d, degree, t, suffix })
      if (!outAt) staging.out(out, r * t, stagedOut, part * t)
    }
  }
}

export function simdExpandSigns({ wasm }: Machine, staging: Staging): Kernels['expandSigns'] {
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

/** An ordinary `out` is only copied in and out where that is less than the work; else the plain loop adds to it. */
export function simdScatterAdd({ wasm }: Machine, staging: Staging): Kernels['scatterAdd'] {
  return (out, block, targets, factors, rows, nonzeros, width) => {
    const outAt = staging.floats(out)
    const blockAt = staging.floats(block)
    if (rows === 0 || nonzeros === 0 || width === 0) return
    const outLength = out.length
    if (!outAt && (outLength > 2 * CHUNK || outLength > 2 * rows * nonzeros * width || width > CHUNK)) {
      return scalarKernels.scatterAdd(out, plain(block), targets, factors, rows, nonzeros, width)
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
