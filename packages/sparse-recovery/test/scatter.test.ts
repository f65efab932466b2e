// The scatter is a permutation that tears neighbours apart; digits and signs are what the energy trees take them for.
// Moments are two-sided: over R = 4000 seeds a rate p is within 5 standard errors √(p(1 − p)/R) but for a false alarm of 6·10⁻⁷ a case.
// Kills (tried): one or two of the four rounds left out (neighbours, ends of a line), none at all, signs by node or none (mean energy 36, not 18);
// a shift that wraps wrongly (no bijection), digits that overlap.
// Misses: rounds left out, which add 1/columns, below 1e-9 (exact binomial), half of that too; signs by node below 1e-9 (a mean energy 55 standard errors off).
import { describe, expect, it } from 'vitest'
import { energyTrees } from '../src/energy-trees'
import { digitHash } from '../src/hash-digits'
import { recoveryLayout } from '../src/recovery-rows'
import { scatter } from '../src/scatter'

const SEEDS = 4000

function even(all: Float64Array): void {
  const p = 1 / all.length
  for (const count of all) expect(Math.abs(count / SEEDS - p)).toBeLessThan(5 * Math.sqrt((p * (1 - p)) / SEEDS))
}

describe('scatter', () => {
  it.each([1, 2, 3, 5, 12, 97, 100, 1000, 4099, 65_536])('permutes the rectangle of n = %i, and back', (n) => {
    const columns = Math.ceil(Math.sqrt(n))
    const lines = Math.ceil(n / columns)
    const { positions, keys } = scatter({ columns, lines, seed: BigInt(n), stream: 0 })
    const all = Float64Array.from({ length: columns * lines }, (_, i) => i)
    const there = new Float64Array(all.length)
    positions(all, there)
    expect(new Set(there).size).toBe(all.length)
    expect(Math.min(...there) >= 0 && Math.max(...there) < all.length).toBe(true)
    const back = new Float64Array(all.length)
    keys(there, back)
    expect(back).toEqual(all)
  })

  const columns = 64
  const lines = 60
  it.each([
    ['neighbours', 100, 101],
    ['the ends of a line', 64, 127],
    ['one above the other', 100, 164],
    ['one above the other, far apart', 0, 59 * 64],
    ['far apart', 3, 3777],
  ])('brings %s into one interval of 16 about as often as chance does', (_, i, j) => {
    const chance = 15 / (columns * lines - 1) // of a uniform permutation, the intervals being aligned
    let met = 0
    const out = new Float64Array(2)
    for (let seed = 0; seed < SEEDS * 10; seed++) {
      scatter({ columns, lines, seed: BigInt(seed), stream: 4 }).positions(Float64Array.of(i, j), out)
      if (Math.floor(out[0] / 16) === Math.floor(out[1] / 16)) met++
    }
    const rate = met / (SEEDS * 10)
    // The proof allows O(1/columns²) more than chance; a permutation of fewer rounds has 1/columns more.
    const spread = 5 * Math.sqrt(chance / (SEEDS * 10))
    expect(rate).toBeLessThan(chance + spread + 2 / columns ** 2)
    expect(rate).toBeGreaterThan(chance - spread - 2 / columns ** 2)
  })
})

describe('digits', () => {
  it('fill buckets evenly, independently of each other and of signs', () => {
    const buckets = 7
    const counts = [0, 1, 2].map(() => new Float64Array(buckets))
    const pairs = new Float64Array(buckets * buckets)
    const both = new Float64Array(2 * buckets)
    for (let seed = 0; seed < SEEDS; seed++) {
      const hash = digitHash(BigInt(seed), 0)
      hash.hash(Float64Array.of(12, 2 ** 32 - 1))
      const digits = [0, 1, 2].map((digit) => hash.bucket(0, digit, buckets))
      for (const [d, bucket] of digits.entries()) counts[d][bucket] += 1
      pairs[digits[0] * buckets + digits[1]] += 1
      both[digits[2] * 2 + (hash.sign(0, 60) > 0 ? 1 : 0)] += 1
    }
    for (const all of [...counts, pairs]) even(all)
    // The sign of bit 60 is the top bit of digit 2: signs come from a hash of their own in the trees.
    expect(both.some((count) => count === 0)).toBe(true)
  })
})

it('a counter squared has the energy of its node for a mean, and a variance of at most twice its square', () => {
  // A node of the finest level that has four entries, everything else 0: counter = Σ±xᵢ, E c² = Σxᵢ², Var c² = 2((Σx²)² − Σx⁴).
  const layout = recoveryLayout('test', { n: 4096, k: 2, epsilon: 0.5 })
  const { nonzeros } = layout
  const x = [3, -1, 2, 2]
  const energy = 18
  const variance = 2 * (energy ** 2 - (81 + 1 + 16 + 16))
  let [mean, square] = [0, 0]
  for (let seed = 0; seed < SEEDS; seed++) {
    const trees = energyTrees(layout, BigInt(seed))
    const keys = new Float64Array(4)
    trees.scatters[1].keys(Float64Array.of(160, 161, 169, 175), keys) // all in node 10 of tree 1
    const rows = new Uint32Array(4 * nonzeros)
    const signs = new Float32Array(4 * nonzeros)
    trees.entries(keys, rows, signs)
    const first = 3 * layout.nodes.length // tree 1, its finest level, row 0
    expect(new Set([0, 1, 2, 3].map((c) => rows[c * nonzeros + first])).size).toBe(1)
    const counter = x.reduce((sum, value, c) => sum + value * signs[c * nonzeros + first], 0)
    mean += counter ** 2 / SEEDS
    square += counter ** 4 / SEEDS
  }
  expect(Math.abs(mean - energy)).toBeLessThan(5 * Math.sqrt(variance / SEEDS))
  expect(Math.abs(square - mean ** 2 - variance)).toBeLessThan(0.15 * variance)
})
