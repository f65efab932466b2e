import type { Kernels } from '../kernels'
import type { Machine } from '../module'
import { residentOffset } from '../resident'
import type { Staging } from '../staging'

const CHUNK = 65536 // most floats that pass through scratch at once

export function simdExp({ wasm }: Machine, staging: Staging): Kernels['exp'] {
  return (out, x, count) => {
    const outAt = staging.floats(out)
    const xAt = staging.floats(x)
    const staged = outAt && xAt ? 0 : staging.region(CHUNK * 4)
    for (let i = 0; i < count; i += CHUNK) {
      const part = Math.min(CHUNK, count - i)
      if (!xAt) staging.in(staged, x, i, part)
      wasm.exponential({ out: outAt ? outAt + i * 4 : staged, x: xAt ? xAt + i * 4 : staged, count: part })
      if (!outAt) staging.out(out, i, staged, part)
    }
  }
}

const bits = new Int32Array(1)
const asFloat = new Float32Array(bits.buffer)

export function simdLargestMagnitude({ wasm }: Machine, staging: Staging): Kernels['largestMagnitude'] {
  return (x, count) => {
    const xAt = staging.floats(x)
    const staged = xAt ? 0 : staging.region(CHUNK * 4)
    bits[0] = 0
    for (let i = 0; i < count; i += CHUNK) {
      const part = Math.min(CHUNK, count - i)
      if (!xAt) staging.in(staged, x, i, part)
      bits[0] = Math.max(bits[0], wasm.largestBits({ x: xAt ? xAt + i * 4 : staged, count: part }))
    }
    return asFloat[0]
  }
}

export function simdAddScaled({ wasm }: Machine, staging: Staging): Kernels['addScaled'] {
  return (out, x, factor, count) => {
    const outAt = staging.floats(out)
    const xAt = staging.floats(x)
    const staged = outAt && xAt ? 0 : staging.region(CHUNK * 8)
    for (let i = 0; i < count; i += CHUNK) {
      const part = Math.min(CHUNK, count - i)
      if (!outAt) staging.in(staged, out, i, part)
      if (!xAt) staging.in(staged + CHUNK * 4, x, i, part)
      const to = outAt ? outAt + i * 4 : staged
      wasm.addScaled({ out: to, x: xAt ? xAt + i * 4 : staged + CHUNK * 4, factor, count: part })
      if (!outAt) staging.out(out, i, staged, part)
    }
  }
}

export function simdCarry({ wasm }: Machine): Kernels['carry'] {
  return (total, rest, count) => {
    const [to, from] = [residentOffset('simd', total, 4), residentOffset('simd', rest, 4)]
    for (let i = 0; i < count; i += CHUNK)
      wasm.carry({ total: to + i * 4, rest: from + i * 4, count: Math.min(CHUNK, count - i) })
  }
}

/** Does one step of online softmax. Rows wider than the scratch stay whole: a step needs all of a row. */
export function simdSoftmaxStep({ wasm }: Machine, staging: Staging): Kernels['softmaxStep'] {
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
      wasm.softmaxStep({
        scores: scoresAt ? scoresAt + r * cols * 4 : staged,
        max: maxAt ? maxAt + r * 4 : stagedMax,
        mass: massAt ? massAt + r * 8 : stagedMass,
        factors: rescaleAt ? rescaleAt + r * 4 : stagedRescale,
        rows: part,
        cols,
      })
      if (!scoresAt) staging.out(scores, r * cols, staged, part * cols)
      if (!maxAt) staging.out(max, r, stagedMax, part)
      if (!massAt) staging.doublesOut(mass, r, stagedMass, part)
      if (!rescaleAt) staging.out(rescale, r, stagedRescale, part)
    }
  }
}
