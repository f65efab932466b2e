import type { Arena } from './arena'
import type { Doubles, Floats } from './kernels'
import { residentOffset } from './resident'

/** Scratch for what passes through a call, and the copies of ordinary arrays in and out. Pointers are in bytes. */
export class Staging {
  readonly #arena: Arena
  #region = 0
  #bytes = 0

  constructor(arena: Arena) {
    this.#arena = arena
  }

  /** A pointer to `bytes` bytes, the same region at every call: each kernel lays out its own. May grow memory. */
  region(bytes: number): number {
    if (bytes > this.#bytes) {
      this.#arena.give(this.#region, this.#bytes)
      this.#bytes = 0
      this.#region = this.#arena.take(bytes)
      this.#bytes = bytes
    }
    return this.#region
  }

  /** Where a resident operand lies; 0 for an ordinary array. */
  floats(operand: Floats): number {
    return operand instanceof Float32Array ? 0 : residentOffset('simd', operand, 4)
  }

  doubles(operand: Doubles): number {
    return operand instanceof Float64Array ? 0 : residentOffset('simd', operand, 8)
  }

  /** Copies entries of an ordinary array to a pointer. */
  in(to: number, from: Floats | Float32Array, first: number, count: number): void {
    this.#arena.f32.set((from as Float32Array).subarray(first, first + count), to >>> 2)
  }

  /** Copies `rows` rows of `cols` entries, `stride` apart in the array, dense to a pointer. */
  rowsIn(to: number, from: Floats, first: number, stride: number, rows: number, cols: number): void {
    if (stride === cols) return this.in(to, from, first, rows * cols)
    for (let r = 0; r < rows; r++) this.in(to + r * cols * 4, from, first + r * stride, cols)
  }

  /** Copies entries at a pointer to an ordinary array. */
  out(to: Floats, first: number, from: number, count: number): void {
    const at = from >>> 2
    ;(to as Float32Array).set(this.#arena.f32.subarray(at, at + count), first)
  }

  rowsOut(to: Floats, first: number, stride: number, from: number, rows: number, cols: number): void {
    if (stride === cols) return this.out(to, first, from, rows * cols)
    for (let r = 0; r < rows; r++) this.out(to, first + r * stride, from + r * cols * 4, cols)
  }

  doublesIn(to: number, from: Doubles, first: number, count: number): void {
    this.#arena.f64.set((from as Float64Array).subarray(first, first + count), to / 8)
  }

  doublesOut(to: Doubles, first: number, from: number, count: number): void {
    ;(to as Float64Array).set(this.#arena.f64.subarray(from / 8, from / 8 + count), first)
  }

  wordsIn(to: number, from: Uint32Array, first: number, count: number): void {
    this.#arena.u32.set(from.subarray(first, first + count), to >>> 2)
  }
}
