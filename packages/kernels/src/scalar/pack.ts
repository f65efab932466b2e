import type { Kernels } from '../kernels'
import { levelsOf, type Levels } from '../levels'
import { bytes, doubles } from './operands'

const steps = new Float32Array(1)
const words = new Uint32Array(steps.buffer)

export const pack: Kernels['pack'] = ({ codes, offset, stride, bits }, first, x, rows, width, trials) => {
  const data = bytes(codes)
  const from = doubles(x)
  const book = levelsOf(bits)
  const magnitudes = new Float64Array(width)
  for (let r = 0; r < rows; r++) {
    for (let i = 0; i < width; i++) magnitudes[i] = Math.abs(from[r * width + i])
    const step = bestStep(magnitudes, trials, book)
    const at = offset + (first + r) * stride
    steps[0] = step
    data[at] = words[0] >>> 16
    data[at + 1] = words[0] >>> 24
    putCodes(data, at + 2, from.subarray(r * width, (r + 1) * width), step, bits, book)
  }
}

function bestStep(magnitudes: Float64Array, trials: Float64Array, book: Levels): number {
  const top = book.levels[book.levels.length - 1]
  let largest = 0
  for (const magnitude of magnitudes) largest = Math.max(largest, magnitude)
  let best = brain((trials[0] * largest) / top)
  let least = Infinity
  for (const trial of trials) {
    const step = brain((trial * largest) / top)
    if (step === 0) continue
    const error = errorOf(magnitudes, step, least, book)
    if (error >= least) continue
    least = error
    best = step
  }
  return best
}

/** The squared error with this step, or some number of at least `enough` where it is no less. */
function errorOf(magnitudes: Float64Array, step: number, enough: number, book: Levels): number {
  let error = 0
  for (let i = 0; i < magnitudes.length && error < enough; i++) {
    const gap = magnitudes[i] - book.levels[nearest(magnitudes[i] / step, book)] * step
    error += gap * gap
  }
  return error
}

function putCodes(data: Uint8Array, at: number, x: Float64Array, step: number, bits: number, book: Levels): void {
  const size = book.levels.length
  let waiting = 0 // bits that do not fill a byte yet
  let filled = 0
  for (const value of x) {
    const m = step > 0 ? nearest(Math.abs(value) / step, book) : 0
    waiting |= (value < 0 ? size - 1 - m : size + m) << filled
    for (filled += bits; filled >= 8; filled -= 8, waiting >>= 8) data[at++] = waiting
  }
  if (filled > 0) data[at] = waiting
}

/** The index of the level nearest to y ≥ 0. */
function nearest(y: number, { levels, borders, starts }: Levels): number {
  if (y >= borders[borders.length - 1]) return levels.length - 1
  const m = starts[Math.floor(2 * y)]
  return y >= borders[m] ? m + 1 : m
}

/** To the nearest bfloat16, the even one of two. */
function brain(x: number): number {
  steps[0] = x
  words[0] = (words[0] + 0x7fff + ((words[0] >>> 16) & 1)) & 0xffff0000
  return steps[0]
}
