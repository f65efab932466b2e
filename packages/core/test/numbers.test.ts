// Numbers of few bits against the engine's own, turns against complex numbers, searches against trying everything. Kills: ties that round up, a carry that is lost, NaN and infinities that become numbers; a turn
// of the other pair or direction, of a place beside it, columns that must not turn; a search that ends one too early, or beyond the range.
import { describe, expect, it } from 'vitest'
import { largestWithin, matrix, nearest, rotation, type Rotary } from '../src'
import { fromBfloat16, fromHalf, toBfloat16, toHalf } from '../src/half'

/** The engine's own float16, which the types of ES2023 do not know. */
const { Float16Array: Halves } = globalThis as unknown as {
  readonly Float16Array: {
    new (bits: ArrayBuffer): ArrayLike<number>
    from(numbers: Float64Array): { readonly buffer: ArrayBuffer }
  }
}
const every = Uint16Array.from({ length: 65_536 }, (_, i) => i)

describe('float16', () => {
  it('is read as the engine reads it, each of its 65,536 numbers', () => {
    const own = new Halves(every.buffer.slice(0))
    expect(fromHalf(every)).toEqual(Float32Array.from(own))
  })

  it('is written as the engine writes it: every number, every middle between two, and what lies beside it', () => {
    const numbers: number[] = [NaN, Infinity, -Infinity, 1e300, -1e300, 65_519.999, 65_520, 65_535, 2 ** -25, 2 ** -26]
    const own = new Halves(every.buffer.slice(0))
    for (let i = 0; i < 0x7c00; i++) {
      const middle = (own[i] + (i + 1 < 0x7c00 ? own[i + 1] : 65_536)) / 2
      for (const x of [own[i], middle, middle * (1 + 2 ** -40), middle * (1 - 2 ** -40)]) numbers.push(x, -x)
    }
    const data = Float64Array.from(numbers)
    const wanted = new Uint16Array(Halves.from(data).buffer)
    const got = toHalf(data)
    for (const [i, x] of data.entries()) if (!Number.isNaN(x) && got[i] !== wanted[i]) expect.fail(`${x}: ${got[i]}`)
    expect(fromHalf(toHalf(Float64Array.of(NaN)))).toEqual(Float32Array.of(NaN))
  })
})

it('bfloat16 is the upper half of a float32, rounded to the nearest, ties to even', () => {
  const words = new Uint32Array(1)
  const float = new Float32Array(words.buffer)
  const read = (word: number) => ((words[0] = word), float[0])
  for (let high = 0; high < 0x7f80; high++) {
    expect(fromBfloat16(Uint16Array.of(high))[0]).toBe(read(high << 16))
    for (const sign of [0, 0x8000]) {
      const of = (low: number) => toBfloat16(Float32Array.of(read(((sign | high) << 16) | low)))[0]
      const up = (sign | high) + 1
      const found = [0, 0x7fff, 0x8000, 0x8001, 0xffff].map(of)
      const wanted = [sign | high, sign | high, (sign | high) + (high & 1), up, up]
      if (found.join() !== wanted.join()) expect.fail(`${high}: ${found.join()}, not ${wanted.join()}`)
    }
  }
  expect(fromBfloat16(toBfloat16(Float32Array.of(NaN, Infinity, -Infinity, -0)))).toEqual(
    Float32Array.of(NaN, Infinity, -Infinity, -0),
  )
  expect(Number.isNaN(fromBfloat16(toBfloat16(Float32Array.of(read(0x7f800001))))[0])).toBe(true) // a NaN whose upper half is that of Infinity
})

const d = 10
const make = (base: number) => rotation({ base, pairing: 'halves' }, d)

describe('turning', () => {
  const rows = matrix(
    4,
    d,
    Float32Array.from({ length: 4 * d }, (_, i) => Math.sin(3 * i + 1)),
  )
  const cases: [string, Rotary][] = [
    ['halves', { base: 100, pairing: 'halves' }],
    ['neighbours', { base: 100, pairing: 'interleaved' }],
    ['some columns', { base: 7, pairing: 'halves', first: 3, width: 4 }],
    ['columns from a first one on', { base: 7, pairing: 'interleaved', first: 2 }],
    ['frequencies of their own', { frequencies: [1, 0.3, 1e-3], pairing: 'interleaved', width: 6 }],
    ['scaled frequencies', { base: 50, pairing: 'halves', width: 8, scaling: [1, 0.5, 0.25, 3] }],
  ]
  it.each(cases)('is a product of complex numbers: %s', (_, rotary) => {
    const { base = NaN, frequencies, pairing, first = 0, width = d - first, scaling } = rotary
    const places = [0, -5, 63, 64, 127, -64, 1_000_003, 64]
    const turn = rotation(rotary, d)
    for (const from of [0, 4]) {
      const got = turn(rows, (r) => places[from + r])
      const wanted = Float64Array.from(rows.data)
      for (let r = 0; r < 4; r++)
        for (let i = 0; i < width / 2; i++) {
          const speed = (frequencies?.[i] ?? base ** ((-2 * i) / width)) * (scaling?.[i] ?? 1)
          const angle = places[from + r] * speed
          const [a, b] = (pairing === 'halves' ? [i, i + width / 2] : [2 * i, 2 * i + 1]).map((c) => r * d + first + c)
          wanted[a] = rows.data[a] * Math.cos(angle) - rows.data[b] * Math.sin(angle)
          wanted[b] = rows.data[a] * Math.sin(angle) + rows.data[b] * Math.cos(angle)
        }
      for (const [i, x] of wanted.entries()) expect(Math.abs(got.data[i] - x)).toBeLessThan(2e-7)
    }
    expect(turn(rows, () => 0)).toEqual(rows)
  })

  it('gives a row the same bits whatever was turned before, with more sets of frequencies than are remembered', () => {
    const first = make(2)(rows, (r) => 100 * r).data
    for (let base = 3; base < 40; base++) make(base)(rows, (r) => 7 * r)
    expect(make(2)(rows, (r) => 100 * r).data).toEqual(first)
    const turn = make(2)
    turn(rows, () => 5000)
    expect(turn(rows, (r) => 100 * r).data).toEqual(first)
  })
})

const bytes = (count: number) => 3 * count + (count > 5 ? 4 : 0)

describe('largestWithin', () => {
  it('is the largest that fits, of every range and budget', () => {
    for (let least = 0; least < 8; least++)
      for (let most = least - 1; most < 20; most++)
        for (let budget = -1; budget < 80; budget++) {
          const fitting = Array.from({ length: 20 }, (_, i) => i).filter(
            (one) => one >= least && one <= most && bytes(one) <= budget,
          )
          const found = largestWithin(bytes, budget, { least, most })
          if (found !== fitting.at(-1)) expect.fail(`${least} to ${most} in ${budget}: ${found}`)
        }
    expect(largestWithin((count) => count, 1e300)).toBe(2 ** 31)
    expect(largestWithin((count) => count, 0)).toBeUndefined()
    expect(largestWithin((count) => count, 1)).toBe(1)
    expect(largestWithin(() => NaN, 5)).toBeUndefined()
  })

  it('asks some two times the logarithm', () => {
    let calls = 0
    expect(largestWithin((count) => (calls++, count), 1_000_000)).toBe(1_000_000)
    expect(calls).toBeLessThan(45)
  })
})

it('nearest is the word with the fewest changes, the first of several', () => {
  const words = ['softcap', 'slope', 'window']
  for (const [word, wanted] of [
    ['softCap', 'softcap'],
    ['sofcap', 'softcap'],
    ['slopes', 'slope'],
    ['WINDOWS', 'window'],
    ['indo', 'window'],
    ['', 'slope'],
    ['zzzzzzzzzzzz', 'softcap'],
  ])
    expect(nearest(word, words)).toBe(wanted)
  expect(nearest('ab', ['ba', 'abc', 'xb'])).toBe('abc')
  expect(nearest('kitten', ['sitting', 'kitchens'])).toBe('sitting')
})
