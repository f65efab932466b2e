import type { Key } from '@sublinear/hash-families'
import { frequentItems, type FrequentItems } from '../src'
import { randomOf, type Random } from './truth'

export type Totals = Map<number | Key, number>

/** Bounds of frequent items that do not hold, against exact totals. */
export function faultsOf(items: FrequentItems, totals: Totals, keys: Iterable<number | Key>): string[] {
  const faults: string[] = []
  let total = 0
  for (const weight of totals.values()) total += weight
  if (items.total !== total) faults.push(`total ${items.total} for ${total}`)
  if (items.error > (2 * total) / items.count) faults.push(`error ${items.error} of ${total} with ${items.count}`)
  if (items.held > items.count) faults.push(`${items.held} held`)
  for (const key of keys) {
    const truth = totals.get(key) ?? 0
    const { lower, upper, estimate } = items.bounds(key)
    if (!(lower <= truth && truth <= upper)) faults.push(`${lower} <= ${truth} <= ${upper} at ${String(key)}`)
    if (upper - lower > items.error || estimate !== (lower + upper) / 2)
      faults.push(`width ${upper - lower} at ${String(key)}`)
  }
  return faults
}

/** A stream of few keys, skewed or not, that 2 to 9 counters cannot hold. */
export function feed(items: FrequentItems, totals: Totals, random: Random, length: number, kinds: number): void {
  for (let i = 0; i < length; i++) {
    const key = random.below(random.below(2) ? kinds : 1 + random.below(kinds))
    const weight = random.below(3) ? 1 : 1 + random.below(30)
    items.update(key, weight)
    totals.set(key, (totals.get(key) ?? 0) + weight)
  }
}

/** Faults of the first of many random streams that leaves its bounds; every third is a merge of several. */
export function faultsOfStreams(seed: number, streams: number): string[] {
  const random = randomOf(seed)
  for (let trial = 0; trial < streams; trial++) {
    const count = 2 + random.below(8)
    const kinds = 1 + random.below(20)
    const totals: Totals = new Map()
    let items = frequentItems({ count })
    feed(items, totals, random, random.below(40), kinds)
    for (let part = trial % 3 === 0 ? random.below(4) : 0; part > 0; part--) {
      const other = frequentItems({ count })
      feed(other, totals, random, random.below(40), kinds)
      if (random.below(2)) items.merge(other)
      else {
        other.merge(items)
        items = other
      }
      feed(items, totals, random, random.below(10), kinds)
    }
    const faults = faultsOf(
      items,
      totals,
      Array.from({ length: kinds + 1 }, (_, key) => key),
    )
    if (faults.length > 0) return [`stream ${trial}`, ...faults]
  }
  return []
}
