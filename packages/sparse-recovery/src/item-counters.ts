import { isUint8 } from '@sublinear/core'
import type { Key } from '@sublinear/hash-families'
import { largest } from './largest'
import { numberSlots } from './number-slots'

export interface Item {
  readonly key: number | Key
  /** Weight counted since the item came. */
  readonly lower: number
  /** The most weight that may have been missed before it came. */
  readonly missed: number
}

/** Counters, with the keys that they count. */
export interface ItemCounters {
  readonly held: number
  readonly bytes: number
  /** Finds the counter of a key; −1 where it has none. */
  find(key: number | Key): number
  findNumber(key: number): number
  add(slot: number, weight: number, missed?: number): void
  insert(key: number | Key, lower: number, missed: number): void
  lower(slot: number): number
  missed(slot: number): number
  /** Forgets all items whose lower + missed is at most a bound, at least `least` of them, and returns the bound. */
  forget(least: number): number
  /** Items in order of arrival. */
  items(): Item[]
}

/** Makes at most `count` counters: numbers are found by a table of its own, other keys by the engine's. */
export function itemCounters(count: number): ItemCounters {
  const numbers = new Float64Array(count) // −1 where the key is no number
  const counted = new Float64Array(count)
  const before = new Float64Array(count)
  const slots = numberSlots(numbers)
  const named: (Key | undefined)[] = []
  const names = new Map<string | bigint, number>() // texts and integers are of different types, so never one key
  const bytesNamed = new Map<string, number>()
  let held = 0
  const place = (key: number | Key, slot: number) => {
    numbers[slot] = typeof key === 'number' ? key : -1
    if (typeof key === 'number') return slots.set(key, slot)
    named[slot] = key
    if (isUint8(key)) bytesNamed.set(nameOf(key), slot)
    else names.set(key, slot)
  }
  const keyAt = (slot: number) => (numbers[slot] >= 0 ? numbers[slot] : named[slot]!)
  return {
    get held() {
      return held
    },
    bytes: numbers.byteLength + counted.byteLength + before.byteLength + slots.bytes,
    findNumber: slots.find,
    find: (key) =>
      typeof key === 'number' ? slots.find(key) : ((isUint8(key) ? bytesNamed.get(nameOf(key)) : names.get(key)) ?? -1),
    add(slot, weight, missed = 0) {
      counted[slot] += weight
      before[slot] += missed
    },
    insert(key, lower, missed) {
      place(key, held)
      counted[held] = lower
      before[held++] = missed
    },
    lower: (slot) => counted[slot],
    missed: (slot) => before[slot],
    forget(least) {
      const upper = counted.slice(0, held)
      for (let slot = 0; slot < held; slot++) upper[slot] += before[slot]
      // The bound is the largest upper among the `least` smallest; items above it stay.
      const stays = largest(upper, held - least)
      const isKept = new Uint8Array(held)
      for (const slot of stays) isKept[slot] = 1
      let bound = 0
      for (let slot = 0; slot < held; slot++) if (isKept[slot] === 0) bound = Math.max(bound, upper[slot])
      const keys = Array.from({ length: held }, (_, slot) => keyAt(slot))
      const all = held
      held = 0
      slots.clear()
      names.clear()
      bytesNamed.clear()
      for (let slot = 0; slot < all; slot++) {
        if (upper[slot] <= bound) continue
        counted[held] = counted[slot]
        before[held] = before[slot]
        place(keys[slot], held++)
      }
      named.length = Math.min(named.length, held)
      return bound
    },
    items: () =>
      Array.from({ length: held }, (_, slot) => ({ key: keyAt(slot), lower: counted[slot], missed: before[slot] })),
  }
}

const nameOf = (key: Uint8Array) => String.fromCharCode(...key)
