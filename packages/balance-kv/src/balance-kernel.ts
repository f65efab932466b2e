import type { KvBlock, Matrix } from '@sublinear/core'
import { kernels, type Resident } from '@sublinear/kernels'

/** Sums that a halving balances. 'joint': numerator and denominator in one walk. 'apart': one of the two, with the values as they are. */
export type Sums = 'joint' | 'apart'

/**
 * Computes the inner products of tokens as vectors: a query's sums are linear in these vectors, up to a common factor. m × m, symmetric.
 * K_ij = exp(scale·⟨kᵢ − k̄, kⱼ − k̄⟩)·(⟨vᵢ, vⱼ⟩ + c).
 * Source: SoftmaxBalance (BalanceKV), K = exp·⟨vᵢ, vⱼ⟩, as 'apart' has it. Deviation: keys are centred in the block, which multiplies a
 *   query's sums by one factor. 'joint' centres the values, too, since errors that follow the mean cancel in the division; and it adds c, a sixteenth of
 *   their mean square, as the constant coordinate in which the mass is balanced (1, 1/4 and 1/16 were tried on Gaussian tokens). Balancing only the
 *   tail of exp, for streams that hold its low moments elsewhere, was tried: it is 0 to 5 % better in the tail, which is not worth an option.
 *
 * Cost: 2·m²·(d + dv) operations in the product kernel, one exp an entry.
 *
 * @returns scratch of the process, valid until the next call
 */
export function balanceKernel({ keys, values }: KvBlock, scale: number, sums: Sums): Float32Array {
  const m = keys.rows
  const size = m * m
  const [scores, likeness] = scratch(size)
  const x = centred(keys, Math.sqrt(Math.abs(scale)))
  const top = largestSquare(x)
  gram(scores, x, -top) // every entry becomes ≤ 0, so that exp stays within 1
  const shared = sums === 'joint' ? centred(values, 1) : values
  const v = unit(shared)
  gram(likeness, v, sums === 'joint' ? powerOf(v) * MASS_SHARE || 1 : 0)

  const out = outOf(size)
  const other = workOf(size)
  kernels().exp(scores, scores, size)
  scores.range(0, size).readInto(out)
  likeness.range(0, size).readInto(other)
  for (let i = 0; i < size; i++) out[i] *= other[i]
  return out
}

/** Share of the values' mean square that the constant coordinate gets. */
const MASS_SHARE = 1 / 16

/** Computes out = x·xᵀ + start. */
function gram(out: Resident<Float32Array>, { rows, cols, data }: Matrix, start: number): void {
  const part = out.range(0, rows * rows)
  part.fill(start)
  kernels().product('nt', part, data, data, rows, cols, rows, true)
}

/** Centres rows at their mean, times a factor. */
function centred({ rows, cols, data }: Matrix, factor: number): Matrix {
  const mean = new Float64Array(cols)
  for (let r = 0, at = 0; r < rows; r++) for (let c = 0; c < cols; c++, at++) mean[c] += data[at]
  for (let c = 0; c < cols; c++) mean[c] /= rows
  const out = new Float32Array(rows * cols)
  for (let r = 0, at = 0; r < rows; r++) for (let c = 0; c < cols; c++, at++) out[at] = (data[at] - mean[c]) * factor
  return { rows, cols, data: out }
}

/** Divides the matrix by its largest magnitude, so that no product overflows. */
function unit({ rows, cols, data }: Matrix): Matrix {
  const largest = kernels().largestMagnitude(data, data.length)
  const most = largest > 0 ? largest : 1
  const out = new Float32Array(rows * cols)
  for (let i = 0; i < out.length; i++) out[i] = data[i] / most
  return { rows, cols, data: out }
}

/** The mean square of a row. */
function powerOf({ rows, data }: Matrix): number {
  let total = 0
  for (let i = 0; i < data.length; i++) total += data[i] * data[i]
  return total / rows
}

function largestSquare({ rows, cols, data }: Matrix): number {
  let most = 0
  for (let r = 0; r < rows; r++) {
    let square = 0
    for (let c = r * cols; c < (r + 1) * cols; c++) square += data[c] * data[c]
    if (square > most) most = square
  }
  return Math.min(most, LARGEST)
}

/** The largest float32. */
const LARGEST = (2 - 2 ** -23) * 2 ** 127

let spare: readonly [Resident<Float32Array>, Resident<Float32Array>] | undefined
let out = new Float32Array(0)
let work = new Float32Array(0)

/** Two scratch arrays in the kernels' memory, each for at least `size` numbers. */
function scratch(size: number): readonly [Resident<Float32Array>, Resident<Float32Array>] {
  if (spare && spare[0].length >= size) return spare
  for (const array of spare ?? []) array[Symbol.dispose]()
  return (spare = [kernels().floats(size), kernels().floats(size)])
}

function outOf(size: number): Float32Array {
  if (out.length < size) out = new Float32Array(size)
  return out.subarray(0, size)
}

function workOf(size: number): Float32Array {
  if (work.length < size) work = new Float32Array(size)
  return work.subarray(0, size)
}
