import { isFloat32, kernels, type Resident } from '@sublinear/kernels'
import type { Matrix, SketchMatrix } from './contracts'
import { BLOCK } from './sketch-matrix'

export type Numbers = Float32Array | Float64Array

/** The m × width numbers that a sketch adds to, in an ordinary array or in the kernels' memory. */
export interface SketchState {
  readonly bytes: number
  /** Adds Ψ[:, first … first + block.rows) · block. */
  add(block: Matrix, first: number): void
  /** Adds numbers entry by entry. */
  addNumbers(numbers: Numbers): void
  /** Reads the state: a copy. */
  read(): Numbers
  dispose(): void
}

/**
 * Makes the state of a sketch, in the kernels' memory where Ψ can multiply there: a block of 64 rows then copies no m × width numbers in and out. The bits are
 * the same as in an ordinary array.
 *
 * @param from  numbers to start with
 */
export function sketchState(
  matrix: SketchMatrix,
  width: number,
  precision: 'f32' | 'f64',
  from?: Numbers,
): SketchState {
  const size = matrix.m * width
  if (precision === 'f32' && matrix.resident) {
    const state = kernels().floats(size)
    if (from) state.write(Float32Array.from(from))
    return residentState(state, width, matrix.resident)
  }
  const fresh = precision === 'f64' ? new Float64Array(size) : new Float32Array(size)
  fresh.set(from ?? [])
  return {
    bytes: fresh.byteLength,
    add: (block, first) => addBlock(matrix, fresh, block, first),
    addNumbers: (numbers) => addNumbers(fresh, numbers),
    read: () => fresh.slice(),
    dispose() {},
  }
}

function residentState(
  state: Resident<Float32Array>,
  width: number,
  { accumulate }: NonNullable<SketchMatrix['resident']>,
): SketchState {
  return {
    bytes: 4 * state.length,
    add: ({ data, rows }, first) => accumulate(state, data, rows, width, first),
    addNumbers: (numbers) => kernels().addScaled(state, Float32Array.from(numbers), 1, state.length),
    read: () => state.read(),
    dispose: () => state[Symbol.dispose](),
  }
}

/** Adds Ψ[:, first …]·block to an ordinary array; in float64, the float32 sums of each 64 rows are added. */
export function addBlock(matrix: SketchMatrix, into: Numbers, block: Matrix, first: number): void {
  const { m } = matrix
  const { rows, cols, data } = block
  if (isFloat32(into)) return matrix.accumulate({ rows: m, cols, data: into }, block, first)
  for (let from = 0; from < rows;) {
    const size = Math.min(rows - from, BLOCK - ((first + from) % BLOCK))
    const partial = { rows: m, cols, data: new Float32Array(into.length) }
    matrix.accumulate(
      partial,
      { rows: size, cols, data: data.subarray(from * cols, (from + size) * cols) },
      first + from,
    )
    addNumbers(into, partial.data)
    from += size
  }
}

function addNumbers(into: Numbers, numbers: Numbers): void {
  for (let i = 0; i < into.length; i++) into[i] += numbers[i]
}
