// The range coder and the coder of rows. The truth is what went in, the entropy of a source of known shares, and a decoder in whole numbers of any length, by Martin's definition.
// Kills: a carry that is lost or goes one byte too far, an end that is cut short, low bits left out, a sign lost, escapes off by one, means that writer and reader follow apart,
// a range that ends at 0, a damaged block that is read without end.
import { describe, expect, test } from 'vitest'
import { rangeDecoder, rangeEncoder } from '../src/range-coder'
import { MOST_CODE, rowCoder } from '../src/row-coder'
import { blankGuesses } from '../src/row-guess'

function numbers(seed: number) {
  let state = seed >>> 0
  return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32
}
const normal = (next: () => number) => Array.from({ length: 12 }, next).reduce((a, b) => a + b, -6)
const blank = (width: number) => ({ ...blankGuesses(width), size: new Uint32Array(width) })

describe('the range coder', () => {
  const shares = [1, 4000, 60, 30, 4, 1]
  const lows = shares.map((_, i) => shares.slice(0, i).reduce((a, b) => a + b, 0))
  const drawn = (seed: number, count: number, favoured?: number) => {
    const next = numbers(seed)
    return Array.from({ length: count }, () => {
      if (favoured !== undefined && next() < 0.7) return favoured
      const place = Math.floor(next() * 4096)
      return lows.findLastIndex((low) => low <= place)
    })
  }
  const coded = (symbols: readonly number[]) => {
    const encoder = rangeEncoder()
    const sizes = symbols.map((symbol) => {
      encoder.write(lows[symbol], shares[symbol], 12)
      return encoder.size
    })
    return { bytes: encoder.end(), sizes }
  }

  test.each([undefined, 0, 5])('what is read is what was written, most often symbol %s', (favoured) => {
    for (let seed = 0; seed < 200; seed++) {
      const symbols = drawn(seed, seed * 7, favoured)
      const { bytes, sizes } = coded(symbols)
      expect(sizes).toEqual(sizes.toSorted((a, b) => a - b))
      const decoder = rangeDecoder(bytes)
      const read = symbols.map(() => {
        const place = decoder.place(12)
        const symbol = lows.findLastIndex((low) => low <= place)
        decoder.take(lows[symbol], shares[symbol])
        return symbol
      })
      expect(read).toEqual(symbols)
      expect(decoder.isDone).toBe(true)
    }
  })

  test('it takes the entropy, and two bytes', () => {
    const symbols = drawn(3, 20_000)
    const bits = symbols.reduce((sum, symbol) => sum - Math.log2(shares[symbol] / 4096), 0)
    expect(coded(symbols).bytes.length).toBeLessThan(bits / 8 + 3)
    expect(coded(symbols).bytes.length).toBeGreaterThan(bits / 8 - 2)
  })

  test('the bytes lie in the interval that the symbols narrow, in whole numbers of any length', () => {
    for (let seed = 0; seed < 40; seed++) {
      const symbols = drawn(seed, 60, seed % 6)
      let [low, range, shift] = [0n, 2n ** 32n - 1n, 0n]
      for (const symbol of symbols) {
        const part = range >> 12n
        low += part * BigInt(lows[symbol])
        range = part * BigInt(shares[symbol])
        while (range < 2n ** 24n) [low, range, shift] = [low << 8n, range << 8n, shift + 1n]
      }
      const { bytes } = coded(symbols)
      const all = 4 + Number(shift)
      const got = Array.from({ length: all }, (_, i) => BigInt(bytes[i] ?? 0)).reduce(
        (sum, byte) => (sum << 8n) | byte,
        0n,
      )
      expect(got >= low && got < low + range).toBe(true)
    }
  })
})

describe('the coder of rows', () => {
  const kinds: Record<string, (next: () => number) => number> = {
    zeros: () => 0,
    'coarse normal ones': (next) => Math.round(0.4 * normal(next)),
    'fine normal ones': (next) => Math.round(3000 * normal(next)),
    'long ends': (next) => Math.round(normal(next) / (next() + 1e-4)),
    'both ends': (next) => (next() < 0.5 ? -MOST_CODE : MOST_CODE),
    'one in a hundred': (next) => (next() < 0.01 ? MOST_CODE : 0),
  }
  test.each(Object.keys(kinds))('what is read is what was written: %s', (kind) => {
    for (const width of [1, 5]) {
      const coder = rowCoder(width)
      const next = numbers(width)
      const clipped = () => Math.max(-MOST_CODE, Math.min(MOST_CODE, kinds[kind](next)))
      for (let rows = 1; rows <= 64; rows += 7) {
        const codes = Int32Array.from({ length: rows * width }, clipped)
        const ends: number[] = []
        const bytes = coder.encode(codes, rows, blank(width), ends)
        const out = new Int32Array(rows * width + 2)
        expect(coder.decode(bytes, rows, blank(width), out, 2)).toBe(true)
        expect(out.slice(2)).toEqual(codes)
        expect(ends.at(-1)).toBe(bytes.length)
        expect(coder.encode(codes, rows >> 1, blank(width)).length).toBe(rows > 1 ? ends[(rows >> 1) - 1] : 1)
      }
    }
  })

  test.each([2, 8, 200])('normal numbers of a spread of %i take 0.2 bits more than their entropy', (spread) => {
    const next = numbers(spread)
    const [rows, width] = [64, 40]
    const codes = Int32Array.from({ length: rows * width }, () => Math.round(spread * normal(next)))
    const entropy = 0.5 * Math.log2(2 * Math.PI * Math.E * spread ** 2)
    const priors = { ...blankGuesses(width), size: new Uint32Array(width).fill(64 * 0.8 * spread) }
    const bits = (8 * rowCoder(width).encode(codes, rows, priors).length) / codes.length
    expect(bits).toBeGreaterThan(entropy - 0.02)
    expect(bits).toBeLessThan(entropy + 0.2)
  })

  test('damaged bytes are read to numbers in range or refused, and never without end', () => {
    const width = 6
    const coder = rowCoder(width)
    const next = numbers(9)
    let refused = 0
    for (let i = 0; i < 3000; i++) {
      const bytes = Uint8Array.from({ length: 1 + Math.floor(next() * 300) }, () =>
        i % 3 === 0 ? 255 : Math.floor(next() * 256),
      )
      const out = new Int32Array(64 * width)
      if (!coder.decode(bytes, 64, blank(width), out, 0)) refused++
      expect(out.every((code) => Math.abs(code) <= MOST_CODE)).toBe(true)
    }
    expect(refused).toBeGreaterThan(2900)
  })
})
