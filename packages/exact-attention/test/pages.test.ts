// Pages of the growing cache: what a stream of any length is said to hold, and what it holds and gives back. Kills: a page too many or too few at a border, the largest page taken for
// every page, weights that are not counted or that stay when the last weighted token is taken back, tokens of a freed page that can be taken back.
import { decodeSnapshot, rowsOf, type Shape } from '@sublinear/core'
import { random } from '@sublinear/laws'
import { simdMachine } from '../../kernels/src/module'
import { describe, expect, it } from 'vitest'
import { exactMethod, exactStream, restoreExactStream } from '../src'

const shape: Shape = { d: 3, dv: 2, scale: 0.5 }
const n = 20_000
const [keys, values] = [random(n, 3, 1), random(n, 2, 2)]
const tokens = (from: number, to: number) => ({ keys: rowsOf(keys, from, to), values: rowsOf(values, from, to) })
const weighted = (from: number, to: number, weight = 2) => ({
  ...tokens(from, to),
  weights: new Float32Array(to - from).fill(weight),
})
const borders = [64, 128, 256, 512, 1024, 2048, 4096, 8192, 12_288].flatMap((n) => [n - 1, n, n + 1])
const said = (own: Shape, count: number, isWeighted = false) =>
  exactMethod.bytes(own, {}, { tokens: count, weighted: isWeighted })

describe('bytes', () => {
  it.each([false, true])('are said as they are, at every border of a page; weighted: %s', (isWeighted) => {
    using stream = exactStream(shape)
    let at = 0
    expect([stream.bytes, said(shape, 0)]).toEqual([0, 0])
    for (const end of [1, ...borders]) {
      stream.push(isWeighted ? weighted(at, end) : tokens(at, end))
      at = end
      expect([end, said(shape, end, isWeighted)]).toEqual([end, stream.bytes])
    }
  })

  it('of the pages: 64, and twice as many until 4096, then 4096 more each time', () => {
    const room = (count: number) => said(shape, count) / (4 * 5)
    expect([1, 64, 65, 128, 129, 2049, 4096, 4097, 8192, 8193, 1e7].map(room)).toEqual([
      64,
      64,
      128,
      128,
      256,
      4096,
      4096,
      8192,
      8192,
      12_288,
      4096 * Math.ceil(1e7 / 4096),
    ])
    expect(said(shape, Infinity)).toBe(Infinity)
  })

  it.each([1, 16, 700, 4096])('of a window of %i are never more than said, and as many', (window) => {
    const own = { ...shape, window }
    using stream = exactStream(own)
    for (let at = 0; at < n; at += 63) {
      stream.push(tokens(at, Math.min(n, at + 63)))
      expect(stream.bytes).toBeLessThanOrEqual(said(own, stream.tokens))
    }
    let most = 0
    for (let i = 0; i < 1200; i++) {
      stream.push(tokens(i, i + 1))
      most = Math.max(most, stream.bytes)
    }
    expect(most).toBe(said(own, Infinity))
    expect(said(own, 1)).toBe(said(shape, 1) * Math.max(1, 2 ** Math.floor(Math.log2(window / 8)) / 64))
  })

  it('of keys that hold the values are those of the keys', () => {
    const own: Shape = { ...shape, values: 'in keys' }
    expect(said(own, 100)).toBe(4 * 3 * 128)
    expect(said({ ...own, window: 16 }, 100)).toBe(4 * 3 * 128)
  })

  it('fit a budget, or the method is refused', () => {
    const within = (budget: number, count: number, isWeighted = false) =>
      exactMethod.within(shape, budget, { tokens: count, weighted: isWeighted })
    expect(within(said(shape, 100), 100)).toEqual({})
    expect(within(said(shape, 100) - 1, 100)).toBeUndefined()
    expect(within(said(shape, 100), 100, true)).toBeUndefined()
  })
})

describe('taking back', () => {
  it('gives back the memory of pages and of weights, at once', () => {
    const { arena } = simdMachine()
    const [take, give] = [arena.take, arena.give]
    let used = 0
    arena.take = (bytes) => ((used += bytes), take.call(arena, bytes))
    arena.give = (offset, bytes) => ((used -= bytes), give.call(arena, offset, bytes))
    try {
      const stream = exactStream(shape)
      stream.push(tokens(0, 300))
      const [held, bytes, before] = [used, stream.bytes, stream.toBytes()]
      for (const block of [weighted(300, 310), weighted(300, 2000), tokens(300, 2000)]) {
        stream.push(block)
        expect(used).toBeGreaterThanOrEqual(held)
        stream.takeBack!(block.keys.rows)
        expect([used, stream.bytes]).toEqual([held, bytes])
      }
      expect(stream.toBytes()).toEqual(before)
      stream.takeBack!(300)
      expect(stream.bytes).toBe(0)
      stream[Symbol.dispose]()
      expect(used).toBe(0)
    } finally {
      Object.assign(arena, { take, give })
    }
  })

  it('spares any number of tokens, and with a window as many as the last page has room for', () => {
    using all = exactStream(shape)
    using some = exactStream({ ...shape, window: 16 })
    for (const [to, room] of [
      [0, 0],
      [1, 63],
      [64, 0],
      [70, 58],
      [127, 1],
    ]) {
      for (const stream of [all, some]) stream.push(tokens(stream.tokens, to))
      expect([all.spare, some.spare]).toEqual([Infinity, room])
      some.push(tokens(to, to + room))
      some.takeBack!(room)
      all.push(tokens(to, 900))
      all.takeBack!(900 - to)
      expect([all.tokens, some.tokens]).toEqual([to, to])
    }
  })

  it('keeps weights while one of a page is left', () => {
    using stream = exactStream(shape)
    using other = exactStream(shape)
    stream.push(weighted(0, 1, 3))
    stream.push(tokens(1, 40))
    stream.takeBack!(39)
    other.push(weighted(0, 1, 3))
    expect(stream.bytes).toBe(64 * 4 * 6)
    expect(stream.toBytes()).toEqual(other.toBytes())
  })

  it('of a window that has nothing is refused as of others', () => {
    using stream = exactStream({ ...shape, window: 16 })
    expect(() => stream.takeBack!(1)).toThrow(
      expect.objectContaining({ name: 'RangeError', message: 'exact: can take back at most 0 tokens now, got 1' }),
    )
    stream.takeBack!(0)
    expect(stream.tokens).toBe(0)
  })

  it('of a window ends where its newest page begins', () => {
    using stream = exactStream({ ...shape, window: 16 })
    stream.push(tokens(0, 64 * 3 + 10))
    const before = stream.toBytes()
    expect(() => stream.takeBack!(10)).toThrow(RangeError)
    expect(stream.toBytes()).toEqual(before)
    stream.takeBack!(9)
    expect(stream.tokens).toBe(64 * 3 + 1)
  })
})

it('weights of a window whose first pages are gone are saved with their tokens', () => {
  using stream = exactStream({ ...shape, window: 100 })
  const weights = Float32Array.from({ length: 500 }, (_, i) => 1 + (i % 7))
  stream.push({ ...tokens(0, 500), weights })
  const bytes = stream.toBytes()
  const saved = decodeSnapshot(bytes).tensors.get('logWeights')!.data as Float32Array
  expect(saved.length).toBeLessThan(300)
  expect(saved).toEqual(weights.slice(500 - saved.length).map(Math.log))
  using back = restoreExactStream(bytes)
  const queries = random(3, 3, 5)
  expect(back.attend(queries)).toEqual(stream.attend(queries))
})
