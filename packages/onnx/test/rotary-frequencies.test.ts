import { describe, expect, it } from 'vitest'
import { rotaryFrequencies } from '../src/rotary-frequencies'

// The truth are the frequencies that tables are made with. Kills: a turn too many, digits lost where a wave is short, a stretched table taken for one.

function tables(frequencies: readonly number[], places: number, factor = 1) {
  const pairs = frequencies.length
  const entry = (f: (x: number) => number) =>
    Float32Array.from({ length: places * pairs }, (_, i) => factor * f(Math.floor(i / pairs) * frequencies[i % pairs]))
  const [cos, sin] = [entry(Math.cos), entry(Math.sin)]
  const rowsAt = () => ({ from: 0, to: places, cos, sin })
  return { cos, places, pairs, isInterleaved: false, rowsAt }
}

describe('rotaryFrequencies', () => {
  const frequencies = [...Array.from({ length: 16 }, (_, i) => 10_000 ** (-i / 16)), 5e5 ** -0.99 / 32]
  it.each([64, 1000, 4096])('finds what a table of %d places was made with', (places) => {
    const found = rotaryFrequencies(tables(frequencies, places))!
    for (const [i, truth] of frequencies.entries())
      expect(Math.abs(found.frequencies![i] - truth)).toBeLessThan(4e-7 / places)
    expect([found.pairing, found.width]).toEqual(['halves', 34])
  })
  it('finds none in tables that stretch, or of another rule from some place on', () => {
    expect(rotaryFrequencies(tables(frequencies, 512, 1.19))).toBeUndefined()
    const two = tables(frequencies, 512)
    two.cos.set(
      tables(
        frequencies.map((f) => f / 2),
        512,
      ).cos.subarray(300 * two.pairs),
      300 * two.pairs,
    )
    expect(rotaryFrequencies(two)).toBeUndefined()
    expect(rotaryFrequencies(tables(frequencies, 3))).toBeUndefined()
  })
})
