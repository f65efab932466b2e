// Both tests against enumeration: every subset of the discordant questions, every choice of signs; and against closed forms.
// Kills: > for >= (0.0107 instead of 0.0547 at 1 : 9), a two-sided value (twice), the wrong tail, ties of sign flips left out, differences
// of one text counted as several (p = 2^-8 instead of 1/4 for two texts of four).
import { describe, expect, test } from 'vitest'
import { mcnemar, signFlips } from '../src'

describe('mcnemar', () => {
  test('counts the outcomes of fair coins', () => {
    for (let n = 0; n <= 12; n++)
      for (let second = 0; second <= n; second++) {
        let extreme = 0
        for (let coins = 0; coins < 2 ** n; coins++) {
          const heads = Array.from({ length: n }, (_, i) => (coins >> i) & 1).filter(Boolean).length
          if (heads >= second) extreme++
        }
        expect(mcnemar({ firstOnly: n - second, secondOnly: second })).toBeCloseTo(extreme / 2 ** n, 12)
      }
  })

  test('has the values of the binomial table', () => {
    expect(mcnemar({ firstOnly: 1, secondOnly: 9 })).toBeCloseTo(11 / 1024, 12)
    expect(mcnemar({ firstOnly: 0, secondOnly: 7 })).toBeCloseTo(1 / 128, 12)
    expect(mcnemar({ firstOnly: 0, secondOnly: 0 })).toBe(1)
    // P(X >= 50_000) of 10^5 coins is a half and half the middle term, which is 1/√(π·50_000) to 1e-8
    expect(mcnemar({ firstOnly: 50_000, secondOnly: 50_000 })).toBeCloseTo(0.5 + 0.5 / Math.sqrt(Math.PI * 50_000), 7)
    expect(mcnemar({ firstOnly: 0, secondOnly: 900 })).toBeCloseTo(2 ** -900, 12)
  })

  test('refuses what is no count', () => {
    expect(() => mcnemar({ firstOnly: -1, secondOnly: 0 })).toThrow(
      'mcnemar: firstOnly must be an integer >= 0, got -1',
    )
    expect(() => mcnemar({ firstOnly: 0, secondOnly: 1.5 })).toThrow(RangeError)
  })
})

describe('sign flips', () => {
  test('count every choice of signs', () => {
    for (const differences of [[], [0], [3], [-2, 1], [1, 1, -1, 4, 0, 2], [5, -5, 5, 2, 2, -1, 3, 3, 1]]) {
      const sum = differences.reduce((a, b) => a + b, 0)
      let extreme = 0
      for (let signs = 0; signs < 2 ** differences.length; signs++) {
        const flipped = differences.reduce((total, d, i) => total + (signs & (1 << i) ? d : -d), 0)
        if (flipped >= sum) extreme++
      }
      expect(signFlips(differences)).toBeCloseTo(extreme / 2 ** differences.length, 12)
    }
  })

  test('are mcnemar where every text has one question, and more careful where it has several', () => {
    expect(signFlips([1, 1, 0, -1, 1, 1, 0, 1, 1])).toBeCloseTo(mcnemar({ firstOnly: 1, secondOnly: 6 }), 12)
    expect(signFlips([4, 4])).toBe(1 / 4)
    expect(mcnemar({ firstOnly: 0, secondOnly: 8 })).toBeCloseTo(1 / 256, 12)
    expect(() => signFlips([1, 0.5])).toThrow('signFlips: differences[1] must be an integer')
  })
})
