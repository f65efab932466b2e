import { checkInteger, checkOptions, encodeSnapshot, isUint8, type Given } from '@sublinear/core'
import { bytesOfKey, type Key } from '@sublinear/hash-families'
import { isShort } from './candidate-keys'
import { itemCounters, type Item } from './item-counters'
import { readFrequentItems } from './saved-frequent-items'
import { savedKeys } from './saved-keys'

export const MOST_ITEMS = 2 ** 24

export interface FrequentItemsOptions {
  /** Number of items that are held, 2 … 2^24. */
  readonly count: number
  /** Bytes of the longest key; longer keys are refused. Default 64. */
  readonly keyBytes?: number | undefined
}

export interface FrequentItem {
  readonly key: number | Key
  /** Lower bound on the total of the key: lower ≤ total ≤ upper, always. */
  readonly lower: number
  readonly upper: number
  /** Middle of the two bounds: it is off by at most half of their distance. */
  readonly estimate: number
}

export interface FrequentItems {
  readonly count: number
  readonly keyBytes: number
  /** The sum of all weights. */
  readonly total: number
  /** Bound: no key that is not held has a larger total, and no interval is longer. At most 2·total/count. */
  readonly error: number
  /** Number of items held now. */
  readonly held: number
  readonly bytes: number
  /** Adds `weight`, an integer ≥ 1 (default 1), to the total of a key: an integer 0 … 2^53 − 1, a text, bytes or a bigint. */
  update(key: number | Key, weight?: number): void
  bounds(key: number | Key): FrequentItem
  /** The items of largest `upper`, at most `limit`; with `above`, those whose total may be above it (`sure`: those whose total certainly is). */
  top(
    limit: number,
    options?: { readonly above?: number | undefined; readonly sure?: boolean | undefined },
  ): FrequentItem[]
  /** Adds what another object has counted; refuses another count or keyBytes. Bounds stay true; which items are held may depend on the order of merges. */
  merge(other: FrequentItems): void
  toBytes(): Uint8Array
}

/**
 * Finds the most frequent keys of a stream of counts without deletions, with bounds that always hold.
 * Source: SpaceSaving (Metwally, Agrawal and El Abbadi, 2005) in batches, after Anderson, Bevan, Lang, Liberty, Rhodes and Thaler (2017). Not from the
 *   papers. Deviation: an item keeps how much may have been missed before it came, so early items are exact; a merge adds these numbers.
 *
 * An item keeps the weight counted since it came (lower), and the error at that time; upper is their sum. A full table forgets the half of its
 * items whose upper is at most the median, and the median is the new error: no key that is not held has a larger total.
 *
 * Guarantee, of every stream and every merge: lower ≤ total ≤ upper ≤ lower + error; error ≤ 2·total/count. So every key with a larger total is
 *   held. Proof. G = Σ(upper − error) over the items held grows by each weight once; raising the error by Δ takes at least Δ from as many items
 *   as half the table (in a merge from more), so error ≤ 2·(total − G)/count.
 * Cost: for numbers 24 bytes an item, and 8 to 16 for its table; for other keys keyBytes more, once one has come, and the engine's own table, which is not
 *   counted (some 50 bytes an item). Some 0.05 µs an update; a sort for `top`.
 *
 * @throws TypeError, RangeError when an option, a key or a weight is out of range, or the total leaves 2^53 − 1; a refused call changes nothing
 * @example frequentItems({ count: 1000 }).update('user-1')
 */
export function frequentItems(options: FrequentItemsOptions): FrequentItems {
  const who = 'frequentItems'
  checkOptions(who, options, ['count', 'keyBytes'])
  const { count, keyBytes = 64 } = options
  checkInteger(who, 'count', count, 2, MOST_ITEMS)
  checkInteger(who, 'keyBytes', keyBytes, 0, 2 ** 16)
  return live({ count, keyBytes }, { total: 0, error: 0, items: [] })
}

/**
 * Restores frequent items from their snapshot; they go on bit for bit.
 *
 * @throws RangeError when the bytes are damaged or of another kind
 */
export function restoreFrequentItems(bytes: Uint8Array): FrequentItems {
  const { options, contents } = readFrequentItems(bytes)
  return live(options, contents)
}

function live(
  { count, keyBytes }: Given<FrequentItemsOptions>,
  from: { readonly total: number; readonly error: number; readonly items: readonly Item[] },
): FrequentItems {
  const who = 'frequentItems'
  let { total, error } = from
  let counters = itemCounters(count)
  const fill = (items: readonly Item[]) => {
    counters = itemCounters(count)
    for (const { key, lower, missed } of items) counters.insert(key, lower, missed)
  }
  fill(from.items)
  let keyed = from.items.some(({ key }) => typeof key !== 'number')
  const checkKey = (key: number | Key) => {
    if (typeof key === 'number') return checkInteger(who, 'key', key, 0)
    if (!isUint8(key)) bytesOfKey(key) // throws where it is no key
    if (!isShort(key, keyBytes))
      throw new RangeError(`${who}: key must be well-formed, of at most ${keyBytes} bytes (or take hashKey of it)`)
  }
  const self: FrequentItems = {
    count,
    keyBytes,
    get total() {
      return total
    },
    get error() {
      return error
    },
    get held() {
      return counters.held
    },
    get bytes() {
      return counters.bytes + (keyed ? count * keyBytes : 0)
    },
    update(key, weight = 1) {
      const slot = typeof key === 'number' ? counters.findNumber(key) : -1 // what is no key is not found, and refused below
      if (!(weight >= 1 && Number.isSafeInteger(weight) && total + weight <= Number.MAX_SAFE_INTEGER)) {
        checkInteger(who, 'weight', weight, 1)
        throw new RangeError(`${who}: the total must stay at most 2^53 - 1, got ${total} and ${weight} more`)
      }
      if (slot >= 0) {
        counters.add(slot, weight)
        total += weight
        return
      }
      checkKey(key)
      const known = counters.find(key)
      total += weight
      if (known >= 0) return counters.add(known, weight)
      if (typeof key !== 'number') keyed = true
      if (counters.held === count) error = counters.forget(Math.floor(count / 2))
      counters.insert(isUint8(key) ? key.slice() : key, weight, error)
    },
    bounds(key) {
      checkKey(key)
      const slot = counters.find(key)
      return slot < 0 ? itemOf(key, 0, error) : itemOf(key, counters.lower(slot), counters.missed(slot))
    },
    top(limit, { above = 0, sure = false } = {}) {
      checkInteger(who, 'limit', limit, 0)
      const found = counters.items().map(({ key, lower, missed }) => itemOf(key, lower, missed))
      return found
        .filter(({ lower, upper }) => (sure ? lower : upper) > above)
        .toSorted((a, b) => b.upper - a.upper || b.lower - a.lower)
        .slice(0, limit)
    },
    merge(other) {
      if (typeof other !== 'object' || other === null || typeof other.toBytes !== 'function') {
        throw new TypeError(`${who}: cannot merge, the other is not one`)
      }
      const { options, contents: theirs } = readFrequentItems(other.toBytes())
      for (const [name, mine, its] of [
        ['count', count, options.count],
        ['keyBytes', keyBytes, options.keyBytes],
      ] as const)
        if (mine !== its) throw new RangeError(`${who}: ${name} differs: ${mine} here, ${its} there`)
      if (total + theirs.total > Number.MAX_SAFE_INTEGER)
        throw new RangeError(`${who}: the total must stay at most 2^53 - 1, got ${total} and ${theirs.total} more`)
      const both = itemCounters(2 * count)
      for (const { key, lower, missed } of counters.items()) both.insert(key, lower, missed + theirs.error)
      for (const { key, lower, missed } of theirs.items) {
        const slot = both.find(key)
        if (slot < 0) both.insert(key, lower, missed + error)
        else both.add(slot, lower, missed - theirs.error)
      }
      total += theirs.total
      error += theirs.error
      if (both.held > count) error = Math.max(error, both.forget(both.held - count))
      fill(both.items())
      keyed ||= theirs.items.some(({ key }) => typeof key !== 'number')
    },
    toBytes() {
      const items = counters.items()
      const numbers = items.map(({ key }) => (typeof key === 'number' ? key : -1))
      const keys = items.flatMap(({ key }) => (typeof key === 'number' ? [] : [key]))
      return encodeSnapshot({
        kind: 'frequent-items',
        version: '1',
        parameters: { count: String(count), keyBytes: String(keyBytes), total: String(total), error: String(error) },
        tensors: {
          numbers: column(numbers),
          lower: column(items.map(({ lower }) => lower)),
          missed: column(items.map(({ missed }) => missed)),
          ...(keys.length > 0 && savedKeys(keys)),
        },
      })
    },
  }
  return self
}

const column = (data: readonly number[]) => ({
  dtype: 'F64' as const,
  shape: [data.length],
  data: Float64Array.from(data),
})

function itemOf(key: number | Key, lower: number, missed: number): FrequentItem {
  return {
    key: isUint8(key) ? key.slice() : key,
    lower,
    upper: lower + missed,
    estimate: lower + missed / 2,
  }
}
