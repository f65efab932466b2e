import type { Doubles, Floats, Kernels } from '../kernels'
import type { Machine } from '../module'
import type { Staging } from '../staging'

const CHUNK = 65536 // floats that pass through scratch at once

export function simdExp({ inner: wasm }: Machine, staging: Staging): Kernels['exp'] {
  return (out, x, count) => {
    const outAt = staging.floats(out)
    const xAt = staging.floats(x)
    const staged = outAt && xAt ? 0 : staging.region(CHUNK * 4)
    for (let i = 0; i < count; i += CHUNK) {
      const part = Math.min(CHUNK, count - i)
      if (!xAt) staging.in(staged, x, i, part)
      wasm.exponential(outAt ? outAt + i * 4 : staged, xAt ? xAt + i * 4 : staged, part)
      if (!outAt) staging.out(out, i, staged, part)
    }
  }
}

const bits = new Int32Array(1)
const asFloat = new Float32Array(bits.buffer)

export function simdLargestMagnitude({ inner: wasm }: Machine, staging: Staging): Kernels['largestMagnitude'] {
  return (x, count) => {
    const xAt = staging.floats(x)
    const staged = xAt ? 0 : staging.region(CHUNK * 4)
    bits[0] = 0
    for (let i = 0; i < count; i += CHUNK) {
      const part = Math.min(CHUNK, count - i)
      if (!xAt) staging.in(staged, x, i, part)
      bits[0] = Math.max(bits[0], wasm.largestBits(xAt ? xAt + i * 4 : staged, part))
    }
    return asFloat[0]
  }
}

export function simdAddScaled({ inner: wasm }: Machine, staging: Staging): Kernels['addScaled'] {
  return (out, x, factor, count) => {
    const outAt = staging.floats(out)
    const xAt = staging.floats(x)
    const staged = outAt && xAt ? 0 : staging.region(CHUNK * 8)
    for (let i = 0; i < count; i += CHUNK) {
      const part = Math.min(CHUNK, count - i)
      if (!outAt) staging.in(staged, out, i, part)
      if (!xAt) staging.in(staged + CHUNK * 4, x, i, part)
      wasm.addScaled(outAt ? outAt + i * 4 : staged, xAt ? xAt + i * 4 : staged + CHUNK * 4, factor, part)
      if (!outAt) staging.out(out, i, staged, part)
    }
  }
}

/** Rows wider than the scratch stay whole: a step needs all of a row. */
export function simdSoftmaxStep({ inner: wasm }: Machine, staging: Staging): Kernels['softmaxStep'] {
  return (scores, max, mass, rescale, rows, cols) => {
    const scoresAt = staging.floats(scores)
    const maxAt = staging.floats(max)
    const massAt = staging.doubles(mass)
    const rescaleAt = staging.floats(rescale)
    const most = Math.min(rows, 4096, Math.max(1, Math.floor(CHUNK / (cols || 1))))
    const stagedMass = staging.region(most * 16 + (scoresAt ? 0 : most * cols * 4))
    const stagedMax = stagedMass + most * 8
    const stagedRescale = stagedMax + most * 4
    const staged = stagedRescale + most * 4
    for (let r = 0; r < rows; r += most) {
      const part = Math.min(most, rows - r)
      if (!scoresAt) staging.in(staged, scores, r * cols, part * cols)
      if (!maxAt) staging.in(stagedMax, max, r, part)
      if (!massAt) staging.doublesIn(stagedMass, mass, r, part)
      wasm.softmaxStep(
        scoresAt ? scoresAt + r * cols * 4 : staged,
        maxAt ? maxAt + r * 4 : stagedMax,
        massAt ? massAt + r * 8 : stagedMass,
        rescaleAt ? rescaleAt + r * 4 : stagedRescale,
        part,
        cols,
      )
      if (!scoresAt) staging.out(scores, r * cols, staged, part * cols)
      if (!maxAt) staging.out(max, r, stagedMax, part)
      if (!massAt) staging.doublesOut(mass, r, stagedMass, part)
      if (!rescaleAt) staging.out(rescale, r, stagedRescale, part)
    }
  }
}

/** Tiles of at most 65536 entries of a: several rows, or a part of one. */
function tiles(rows: number, cols: number, each: (r: number, c: number, height: number, width: number) => void): void {
  const width = Math.min(cols, CHUNK)
  const height = Math.max(1, Math.floor(CHUNK / (width || 1)))
  for (let r = 0; r < rows; r += height) {
    for (let c = 0; c < cols; c += width) each(r, c, Math.min(height, rows - r), Math.min(width, cols - c))
  }
}

export function simdDotRows({ inner: wasm }: Machine, staging: Staging): Kernels['dotRows'] {
  return (out, a, x, rows, inner) => {
    const outAt = staging.doubles(out)
    const aAt = staging.floats(a)
    const xAt = staging.doubles(x)
    const width = Math.min(inner, CHUNK)
    const most = inner === 0 ? 0 : Math.floor(CHUNK / width)
    const stagedX = staging.region(width * 8 + most * 8 + CHUNK * 4)
    const stagedOut = stagedX + width * 8
    const stagedA = stagedOut + most * 8
    if (inner === 0) clear(out, rows)
    let xReady = -1
    tiles(rows, inner, (r, c, height, w) => {
      if (!xAt && xReady !== c) staging.doublesIn(stagedX, x, c, w)
      xReady = c
      if (!aAt) staging.rowsIn(stagedA, a, r * inner + c, inner, height, w)
      if (!outAt && c > 0) staging.doublesIn(stagedOut, out, r, height)
      wasm.dotRows(
        outAt ? outAt + r * 8 : stagedOut,
        aAt ? aAt + (r * inner + c) * 4 : stagedA,
        aAt ? inner * 4 : w * 4,
        xAt ? xAt + c * 8 : stagedX,
        height,
        w,
        c > 0 ? 1 : 0,
      )
      if (!outAt) staging.doublesOut(out, r, stagedOut, height)
    })
  }
}

export function simdColumnSums({ inner: wasm }: Machine, staging: Staging): Kernels['columnSums'] {
  return (out, a, rows, cols, weights) => {
    const outAt = staging.doubles(out)
    const aAt = staging.floats(a)
    const stagedOut = staging.region(CHUNK * 16)
    const stagedA = stagedOut + CHUNK * 8
    const stagedWeights = stagedA + CHUNK * 4
    tiles(rows, cols, (r, c, height, width) => {
      if (!aAt) staging.rowsIn(stagedA, a, r * cols + c, cols, height, width)
      if (!outAt) staging.doublesIn(stagedOut, out, c, width)
      if (weights) staging.in(stagedWeights, weights, r, height)
      wasm.columnSums(
        outAt ? outAt + c * 8 : stagedOut,
        aAt ? aAt + (r * cols + c) * 4 : stagedA,
        aAt ? cols * 4 : width * 4,
        height,
        width,
        weights ? stagedWeights : 0,
      )
      if (!outAt) staging.doublesOut(out, c, stagedOut, width)
    })
  }
}

function clear(out: Doubles | Floats, count: number): void {
  if (out instanceof Float64Array || out instanceof Float32Array) out.fill(0, 0, count)
  else out.range(0, count).fill(0)
}
