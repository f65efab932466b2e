// Keys in heavy hitters: hashed by hashKey, remembered for answers within counted bytes. Kills: another seed for keys, the caller's bytes kept
// and changed later, pending keys lost by a snapshot or a merge, the smallest candidate not dropped, a key that comes again with its old size.
import { keyHash, type Key } from '@sublinear/hash-families'
import { describe, expect, it } from 'vitest'
import { heavyHitters, restoreHeavyHitters, type HeavyHitters } from '../src'
import { candidateKeys } from '../src/candidate-keys'
import { randomOf } from './truth'

const fresh = (more: { keyBytes?: number; k?: number } = {}) =>
  heavyHitters({ n: 2 ** 32, k: 4, epsilon: 0.5, seed: 9, ...more })

/** 5000 users of Zipf's law. */
function visits(stream: HeavyHitters, count: number, seed = 1, kept: (i: number) => boolean = () => true): void {
  const random = randomOf(seed)
  for (let i = 0; i < count; i++) {
    const user = `user-${Math.floor(5000 ** (random.below(2 ** 20) / 2 ** 20))}`
    if (kept(i)) stream.update(user)
  }
}

describe('keys', () => {
  it('are counted where hashKey puts them, by one where nothing is said', () => {
    const stream = fresh()
    stream.update('user-1')
    stream.update('user-1', 2.5)
    stream.update(97n, -4)
    stream.update(Uint8Array.of(1, 2), 8)
    const hash = keyHash({ seed: 9 })
    expect(stream.indexOf('user-1')).toBe(hash.index('user-1', 2 ** 32))
    expect(stream.estimate('user-1')).toBe(3.5)
    expect(stream.estimate(hash.index('user-1', 2 ** 32))).toBe(3.5)
    expect(stream.bounds(97n).estimate).toBe(-4)
    expect(stream.top().map(({ key, estimate }) => [key, estimate])).toEqual([
      [Uint8Array.of(1, 2), 8],
      [97n, -4],
      ['user-1', 3.5],
    ])
  })

  it('come back with the answers, from a stream that holds a twentieth of them', () => {
    const stream = fresh()
    visits(stream, 60_000)
    const top = stream.top()
    expect(top.map(({ key }) => key)).toEqual(['user-1', 'user-2', 'user-3']) // the fourth is within noise
    expect(stream.known.size).toBeLessThanOrEqual(16 + 64)
    expect(stream.toBytes().length).toBeLessThan(stream.bytes + 1400)
  })

  it('take no bytes until one comes, and no more than counted', () => {
    const stream = fresh({ keyBytes: 32 })
    const before = stream.bytes
    stream.update(5)
    expect(stream.bytes).toBe(before)
    stream.update('x')
    expect(stream.bytes).toBe(before + (16 + 64) * (32 + 24))
    const random = randomOf(3)
    for (let i = 0; i < 2000; i++) stream.update(`${random.below(1e9)}`.padStart(32, 'x'), i)
    let held = 0
    for (const key of stream.known.values()) held += (key as string).length + 24
    expect(held).toBeLessThanOrEqual((16 + 64) * (32 + 24))
  })

  it('that are too long, or no Unicode, are counted without being remembered', () => {
    const stream = fresh({ keyBytes: 8 })
    for (const key of ['12345678', '123456789', 'größte!!', '\ud800', 2n ** 64n, new Uint8Array(9)])
      stream.update(key, 5)
    expect([...stream.known.values()]).toEqual(['12345678'])
    expect(stream.estimate('\ud800')).toBe(5)
    expect(stream.top(8)).toHaveLength(6)
    expect(stream.top(8).filter(({ key }) => key !== undefined)).toHaveLength(1)
  })

  it("are the stream's own: bytes that the caller changes later stay as they were", () => {
    const stream = fresh()
    const mine = Uint8Array.of(1, 2, 3)
    stream.update(mine, 5)
    mine.fill(0)
    expect(stream.top(1)[0].key).toEqual(Uint8Array.of(1, 2, 3))
    expect(stream.estimate(Uint8Array.of(1, 2, 3))).toBe(5)
  })

  it('leave the linear state as indices do, so order and deletion change no answer', () => {
    const [a, b] = [fresh(), fresh()]
    visits(a, 3000)
    const random = randomOf(1)
    const all = Array.from({ length: 3000 }, () => `user-${Math.floor(5000 ** (random.below(2 ** 20) / 2 ** 20))}`)
    for (const user of all.toSorted()) b.update(b.indexOf(user), 1)
    expect(a.measured).toEqual(b.measured)
    for (const user of all.toReversed()) a.update(user, -1)
    expect(a.measured.every((x) => x === 0)).toBe(true)
    expect(a.top()).toEqual([])
  })

  it('go with snapshots, bit for bit, also those of changes not yet hashed', () => {
    for (const count of [1, 63, 64, 65, 1000]) {
      const stream = fresh()
      visits(stream, count)
      stream.update(12n, 3)
      stream.update(Uint8Array.of(200, 0), 4)
      const bytes = stream.toBytes()
      stream.top()
      expect(stream.toBytes()).toEqual(bytes)
      const back = restoreHeavyHitters(bytes)
      expect(back.toBytes()).toEqual(bytes)
      visits(stream, 500, 2)
      visits(back, 500, 2)
      expect(back.toBytes()).toEqual(stream.toBytes())
      expect(back.bytes).toBe(stream.bytes)
      expect(back.top()).toEqual(stream.top())
    }
  })

  it('merge: shards know the names of what is large together', () => {
    const whole = fresh()
    visits(whole, 40_000)
    const shards = [0, 1, 2].map((s) => {
      const stream = fresh()
      visits(stream, 40_000, 1, (i) => i % 3 === s)
      return stream
    })
    shards[1].merge(shards[2])
    shards[0].merge(shards[1])
    expect(shards[0].top()).toEqual(whole.top())
    expect(shards[0].top().every(({ key }) => key !== undefined)).toBe(true)
    expect(() => fresh().merge(fresh({ keyBytes: 8 }))).toThrow(/keyBytes differs/)
  })

  it('are refused where they are none, and change nothing', () => {
    const stream = fresh()
    visits(stream, 100)
    const bytes = stream.toBytes()
    for (const broken of [-1n, {}, null, undefined, true])
      expect(() => stream.update(broken as unknown as Key)).toThrow(/key must be/)
    expect(() => stream.update('a', NaN)).toThrow(/change must be/)
    expect(() => fresh({ keyBytes: -1 })).toThrow(/keyBytes must be an integer from 0 to 65536/)
    expect(() => heavyHitters({ n: 5, k: 1, epsilom: 1, seed: 1 } as never)).toThrow(
      /no option "epsilom", did you mean epsilon/,
    )
    expect(() => heavyHitters(undefined as never)).toThrow(/heavyHitters: options must be an object/)
    expect(stream.toBytes()).toEqual(bytes)
  })
})

describe('candidateKeys', () => {
  it('keeps the largest, by the size when a key last came, as a sorted list would', () => {
    const random = randomOf(4)
    const mine = candidateKeys({ count: 5, keyBytes: 8 })
    let list: { index: number; size: number }[] = []
    for (let i = 0; i < 5000; i++) {
      const index = random.below(40)
      const size = random.below(2 ** 20)
      const old = list.find((one) => one.index === index)
      if (old) old.size = size
      else {
        list.push({ index, size })
        if (list.length > 5) list = list.toSorted((a, b) => b.size - a.size).slice(0, 5)
      }
      mine.offer(index, `k${index}`, size)
      expect([...mine.known.keys()].toSorted((a, b) => a - b)).toEqual(
        list.map((one) => one.index).toSorted((a, b) => a - b),
      )
    }
  })
})
