// Frequent items against an exact Map: bounds that always hold, in random streams of weights, cut, merged and restored.
// Kills: an error that is not raised by forgetting, a new item that has missed nothing, ties kept at the bound, a merge that forgets the other's
// error, or adds it to items that both hold, a table that loses a number when it is rebuilt, texts and integers as one key, sums beyond 2^53.
import { decodeSnapshot, encodeSnapshot } from '@sublinear/core'
import { describe, expect, it } from 'vitest'
import { frequentItems, restoreFrequentItems, type FrequentItems } from '../src'
import { numberSlots } from '../src/number-slots'
import { faultsOf, faultsOfStreams, feed, type Totals } from './counted-streams'
import { randomOf } from './truth'

describe('frequentItems', () => {
  it('never leaves its bounds: 4000 random streams; frequent-items-streams.test.ts has more', () => {
    expect(faultsOfStreams(9, 4000)).toEqual([])
  })

  it('holds every key with more than 2·total/count, and is exact while there is room', () => {
    const random = randomOf(2)
    const items = frequentItems({ count: 100 })
    for (let i = 0; i < 100; i++) items.update(i * 1e12, i + 1)
    expect([items.error, items.held]).toEqual([0, 100])
    expect(items.top(3)).toEqual(
      [99, 98, 97].map((i) => ({ key: i * 1e12, lower: i + 1, upper: i + 1, estimate: i + 1 })),
    )
    for (let i = 0; i < 30_000; i++) items.update(random.below(3) === 0 ? random.below(20) : random.below(2 ** 40))
    const held = new Set(items.top(100).map(({ key }) => key))
    for (let key = 1; key < 20; key++) {
      if (items.bounds(key).lower > items.error) expect(held.has(key)).toBe(true)
    }
    expect(items.error).toBeLessThanOrEqual((2 * items.total) / 100)
    expect(items.error).toBeGreaterThan(0)
  })

  it('is exact on the 64 largest of a Zipf stream in 1,000 counters', () => {
    const random = randomOf(3)
    const totals: Totals = new Map()
    const items = frequentItems({ count: 1000 })
    for (let i = 0; i < 200_000; i++) {
      const key = Math.floor(2 ** (20 ** (random.below(2 ** 20) / 2 ** 20))) // 1/x
      items.update(key)
      totals.set(key, (totals.get(key) ?? 0) + 1)
    }
    const wanted = [...totals].toSorted(([, a], [, b]) => b - a).slice(0, 64)
    const top = items.top(64)
    expect(new Set(top.map(({ key }) => key))).toEqual(new Set(wanted.map(([key]) => key)))
    for (const { key, estimate } of top)
      expect(Math.abs(estimate - totals.get(key)!)).toBeLessThanOrEqual(items.error / 2)
    expect(faultsOf(items, totals, totals.keys())).toEqual([])
  })

  it('takes texts, bytes, integers and numbers as different keys', () => {
    const items = frequentItems({ count: 10 })
    const mine = Uint8Array.of(49)
    items.update('1', 2)
    items.update(1, 3)
    items.update(1n, 4)
    items.update(mine, 5)
    mine[0] = 0
    items.update('1')
    expect(items.top(10).map(({ key, lower }) => [key, lower])).toEqual([
      [Uint8Array.of(49), 5],
      [1n, 4],
      ['1', 3],
      [1, 3],
    ])
    for (let i = 0; i < 1000; i++) for (const key of [`k${i % 7}`, BigInt(i), i, Uint8Array.of(i)]) items.update(key)
    expect(items.held).toBeLessThanOrEqual(10)
    expect(items.bounds(Uint8Array.of(49)).upper).toBeGreaterThanOrEqual(9)
  })

  it('answers above a threshold: all that may be, or those that are', () => {
    const random = randomOf(5)
    const items = frequentItems({ count: 20 })
    const totals: Totals = new Map()
    feed(items, totals, random, 3000, 60)
    for (const key of [3, 5]) {
      items.update(key, 20_000)
      totals.set(key, totals.get(key)! + 20_000)
    }
    const above = items.error
    const truly = [...totals].filter(([, total]) => total > above).map(([key]) => key)
    const may = items.top(20, { above }).map(({ key }) => key)
    const sure = items.top(20, { above, sure: true }).map(({ key }) => key)
    expect(truly.length).toBeGreaterThan(0)
    for (const key of truly) expect(may).toContain(key)
    for (const key of sure) expect(truly).toContain(key)
    expect(items.top(0)).toEqual([])
  })

  it('merges in either order to the same bounds', () => {
    const random = randomOf(6)
    for (let trial = 0; trial < 300; trial++) {
      const totals: Totals = new Map()
      const [a, b] = [0, 1].map(() => {
        const items = frequentItems({ count: 6 })
        feed(items, totals, random, 60, 20)
        return items
      })
      const again = restoreFrequentItems(b.toBytes())
      again.merge(a)
      const kept = b.toBytes()
      a.merge(b)
      expect(b.toBytes()).toEqual(kept)
      const keys = Array.from({ length: 20 }, (_, key) => key)
      expect(keys.map((key) => again.bounds(key))).toEqual(keys.map((key) => a.bounds(key)))
      expect([again.error, again.total]).toEqual([a.error, a.total])
      a.merge(a)
      for (const [key, total] of totals) totals.set(key, 2 * total)
      expect(faultsOf(a, totals, totals.keys())).toEqual([])
    }
  })

  it('resumes from a snapshot bit for bit', () => {
    const random = randomOf(7)
    const items = frequentItems({ count: 12, keyBytes: 9 })
    for (let i = 0; i < 500; i++) {
      const key = random.below(30)
      items.update([key, `key-${key}`, BigInt(key), Uint8Array.of(key, 7)][i % 4], 1 + random.below(5))
      if (i % 50 !== 0) continue
      const bytes = items.toBytes()
      items.top(5)
      items.bounds('key-1')
      expect(items.toBytes()).toEqual(bytes)
      const back = restoreFrequentItems(bytes)
      for (const one of [back, items]) for (let j = 0; j < 40; j++) one.update(`key-${j % 25}`, 1 + (j % 3))
      expect(back.toBytes()).toEqual(items.toBytes())
      expect(items.toBytes().length).toBeLessThan(items.bytes + 1200)
    }
  })

  it('refuses snapshots that are damaged or do not fit', () => {
    const items = frequentItems({ count: 4 })
    for (let i = 0; i < 9; i++) items.update(i % 5, 1 + i)
    items.update('text', 40)
    const bytes = items.toBytes()
    const { kind, version, parameters, tensors } = decodeSnapshot(bytes)
    const again = (more: Record<string, string>, change: Record<string, number[]> = {}) =>
      encodeSnapshot({
        kind,
        version,
        parameters: { ...parameters, ...more },
        tensors: {
          ...Object.fromEntries(tensors),
          ...Object.fromEntries(
            Object.entries(change).map(([name, data]) => [
              name,
              { dtype: 'F64' as const, shape: [data.length], data: Float64Array.from(data) },
            ]),
          ),
        },
      })
    expect(restoreFrequentItems(again({})).toBytes()).toEqual(bytes)
    const broken = bytes.slice()
    broken[bytes.length - 1] ^= 1
    const { length } = tensors.get('lower')!.data
    const row = (x: number) => Array.from({ length }, () => x)
    for (const hostile of [
      broken,
      bytes.subarray(0, 90),
      again({ count: '1' }),
      again({ count: '1e300' }),
      again({ count: '2' }),
      again({ keyBytes: '2' }),
      again({ total: '-1' }),
      again({ total: '3' }),
      again({ error: '1e6' }),
      again({}, { lower: row(NaN) }),
      again({}, { lower: row(0) }),
      again({}, { lower: [1] }),
      again({}, { missed: row(1e9) }),
      again({}, { missed: row(-1) }),
      again({}, { numbers: row(-1) }),
      again({}, { numbers: row(0.5) }),
    ])
      expect(() => restoreFrequentItems(hostile)).toThrow(RangeError)
  })

  it('refuses what is out of range, deletions among it, and changes nothing', () => {
    const items = frequentItems({ count: 4 })
    feed(items, new Map(), randomOf(8), 50, 9)
    const bytes = items.toBytes()
    for (const weight of [0, -1, 0.5, NaN, Infinity, 2 ** 53]) expect(() => items.update(1, weight)).toThrow(RangeError)
    expect(() => items.update(1, '2' as unknown as number)).toThrow(TypeError)
    expect(() => items.update(1, Number.MAX_SAFE_INTEGER)).toThrow(
      /frequentItems: the total must stay at most 2\^53 - 1/,
    )
    for (const key of [-1, 0.5, NaN, 2 ** 53, -1n]) expect(() => items.update(key)).toThrow(RangeError)
    for (const key of [null, undefined, {}]) expect(() => items.update(key as unknown as number)).toThrow(TypeError)
    for (const key of ['x'.repeat(65), new Uint8Array(65), '\udc00', 2n ** 600n])
      expect(() => items.update(key)).toThrow(/frequentItems: key must be well-formed, of at most 64 bytes/)
    expect(() => items.merge(frequentItems({ count: 5 }))).toThrow('frequentItems: count differs: 4 here, 5 there')
    expect(() => items.merge({} as FrequentItems)).toThrow(TypeError)
    expect(() => frequentItems({ count: 1 })).toThrow(/count must be an integer from 2 to 16777216, got 1/)
    expect(() => frequentItems({ counts: 8 } as never)).toThrow(/no option "counts", did you mean count/)
    expect(items.toBytes()).toEqual(bytes)
  })
})

it('a table of numbers finds what a Map finds, consecutive and huge ones', () => {
  const keys = new Float64Array(3000)
  const slots = numberSlots(keys)
  const truth = new Map<number, number>()
  for (let slot = 0; slot < 3000; slot++) {
    const key = slot % 3 === 0 ? slot : slot % 3 === 1 ? slot * 2 ** 32 : 2 ** 53 - 1 - slot
    expect(slots.find(key)).toBe(-1)
    keys[slot] = key
    slots.set(key, slot)
    truth.set(key, slot)
  }
  for (const [key, slot] of truth) expect(slots.find(key)).toBe(slot)
  slots.clear()
  expect(slots.find(0)).toBe(-1)
})
