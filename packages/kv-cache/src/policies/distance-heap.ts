import { scratch } from '@sublinear/kernels'

/** A min-heap of slots by their distance: finds the nearest slot at once, and replaces it in O(log n). Of equal distances, the lower slot is nearer. */
export interface DistanceHeap {
  /** The slot of the smallest distance. */
  nearest(): number
  /** The smallest distance. */
  least(): number
  /** Gives the nearest slot another distance. */
  replaceNearest(distance: number): void
}

const slotScratch = scratch(Int32Array)

/**
 * Makes the heap of slots 0 … distances.length − 1, in O(n). It keeps the array, and is valid until the next heap is made. Its members are no getters: V8
 * would keep the getters of every heap until a full garbage collection.
 */
export function distanceHeap(distances: Float64Array): DistanceHeap {
  const size = distances.length
  const slots = slotScratch(size)
  for (let slot = 0; slot < size; slot++) slots[slot] = slot

  const isBefore = (a: number, b: number) => distances[a] < distances[b] || (distances[a] === distances[b] && a < b)

  const sink = (at: number) => {
    const slot = slots[at]
    for (;;) {
      let child = 2 * at + 1
      if (child >= size) break
      if (child + 1 < size && isBefore(slots[child + 1], slots[child])) child++
      if (!isBefore(slots[child], slot)) break
      slots[at] = slots[child]
      at = child
    }
    slots[at] = slot
  }

  for (let i = (size >> 1) - 1; i >= 0; i--) sink(i)
  return {
    nearest: () => slots[0],
    least: () => distances[slots[0]],
    replaceNearest(distance) {
      distances[slots[0]] = distance
      sink(0)
    },
  }
}
