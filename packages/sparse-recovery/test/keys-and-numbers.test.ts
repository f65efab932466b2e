// Streams of numbers and streams of keys, where they meet. Kills: keys that are lost when a stream of numbers takes in a stream of keys, tensors of keys where there are none, an
// answer at the very threshold that is left out.
import { decodeSnapshot } from '@sublinear/core'
import { describe, expect, it } from 'vitest'
import { frequentItems, heavyHitters, restoreFrequentItems, restoreHeavyHitters } from '../src'
import { numberSlots } from '../src/number-slots'

const hitters = () => heavyHitters({ n: 100_003, k: 8, epsilon: 0.5, seed: 1 })
const tensorsOf = (bytes: Uint8Array) => [...decodeSnapshot(bytes).tensors.keys()]

describe('heavy hitters', () => {
  it('of numbers take in those of keys with their names, and the other way round', () => {
    const [numbers, keys] = [hitters(), hitters()]
    numbers.update(7, 100)
    for (const [key, change] of [['one', 50], ['two', -70], [3n, 90]] as const) keys.update(key, change) // prettier-ignore
    const [both, also] = [restoreHeavyHitters(numbers.toBytes()), restoreHeavyHitters(keys.toBytes())]
    both.merge(keys)
    also.merge(numbers)
    for (const one of [both, also, restoreHeavyHitters(both.toBytes())]) {
      expect(one.top().map(({ key, index, estimate }) => [key ?? index, Math.round(estimate)])).toEqual([[7, 100], [3n, 90], ['two', -70], ['one', 50]]) // prettier-ignore
      expect([...one.known.values()].length).toBe(3)
      expect(one.bytes).toBeGreaterThan(numbers.bytes)
    }
    const bytes = numbers.bytes
    numbers.merge(hitters())
    expect([numbers.bytes, numbers.known.size]).toEqual([bytes, 0])
  })

  it('save keys where there are some', () => {
    const stream = hitters()
    stream.update(7, 100)
    expect(tensorsOf(stream.toBytes()).toSorted()).toEqual(['held-changes', 'held-indices', 'state'])
    stream.update('one', 50)
    expect(tensorsOf(stream.toBytes()).length).toBeGreaterThan(4)
  })

  it('answer what is as large as asked for, and not what is smaller', () => {
    const stream = hitters()
    for (const [index, change] of [[5, 8], [9, -16], [700, 32]] as const) stream.update(index, change) // prettier-ignore
    const above = (least: number) => stream.top(8, { above: least }).map(({ index }) => index)
    const sizes = stream.top(8, { above: 1 }).map(({ estimate }) => Math.abs(estimate))
    expect([above(sizes[0]), above(sizes[1]), above(sizes[2])]).toEqual([[700], [700, 9], [700, 9, 5]])
    expect(above(sizes[0] * (1 + 1e-9))).toEqual([])
  })
})

describe('frequent items', () => {
  it('of numbers save numbers alone, and are those that open', () => {
    const items = frequentItems({ count: 10 })
    for (let i = 0; i < 40; i++) items.update(i % 7, 1 + i)
    expect(tensorsOf(items.toBytes()).toSorted()).toEqual(['lower', 'missed', 'numbers'])
    expect(restoreFrequentItems(items.toBytes()).bytes).toBe(items.bytes)
    const before = items.bytes
    items.update('one', 3)
    expect(tensorsOf(items.toBytes()).length).toBeGreaterThan(3)
    expect(items.bytes).toBe(before + 10 * 64)
    expect(restoreFrequentItems(items.toBytes()).bytes).toBe(items.bytes)
  })

  it('count numbers and keys beside each other while the half of both is forgotten again and again', () => {
    const items = frequentItems({ count: 8 })
    const totals = new Map<number | string, number>()
    for (let i = 0; i < 900; i++) {
      const key = i % 3 === 0 ? `k${(i * i) % 11}` : (i * 7) % 13
      const weight = 1 + ((i * 31) % 9)
      items.update(key, weight)
      totals.set(key, (totals.get(key) ?? 0) + weight)
    }
    expect(items.held).toBeLessThanOrEqual(8)
    for (const [key, total] of totals) {
      const { lower, upper } = items.bounds(key)
      expect([lower <= total, total <= upper, upper - lower <= items.error]).toEqual([true, true, true])
    }
    expect(restoreFrequentItems(items.toBytes()).toBytes()).toEqual(items.toBytes())
  })
})

describe('keys of bytes', () => {
  it('are remembered up to the length that is allowed, and no longer', () => {
    const stream = heavyHitters({ n: 100_003, k: 8, epsilon: 0.5, seed: 1, keyBytes: 4 })
    stream.update(Uint8Array.of(1, 2, 3, 4), 50)
    stream.update(Uint8Array.of(1, 2, 3, 4, 5), 90)
    stream.update('four', 70)
    stream.update('fives', 60)
    const keys = stream.top().map(({ key }) => key)
    expect(keys).toEqual([undefined, 'four', undefined, Uint8Array.of(1, 2, 3, 4)])
  })

  it('that frequent items hand out are copies', () => {
    const items = frequentItems({ count: 4 })
    items.update(Uint8Array.of(7, 8), 5)
    for (const { key } of items.top(1)) (key as Uint8Array).fill(0)
    expect(items.top(1).map(({ key }) => key)).toEqual([Uint8Array.of(7, 8)])
    expect(items.bounds(Uint8Array.of(7, 8)).estimate).toBe(5)
  })

  it('numbers that differ above 2^32 alone are found in a few looks, as others', () => {
    const numbers = Float64Array.from({ length: 4096 }, (_, i) => i * 2 ** 32)
    let looks = 0
    const watched = new Proxy(numbers, {
      get(target, name) {
        if (/^\d+$/.test(String(name))) looks++
        return Reflect.get(target, name, target)
      },
    })
    const slots = numberSlots(watched)
    for (let i = 0; i < numbers.length; i++) slots.set(numbers[i], i)
    for (let i = 0; i < numbers.length; i++) expect(slots.find(numbers[i])).toBe(i)
    expect(looks).toBeLessThan(4 * numbers.length) // all of them in one row would be two thousand looks each
  })

  it('snapshots of heavy hitters are of version 2', () => {
    expect(decodeSnapshot(hitters().toBytes()).version).toBe('2')
  })
})
