// countSketchRows and osnapRows: failures at 24 (ε, δ) pairs by exact binomial tests, and the case in which Chebyshev is the truth.
// Kills: rows for 2δ or 2ε, a factor ½, an OSNAP that shares a hash between blocks (its two-spike failures are CountSketch's).
// False alarms: 1e-8 a count. Misses, by exact binomials: with two keys half the rows 1e-19, a hash that blocks share below 1e-99; of the sizes a quarter of the rows 7e-14 (two
// spikes at ε = 0.99, δ = 0.3 then fail half the time), and half of them always, since Chebyshev has that slack: the sizes below are written out.
import type { SketchMatrix } from '@sublinear/core'
import { describe, expect, it } from 'vitest'
import { countSketch, countSketchRows, osnap, osnapRows } from '../src'
import { leastFailures, mostFailures } from '@sublinear/laws'

const ALARM = 1e-8
const TRIALS = 1000
const cases = [0.2, 0.3, 0.4, 0.5, 0.75, 0.99].flatMap((epsilon) =>
  [0.3, 0.1, 0.05, 0.02].map((delta) => ({ epsilon, delta })),
)

interface Pair {
  readonly u: Float32Array
  readonly v: Float32Array
}

/** Unit vectors: flat, two spikes, power law, all with u = v, and a pair at an angle. */
function pairs(n: number): Pair[] {
  const unit = (entry: (i: number) => number) => {
    const raw = Float32Array.from({ length: n }, (_, i) => entry(i))
    return raw.map((x) => x / Math.sqrt(raw.reduce((sum, y) => sum + y * y, 0)))
  }
  const [flat, spikes, power] = [() => 1, (i: number) => (i < 2 ? 1 : 0), (i: number) => 1 / (1 + i)].map(unit)
  const turned = unit((i) => ((i * 37) % 11) - 5)
  return [flat, spikes, power].map((u) => ({ u, v: u })).concat({ u: power, v: turned })
}

/** How often |⟨Ψu, Ψv⟩ − ⟨u, v⟩| > ε over seeds, for each pair of unit vectors. */
function failures(make: (seed: number) => SketchMatrix, all: readonly Pair[], epsilon: number, trials: number) {
  const rows = all[0].u.length
  const cols = 2 * all.length
  const data = new Float32Array(rows * cols)
  for (const [p, { u, v }] of all.entries()) {
    for (let i = 0; i < rows; i++) [data[i * cols + 2 * p], data[i * cols + 2 * p + 1]] = [u[i], v[i]]
  }
  const truth = all.map(({ u, v }) => u.reduce((sum, x, i) => sum + x * v[i], 0))
  const failed = all.map(() => 0)
  for (let seed = 0; seed < trials; seed++) {
    const psi = make(seed)
    const image = new Float32Array(psi.m * cols)
    psi.accumulate({ rows: psi.m, cols, data: image }, { rows, cols, data }, 0)
    for (const p of failed.keys()) {
      let got = 0
      for (let r = 0; r < psi.m; r++) got += image[r * cols + 2 * p] * image[r * cols + 2 * p + 1]
      if (Math.abs(got - truth[p]) > epsilon) failed[p]++
    }
  }
  return failed
}

describe('at the sizes that Chebyshev gives, at most δ fail', () => {
  const all = pairs(32)
  it.each(cases)('ε = $epsilon, δ = $delta', ({ epsilon, delta }) => {
    const most = mostFailures(TRIALS, delta, ALARM)
    const m = countSketchRows({ epsilon, delta })
    for (const count of failures((seed) => countSketch({ m, seed }), all, epsilon, TRIALS)) {
      expect(count).toBeLessThanOrEqual(most)
    }
    const nonzeros = 4
    const tall = osnapRows({ epsilon, delta, nonzeros })
    for (const count of failures((seed) => osnap({ m: tall, nonzeros, seed }), all, epsilon, TRIALS)) {
      expect(count).toBeLessThanOrEqual(most)
    }
  })

  // u = v = (e₁ + e₂)/√2 fails when the two keys meet, by 1: probability 1/m for every ε < 1, so 1/δ cannot become ln(1/δ).
  // OSNAP with s = 8 is off by a sum of 8 independent terms, each ±1/8 with probability 8/m: beyond 0.55 with 7.3e-5 at m = 64.
  it('two keys: 1/m for CountSketch, 200 times less for OSNAP', () => {
    const m = 64
    const trials = 20_000
    const two = [pairs(2)[0]]
    const check = (count: number, p: number) => {
      expect(count).toBeGreaterThanOrEqual(leastFailures(trials, p, ALARM))
      expect(count).toBeLessThanOrEqual(mostFailures(trials, p, ALARM))
    }
    check(failures((seed) => countSketch({ m, seed }), two, 0.55, trials)[0], 1 / m)
    let sums = [1] // probabilities of −b … b after b terms
    for (let b = 0; b < 8; b++) {
      const at = (i: number) => sums[i] ?? 0
      sums = Array.from({ length: 2 * b + 3 }, (_, i) => at(i - 1) * (1 - 8 / m) + ((at(i) + at(i - 2)) * 4) / m)
    }
    const rare = 2 * sums.slice(13).reduce((sum, p) => sum + p, 0)
    expect(rare).toBeCloseTo(7.3e-5, 5)
    check(failures((seed) => osnap({ m, nonzeros: 8, seed }), two, 0.55, trials)[0], rare)
  })
})

describe('the sizes', () => {
  it('are 2/(ε²δ), and multiples of nonzeros', () => {
    expect(countSketchRows({ epsilon: 0.1, delta: 0.01 })).toBe(20_000)
    expect(countSketchRows({ epsilon: 0.3, delta: 0.07 })).toBe(318)
    expect(countSketchRows({ epsilon: 3, delta: 0.9 })).toBe(1)
    expect(osnapRows({ epsilon: 0.25, delta: 0.1, nonzeros: 8 })).toBe(320)
    expect(osnapRows({ epsilon: 0.25, delta: 0.1, nonzeros: 7 })).toBe(322)
  })
  it.each([
    [() => countSketchRows({ epsilon: 0, delta: 0.1 }), 'countSketchRows: epsilon must be a finite number > 0, got 0'],
    [() => countSketchRows({ epsilon: 1, delta: 1 }), 'countSketchRows: delta must be below 1, got 1'],
    [() => countSketchRows({ epsilon: 1, delta: 0 }), 'countSketchRows: delta must be a finite number > 0, got 0'],
    [() => osnapRows({ epsilon: 1, delta: 2, nonzeros: 1 }), 'osnapRows: delta must be below 1, got 2'],
    [
      () => osnapRows({ epsilon: 1, delta: 0.1, nonzeros: 0 }),
      'osnapRows: nonzeros must be an integer from 1 to 65536, got 0',
    ],
  ] as const)('refuse %#', (call, message) => expect(call).toThrow(new RangeError(message)))
})
