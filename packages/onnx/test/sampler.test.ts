import { describe, expect, it } from 'vitest'
import { sampler } from '../src/sampler'

// The truth is the softmax in closed form. 40,000 draws: a share p is seen within 5 standard deviations, false alarm 6e-7 a share.
// Kills: a temperature that multiplies, top-p that stops one token early or late, a draw that is the same for every index, bits of the seed lost.
// Misses (normal): a temperature that multiplies, or 0.55 for 0.5, below 1e-9; 2.8 for 3 with 0.96. What is cut off must have no draw at all: no chance is in that.

const logits = Float32Array.of(2, 1, 0.5, -1, 1, -Infinity)
const DRAWS = 40_000

function shares(options: Parameters<typeof sampler>[0]): number[] {
  const choose = sampler({ seed: 7, ...options })
  const counts = Array.from(logits, () => 0)
  for (let i = 0; i < DRAWS; i++) counts[choose(logits, i)]++
  return counts.map((count) => count / DRAWS)
}

function check(seen: readonly number[], weights: readonly number[]): void {
  const mass = weights.reduce((total, weight) => total + weight, 0)
  for (const [i, weight] of weights.entries()) {
    const p = weight / mass
    expect(Math.abs(seen[i] - p), `entry ${i}`).toBeLessThanOrEqual(5 * Math.sqrt((p * (1 - p)) / DRAWS))
  }
}
const draws = (seed: number | bigint) =>
  Array.from({ length: 64 }, (_, i) => sampler({ temperature: 2, seed })(logits, i))

describe('sampler', () => {
  it.each([0.5, 1, 3])('draws by the softmax at temperature %d', (temperature) => {
    check(
      shares({ temperature }),
      Array.from(logits, (x) => Math.exp(x / temperature)),
    )
  })
  it('draws from the largest k, the first among equals', () => {
    check(shares({ temperature: 1, topK: 2 }), [Math.exp(2), Math.exp(1), 0, 0, 0, 0])
  })
  it('draws from the fewest whose shares reach p', () => {
    // shares: .465 .171 .104 .023 .171 (of five): .63 is reached by two, .64 by three
    const e = Array.from(logits, (x) => Math.exp(x))
    const mass = e.reduce((total, x) => total + x, 0)
    const two = (e[0] + e[1]) / mass
    check(shares({ temperature: 1, topP: two - 1e-6 }), [e[0], e[1], 0, 0, 0, 0])
    check(shares({ temperature: 1, topP: two + 1e-6 }), [e[0], e[1], 0, 0, e[4], 0])
    check(shares({ temperature: 1, topP: 1e-9 }), [1, 0, 0, 0, 0, 0])
  })
  it('takes the largest without a temperature, and draws nothing', () => {
    expect(sampler()(logits, 0)).toBe(0)
    expect(sampler()(Float32Array.of(1, 3, 3), 5)).toBe(1)
  })
  it('is a function of seed and index', () => {
    expect(draws(1)).toEqual(draws(1))
    expect(draws(1)).not.toEqual(draws(2))
    expect(draws(1)).not.toEqual(draws(1n + (1n << 40n)))
  })
  it('refuses what cannot be', () => {
    expect(() => sampler({ temperature: -1 })).toThrow(RangeError)
    expect(() => sampler({ temperature: 1 })).toThrow('seed must be given')
    expect(() => sampler({ topK: 0 })).toThrow(RangeError)
    expect(() => sampler({ topP: 0 })).toThrow(RangeError)
    expect(() => sampler()(Float32Array.of(1, NaN), 0)).toThrow('got NaN')
    expect(() => sampler()(Float32Array.of(-Infinity), 0)).toThrow('finite')
  })
})
