/** A min-heap of slots by their distance: the nearest slot is found at once, and replaced in O(log n). Ties go to the lower slot. */
export interface DistanceHeap {
  readonly size: number
  readonly bytes: number
  /** The slot of the least distance. */
  readonly nearest: number
  distance(slot: number): number
  /** Adds slot `size`. */
  push(distance: number): void
  /** Gives the nearest slot another distance. */
  replaceNearest(distance: number): void
  /** All distances anew, in O(n). */
  rescore(distances: Float64Array): void
}

export function distanceHeap(): DistanceHeap {
  let distances = new Float64Array(64) // by slot
  let slots = new Int32Array(64) // the heap
  let size = 0

  const isBefore = (a: number, b: number) => distances[a]! < distances[b]! || (distances[a] === distances[b] && a < b)

  const sink = (at: number) => {
    const slot = slots[at]!
    for (;;) {
      let child = 2 * at + 1
      if (child >= size) break
      if (child + 1 < size && isBefore(slots[child + 1]!, slots[child]!)) child++
      if (!isBefore(slots[child]!, slot)) break
      slots[at] = slots[child]!
      at = child
    }
    slots[at] = slot
  }

  const rise = (at: number) => {
    const slot = slots[at]!
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!isBefore(slot, slots[parent]!)) break
      slots[at] = slots[parent]!
      at = parent
    }
    slots[at] = slot
  }

  const grow = (room: number) => {
    const wider = new Float64Array(room)
    wider.set(distances)
    distances = wider
    const more = new Int32Array(room)
    more.set(slots)
    slots = more
  }

  return {
    get size() {
      return size
    },
    get bytes() {
      return distances.byteLength + slots.byteLength
    },
    get nearest() {
      return slots[0]!
    },
    distance: (slot) => distances[slot]!,
    push(distance) {
      if (size === slots.length) grow(2 * size)
      distances[size] = distance
      slots[size] = size
      rise(size++)
    },
    replaceNearest(distance) {
      distances[slots[0]!] = distance
      sink(0)
    },
    rescore(all) {
      if (all.length > slots.length) grow(2 ** Math.ceil(Math.log2(all.length)))
      size = all.length
      distances.set(all)
      for (let i = 0; i < size; i++) slots[i] = i
      for (let i = (size >> 1) - 1; i >= 0; i--) sink(i)
    },
  }
}
