import type { Arena } from './arena'

/** Bytes that memory may grow to, at first, before arrays are parked. */
const COMFORT = 2 ** 28
/** Bytes of the smallest array that is parked. */
const LEAST = 2 ** 14

/** The place of one array: in the arena, known to it by a number; or parked, known to nobody but the array. */
export interface Cell {
  offset: number
  readonly bytes: number
  parked: Uint8Array | undefined
  id: number
}

/**
 * Finds the memory of arrays that nobody holds any more, without waiting for finalizers. A finalizer runs only between two tasks, so a loop that makes and
 * drops streams would fill the memory with garbage. Before memory grows beyond a comfortable size, arrays are parked: their bytes go to ordinary arrays that
 * only their handles reach. The garbage collector then frees those of dropped handles at once, and the others come back when they are next used.
 *
 * Guarantee: nothing moves while a kernel runs: arrays are parked only while another array is made.
 * Cost: one copy out, and one back for arrays still in use. Where most of them come back, memory grows instead, twice as far each time.
 */
export class Parking {
  readonly #arena: Arena
  readonly #cells = new Map<number, Cell>()
  #next = 0
  #comfort = COMFORT
  #returned = 0 // bytes brought back since arrays were last parked
  readonly #dropped = new FinalizationRegistry<number>((id) => {
    const cell = this.#cells.get(id)
    if (cell) this.#leave(cell)
  })

  constructor(arena: Arena) {
    this.#arena = arena
  }

  /** Takes memory. Before, it makes room where memory would grow too far, or cannot grow. */
  room(bytes: number, take: () => number): number {
    if (!this.#arena.fits(bytes, this.#comfort)) {
      if (this.#returned > this.#comfort / 2) this.#comfort *= 2
      else this.#park()
      this.#returned = 0
    }
    try {
      return take()
    } catch {
      this.#park()
      return take()
    }
  }

  /** Enters the place of an array. When `owner` is garbage, the place is given back. */
  enter(cell: Cell, owner: object): void {
    cell.id = this.#next++
    this.#cells.set(cell.id, cell)
    this.#dropped.register(owner, cell.id, cell)
  }

  /** The offset of an array in the arena. A parked array is brought back first; `owner` is as in `enter`. */
  offset(cell: Cell, owner: object): number {
    if (cell.parked) this.#bring(cell, owner) // the cell must not keep its owner: the owner could then never become garbage
    return cell.offset
  }

  release(cell: Cell): void {
    if (!cell.parked) this.#leave(cell)
    cell.parked = undefined
  }

  /** Says in words what holds the memory. */
  held(): string {
    const sizes = [...this.#cells.values()].map(({ bytes }) => bytes)
    const total = sizes.reduce((a, b) => a + b, 0)
    const largest = sizes.reduce((a, b) => Math.max(a, b), 0)
    return `${sizes.length} arrays hold ${mib(total)} MiB, the largest ${mib(largest)} MiB`
  }

  #leave(cell: Cell): void {
    this.#dropped.unregister(cell)
    this.#cells.delete(cell.id)
    this.#arena.give(cell.offset, cell.bytes)
  }

  #park(): void {
    for (const cell of this.#cells.values()) {
      if (cell.bytes < LEAST) continue
      cell.parked = this.#arena.u8.slice(cell.offset, cell.offset + cell.bytes)
      this.#leave(cell)
    }
  }

  #bring(cell: Cell, owner: object): void {
    cell.offset = this.#arena.take(cell.bytes)
    this.#arena.u8.set(cell.parked!, cell.offset)
    cell.parked = undefined
    this.#returned += cell.bytes
    this.enter(cell, owner)
  }
}

const mib = (bytes: number) => (bytes / 2 ** 20).toFixed(1)
