// How many features Lemma 3.1 has: t = C(d + g, g). Kills: t off by one.
import { describe, expect, it } from 'vitest'
import { featureDimension } from '../src'

describe('t = C(d + g, g)', () => {
  it('by Pascal’s rule, from one variable or degree 0 up', () => {
    for (let d = 1; d <= 30; d++) {
      expect(featureDimension(d, 0)).toBe(1)
      for (let g = 1; g <= 12; g++) {
        const left = d === 1 ? 1 : featureDimension(d - 1, g)
        expect(featureDimension(d, g)).toBe(left + featureDimension(d, g - 1))
      }
    }
    expect([featureDimension(64, 2), featureDimension(64, 4), featureDimension(1, 1e9)]).toEqual([
      2145,
      814385,
      1e9 + 1,
    ])
  })

  it('to the last integer, and refuses beyond', () => {
    expect(featureDimension(2 ** 53 - 2, 1)).toBe(2 ** 53 - 1)
    expect(featureDimension(28, 28)).toBe(7648690600760440)
    for (const [d, g] of [
      [2 ** 53 - 1, 1],
      [29, 29],
      [1000, 1000],
      [2 ** 40, 2 ** 40],
    ] as const) {
      expect(() => featureDimension(d, g)).toThrow(/^featureDimension: .* have more than 2\^53 - 1 monomials$/)
    }
    expect(() => featureDimension(0, 1)).toThrow('featureDimension: d must be an integer >= 1, got 0')
    expect(() => featureDimension(1, -1)).toThrow('featureDimension: degree must be an integer >= 0, got -1')
    expect(() => featureDimension(1, '2' as never)).toThrow(TypeError)
  })
})
