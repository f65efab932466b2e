import type { Resident } from './kernels'
import { Parking, type Cell } from './parking'
import { resident, type Block, type Entries } from './resident'

const PAGE = 65536
const STEP = 256 // pages, 16 MiB: the least by which memory grows
const LIMIT = 65536 // pages, 4 GiB
const ALIGN = 64
/** Bytes that stay free behind the last array: kernels read a little past the end of their operands, and ignore what they read. */
const GUARD = 4096

/** The one memory of the kernels: an allocator with 64-byte alignment, and views that are rebuilt when memory grows. */
export class Arena {
  readonly memory = new WebAssembly.Memory({ initial: 16, maximum: LIMIT })
  f32 = new Float32Array(this.memory.buffer)
  f64 = new Float64Array(this.memory.buffer)
  u32 = new Uint32Array(this.memory.buffer)
  u8 = new Uint8Array(this.memory.buffer)
  /** First byte behind what is in use; the first page belongs to the module's constants. */
  #top = PAGE
  /** First byte that was never in use, and is 0. */
  #fresh = PAGE
  /** Free ranges below the top, ascending, never touching each other. */
  readonly #free: { offset: number; bytes: number }[] = []
  readonly #parking = new Parking(this)

  floats(length: number): Resident<Float32Array> {
    return resident(this.#block(length, 4), length)
  }

  doubles(length: number): Resident<Float64Array> {
    return resident(this.#block(length, 8), length)
  }

  bytes(length: number): Resident<Uint8Array> {
    return resident(this.#block(length, 1), length)
  }

  /** Takes `bytes` bytes, rounded up to a multiple of 64, and returns their offset. Their contents are whatever was there. */
  take(bytes: number): number {
    const size = rounded(bytes)
    const index = this.#free.findIndex((range) => range.bytes >= size)
    if (index >= 0) {
      const range = this.#free[index]
      const offset = range.offset
      if (range.bytes === size) this.#free.splice(index, 1)
      else this.#free[index] = { offset: offset + size, bytes: range.bytes - size }
      return offset
    }
    const offset = this.#top
    this.#ensure(offset + size + GUARD)
    this.#top = offset + size
    this.#fresh = Math.max(this.#fresh, this.#top)
    return offset
  }

  /** Whether so many bytes fit below `bound`, so that memory need not grow beyond it. */
  fits(bytes: number, bound: number): boolean {
    const size = rounded(bytes)
    return this.#top + size + GUARD <= bound || this.#free.some((range) => range.bytes >= size)
  }

  give(offset: number, bytes: number): void {
    let size = rounded(bytes)
    if (size === 0) return
    let index = this.#after(offset)
    const next = this.#free[index]
    if (next && next.offset === offset + size) {
      size += next.bytes
      this.#free.splice(index, 1)
    }
    const before = this.#free[index - 1]
    if (before && before.offset + before.bytes === offset) {
      offset = before.offset
      size += before.bytes
      this.#free.splice(--index, 1)
    }
    if (offset + size === this.#top) this.#top = offset
    else this.#free.splice(index, 0, { offset, bytes: size })
  }

  /** The index of the first free range that begins after the offset. */
  #after(offset: number): number {
    let low = 0
    let high = this.#free.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#free[middle].offset < offset) low = middle + 1
      else high = middle
    }
    return low
  }

  #ensure(bytes: number): void {
    const have = this.memory.buffer.byteLength / PAGE
    const want = Math.ceil(bytes / PAGE)
    if (want <= have) return
    // Memory grows in large steps, but in a small one where a large one would not fit.
    for (const more of [Math.max(want - have, STEP, have >> 2), want - have]) {
      const pages = Math.min(more, LIMIT - have)
      if (have + pages < want) break
      try {
        this.memory.grow(pages)
      } catch {
        continue
      }
      this.f32 = new Float32Array(this.memory.buffer)
      this.f64 = new Float64Array(this.memory.buffer)
      this.u32 = new Uint32Array(this.memory.buffer)
      this.u8 = new Uint8Array(this.memory.buffer)
      return
    }
    throw new RangeError(
      `kernels: the WebAssembly memory cannot grow from ${have} to ${want} pages of 64 KiB: ${this.#parking.held()}. Give back what is done with by [Symbol.dispose]() or scope()`,
    )
  }

  /** Gives back a range that was taken and never used (as reserveMemory does): it is still 0. `fresh` is the first byte that was never in use when it was taken. */
  giveUnused(offset: number, bytes: number, fresh: number): void {
    if (offset + rounded(bytes) === this.#fresh) this.#fresh = Math.max(fresh, offset)
  }

  #block(length: number, bytesPerEntry: 1 | 4 | 8): Block {
    const size = length * bytesPerEntry
    const fresh = this.#fresh
    const offset = this.#parking.room(size, () => this.take(size))
    // Memory that was never in use is 0, and takes a page of the machine only when it is written: a large array may be filled little by little.
    if (offset < fresh) this.u8.fill(0, offset, Math.min(offset + size, fresh))
    return new ArenaBlock(this, this.#parking, { offset, bytes: size, parked: undefined, id: 0 }, fresh, bytesPerEntry)
  }
}

/** One allocation. A class, and no literal with a getter: each of those has a hidden class of its own, which outlives many a collection of garbage. */
class ArenaBlock implements Block {
  readonly home = 'simd'
  open = true
  readonly #arena: Arena
  readonly #parking: Parking
  readonly #cell: Cell
  readonly #fresh: number
  readonly #bytesPerEntry: 1 | 4 | 8
  #isUsed = false

  constructor(arena: Arena, parking: Parking, cell: Cell, fresh: number, bytesPerEntry: 1 | 4 | 8) {
    this.#arena = arena
    this.#parking = parking
    this.#cell = cell
    this.#fresh = fresh
    this.#bytesPerEntry = bytesPerEntry
    parking.enter(cell, this)
  }

  get offset(): number {
    this.#isUsed = true
    return this.#parking.offset(this.#cell, this)
  }

  view(from: number, count: number): Entries {
    const first = this.offset / this.#bytesPerEntry + from
    const { f32, f64, u8 } = this.#arena
    const all = this.#bytesPerEntry === 4 ? f32 : this.#bytesPerEntry === 8 ? f64 : u8
    return all.subarray(first, first + count)
  }

  release(): void {
    const { offset, bytes, parked } = this.#cell
    if (!this.#isUsed && !parked) this.#arena.giveUnused(offset, bytes, this.#fresh)
    this.#parking.release(this.#cell)
  }
}

function rounded(bytes: number): number {
  return Math.ceil(bytes / ALIGN) * ALIGN
}
