// What `near` and `most: 0` do to endless streams, against exact softmax over the tokens that the parts say they hold (float64), and against the float32 stream.
// Kills: bytes that a record forgets, a closure that is left behind or whose bytes are, bits that reach far keys alone, a snapshot
// without them, a default that is not what was searched, a budget of which far keys take more than their part.
import { rowsOf, type AttentionStream, type Matrix } from '@sublinear/core'
import { normalise } from '@sublinear/exact-attention'
import type { TokenTier } from '@sublinear/kv-cache'
import { distance, random, softmaxOracle } from '@sublinear/laws'
import { describe, expect, it } from 'vitest'
import { catalogue, endless, openStream } from '../src'

type EndlessOptions = NonNullable<Parameters<typeof endless>[0]>

const n = 700
const shape = { d: 8, dv: 6, scale: 0.4, rotary: { base: 100, pairing: 'halves' } } as const
const plain = { d: 8, dv: 6, scale: 0.4 }
const tokens = { keys: random(n, 8, 1, 1.5), values: random(n, 6, 2) }
const queries = random(5, 8, 3, 1.5)
const method = catalogue.find(({ name }) => name === 'endless')!
const bits = (keyBits: number, valueBits = keyBits) => ({ keyBits, valueBits })
const floats = { near: 'float32', store: 'float32' } as const
const sizes = { window: 40, sinks: 3, far: 20, buffer: 16, most: 1000, crowd: 1, ...floats }

function read(options: EndlessOptions, head: Parameters<ReturnType<typeof endless>>[0] = shape) {
  const stream = endless(options)(head)
  for (let from = 0, size = 1; from < n; from += size, size = (size * 5) % 91)
    stream.push({ keys: rowsOf(tokens.keys, from, Math.min(n, from + size)), values: rowsOf(tokens.values, from, Math.min(n, from + size)) }) // prettier-ignore
  return stream
}

const answer = (stream: AttentionStream) => normalise(stream.attend(queries)).data
const joined = (parts: readonly Matrix[]): Matrix => ({
  rows: parts.reduce((sum, { rows }) => sum + rows, 0),
  cols: parts[0].cols,
  data: Float32Array.from(parts.flatMap(({ data }) => [...data])),
})

describe('endless', () => {
  it.each([
    { ...sizes },
    { ...sizes, near: bits(8) },
    { ...sizes, most: 0 },
    { ...sizes, halvedAfter: 100 },
    { ...sizes, crowd: 0.2 },
    { ...sizes, near: bits(6, 4), store: bits(4), most: 0 },
  ])('holds the bytes that its record says, and goes on from a snapshot bit for bit: %o', (options) => {
    const stream = read(options)
    const at = n - ((n - 1) % 16) - 1 // a full buffer, then the last few
    expect(at).toBeGreaterThan(600)
    const most = method.bytes(shape, options, { tokens: Infinity })
    expect(stream.bytes).toBeLessThanOrEqual(most)
    expect(stream.bytes).toBeGreaterThan(most - 16 * 4 * 14 - 1)
    const back = openStream(stream.toBytes())
    for (const one of [stream, back])
      one.push({ keys: rowsOf(tokens.keys, 0, 90), values: rowsOf(tokens.values, 0, 90) })
    expect(back.toBytes()).toEqual(stream.toBytes())
    expect(answer(back)).toEqual(answer(stream))
  })

  it.each([
    ['floats', floats, 2e-6],
    ['8 bits', { near: bits(8), store: bits(8) }, 0.01],
  ] as const)('with most 0 answers from the tokens held alone, in %s', (_, bits, most) => {
    const stream = read({ ...sizes, ...bits, most: 0 }, plain)
    expect(stream.parts.length).toBe(3)
    const held = stream.parts.map((part) => (part as TokenTier).read())
    const waiting = n - 16 * Math.floor((n - 1) / 16)
    const last = { keys: rowsOf(tokens.keys, n - waiting, n), values: rowsOf(tokens.values, n - waiting, n) }
    const all = [...held, last]
    expect(all.map(({ keys }) => keys.rows)).toEqual([40, 3, 20, waiting])
    const [keys, values] = [joined(all.map((one) => one.keys)), joined(all.map((one) => one.values))]
    expect(
      distance(
        answer(stream),
        softmaxOracle(queries, keys, values, 0.4, () => keys.rows),
      ),
    ).toBeLessThan(most)
  })

  it('in 8 bits is near its float32 self, in 3 bits less near, and takes a quarter of the bytes', () => {
    const all = { ...sizes, far: n, most: 0 } // rounding would choose other far keys
    const exact = read(all)
    const [eight, three] = [8, 3].map((few) => read({ ...all, near: bits(few), store: bits(few) }))
    const [small, large] = [eight, three].map((one) => distance(answer(one), answer(exact)))
    expect(small).toBeLessThan(0.02)
    expect(small).toBeGreaterThan(1e-7)
    expect(large).toBeGreaterThan(4 * small)
    const wide = { d: 64, dv: 64, scale: 1 }
    const bytes = (options: EndlessOptions) => method.bytes(wide, { ...options, most: 0 }, { tokens: Infinity })
    expect(bytes({ near: bits(8), store: bits(8) })).toBeLessThan(0.3 * bytes(floats))
  })

  it('unless told otherwise is what was best in 64 kB: few bits, no rest, and far keys that fade and of which a crowd counts for less', () => {
    const head = { d: 32, dv: 32, scale: 1 }
    const said = { window: 640, sinks: 4, far: 128, halvedAfter: 100_000, crowd: 0.8, store: bits(6, 4), near: bits(8), clamp: 640, most: 0, buffer: 64 } // prettier-ignore
    const [own, same] = [{}, said].map((options) => endless(options)(head).toBytes())
    expect(own).toEqual(same)
    for (const other of [{ halvedAfter: Infinity }, { crowd: 0.5 }])
      expect(endless(other)(head).toBytes()).not.toEqual(same)
    expect(method.bytes(head, {}, { tokens: Infinity })).toBeLessThan(64_000)
  })

  it('shares a budget out between the window and at most 128 far keys', () => {
    const head = { d: 32, dv: 32, scale: 1 }
    for (const budget of [4000, 16_000, 64_000, 128_000]) {
      const options = method.within(head, budget, { tokens: 1e6 }) as { window: number; far: number }
      expect(options.far).toBe(Math.min(128, Math.ceil(options.window / 4)))
      const bytes = (window: number) => method.bytes(head, { ...options, window, far: Math.min(128, Math.ceil(window / 4)) }, { tokens: 1e6 }) // prettier-ignore
      expect(bytes(options.window)).toBeLessThanOrEqual(budget)
      expect(bytes(options.window + 4)).toBeGreaterThan(budget)
    }
  })

  it('refuses bits and masses that are none', () => {
    expect(() => endless({ near: bits(9) })).toThrow('keyBits')
    expect(() => endless({ halvedAfter: 0 })).toThrow('endless: halvedAfter must be a finite number > 0')
    expect(() => endless({ crowd: 2 })).toThrow('endless: crowd must be from 0 to 1, got 2')
    expect(() => endless({ most: -1 })).toThrow('most must be at least 0')
    expect(() => endless({ most: NaN })).toThrow('most must be a finite number')
  })
})
