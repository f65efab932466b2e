import { isFloat32, isFloat64 } from './brand'
import type { Arena } from './arena'
import type { Doubles, Floats } from './kernels'
import { residentOffset } from './resident'

/** Most entries for which a loop is faster than making a view and copying it. */
const FEW = 96

/** The first address from `at` on that is a multiple of `size`. It is computed without bit operations, which make addresses from 2 GiB on negative. */
export function aligned(at: number, size: number): number {
  return size * Math.ceil(at / size)
}

/** Scratch for the data that passes through a call, with the copies of ordinary arrays in and out. Pointers are in bytes. */
export class Staging {
  readonly #arena: Arena
  #region = 0
  #bytes = 0

  constructor(arena: Arena) {
    this.#arena = arena
  }

  /** A pointer to `bytes` bytes, the same region at every call: each kernel lays out its own. Memory may grow. */
  region(bytes: number): number {
    if (bytes > this.#bytes) {
      this.#arena.give(this.#region, this.#bytes)
      this.#bytes = 0
      this.#region = this.#arena.take(bytes)
      this.#bytes = bytes
    }
    return this.#region
  }

  /** The address of a resident operand; 0 for an ordinary array. */
  floats(operand: Floats): number {
    return isFloat32(operand) ? 0 : residentOffset('simd', operand, 4)
  }

  doubles(operand: Doubles): number {
    return isFloat64(operand) ? 0 : residentOffset('simd', operand, 8)
  }

  /** Copies entries of an ordinary array to a pointer. */
  in(to: number, from: Floats | Float32Array, first: number, count: number): void {
    copy(this.#arena.f32, to >>> 2, from as Float32Array, first, count)
  }

  /** Where `count` entries lie from `first` on: in place those of a resident operand, else copied to a pointer. */
  piece(operand: Floats, first: number, count: number, to: number): number {
    const at = this.floats(operand)
    if (at) return at + 4 * first
    this.in(to, operand, first, count)
    return to
  }

  /** Copies `rows` rows of `cols` entries, which stand `stride` apart in the array, to a pointer, without gaps. */
  rowsIn(to: number, from: Floats, first: number, stride: number, rows: number, cols: number): void {
    if (stride === cols) return this.in(to, from, first, rows * cols)
    for (let r = 0; r < rows; r++) this.in(to + r * cols * 4, from, first + r * stride, cols)
  }

  /** Copies entries at a pointer to an ordinary array. */
  out(to: Floats, first: number, from: number, count: number): void {
    copy(to as Float32Array, first, this.#arena.f32, from >>> 2, count)
  }

  rowsOut(to: Floats, first: number, stride: number, from: number, rows: number, cols: number): void {
    if (stride === cols) return this.out(to, first, from, rows * cols)
    for (let r = 0; r < rows; r++) this.out(to, first + r * stride, from + r * cols * 4, cols)
  }

  doublesIn(to: number, from: Doubles, first: number, count: number): void {
    copyDoubles(this.#arena.f64, to / 8, from as Float64Array, first, count)
  }

  doublesOut(to: Doubles, first: number, from: number, count: number): void {
    copyDoubles(to as Float64Array, first, this.#arena.f64, from / 8, count)
  }

  wordsIn(to: number, from: Uint32Array, first: number, count: number): void {
    this.#arena.u32.set(from.subarray(first, first + count), to >>> 2)
  }
}

function copy(to: Float32Array, at: number, from: Float32Array, first: number, count: number): void {
  if (count > FEW) to.set(from.subarray(first, first + count), at)
  else for (let i = 0; i < count; i++) to[at + i] = from[first + i]
}

/** Copies doubles, in a function of its own: a loop that sees two types of arrays is slow. */
function copyDoubles(to: Float64Array, at: number, from: Float64Array, first: number, count: number): void {
  if (count > FEW) to.set(from.subarray(first, first + count), at)
  else for (let i = 0; i < count; i++) to[at + i] = from[first + i]
}
