// Budgets of layers against the paper’s arithmetic sequence. Kills: a first layer that takes no less for the last.
import { describe, expect, it } from 'vitest'
import { pyramidCounts, pyramidKv } from '../src'

describe('pyramidCounts', () => {
  it('is the paper’s arithmetic sequence: 2·average − average / beta down to average / beta, in all layers · count', () => {
    expect(pyramidCounts({ layers: 4, count: 108, window: 8, beta: 20 })).toEqual([203, 140, 76, 13])
    for (const layers of [1, 2, 7, 32]) {
      for (const count of [9, 30, 256]) {
        const counts = pyramidCounts({ layers, count })
        expect(counts.reduce((a, b) => a + b)).toBe(layers * count)
        expect(counts).toEqual(counts.toSorted((a, b) => b - a))
        const [average, first] = [count - 8, counts[0] - 8]
        if (layers > 1 && count > 28) expect(Math.abs(first - (2 - 1 / 20) * average)).toBeLessThanOrEqual(1)
      }
    }
  })
  it('refuses what it cannot share out', () => {
    expect(() => pyramidCounts({ layers: 4, count: 8 })).toThrow('pyramidKv: count must be an integer >= 9, got 8')
    expect(() => pyramidCounts({ layers: 4, count: 80, beta: 0.5 })).toThrow(
      'pyramidKv: beta must be at least 1, got 0.5',
    )
    expect(() => pyramidKv({ layers: 4, layer: 4, count: 80 })).toThrow(
      'pyramidKv: layer must be an integer from 0 to 3, got 4',
    )
  })
})
