// Lemma 3.5, Gaussian: with gaussianRows(ε, δ) rows, |⟨Ψu, Ψv⟩ − ⟨u, v⟩| > ε|u||v| has probability at most δ. For u = v the error
// is χ²_m/m − 1 exactly, so failures are tested two-sided against that law, and the law against δ; other angles against δ alone.
// Kills: half the rows (δ is then exceeded from δ = 0.03 down), 1/m for 1/√m, columns that repeat every 64, δ for δ/2.
// False alarms: 1e-8 a side and case. Misses, by exact binomials with the law of χ²: rows that repeat in pairs below 1e-99 for the 24 cases together, from below 1e-9 to 0.95 (ε = 1, δ = 0.01)
// for one of them; a fifth of the rows missing 0.28 together; of norms half the rows 2e-48, a fifth 0.08; for points below.
import { describe, expect, it } from 'vitest'
import { project, type Matrix } from '@sublinear/core'
import { gaussianRows, gaussianSketch } from '../src'
import { chance, leastFailures, mostFailures, random } from '@sublinear/laws'
import { chiSquareTails } from './chi-square'

const ALARM = 1e-8 // a side and case; 24 cases of four
const TRIALS = 2000
const cases = [0.2, 0.3, 0.4, 0.5, 0.75, 1].flatMap((epsilon) =>
  [0.3, 0.1, 0.03, 0.01].map((delta) => ({ epsilon, delta })),
)

/** The cumulant function of g² − 1. */
const kappa = (x: number) => -x - Math.log(1 - 2 * x) / 2

describe('Lemma 3.5, Gaussian', () => {
  it.each(cases)('fails with probability at most δ: ε = $epsilon, δ = $delta', ({ epsilon, delta }) => {
    const m = gaussianRows({ epsilon, delta })
    const law = chiSquareTails(m, epsilon)
    expect(law).toBeLessThanOrEqual(delta)
    // Columns u, then v at angles of 0 (v = u), 60 and 90 degrees, all of norm 1.
    const rows = 8
    const block = new Float32Array(rows * 3)
    for (let i = 0; i < rows; i++) {
      block[i * 3] = Math.sqrt(1 / 8)
      block[i * 3 + 1] = i % 4 === 3 ? -Math.sqrt(1 / 8) : Math.sqrt(1 / 8)
      block[i * 3 + 2] = i % 2 ? -Math.sqrt(1 / 8) : Math.sqrt(1 / 8)
    }
    const failures = [0, 0, 0]
    const image = new Float32Array(m * 3)
    const matrix = gaussianSketch({ m, seed: Math.round(epsilon * 1e6 + delta * 1e3) })
    for (let trial = 0; trial < TRIALS; trial++) {
      image.fill(0)
      matrix.accumulate({ rows: m, cols: 3, data: image }, { rows, cols: 3, data: block }, trial * rows)
      const got = [0, 0, 0]
      for (let r = 0; r < m; r++) for (let c = 0; c < 3; c++) got[c] += image[r * 3] * image[r * 3 + c]
      for (const [c, truth] of [1, 0.5, 0].entries()) if (Math.abs(got[c] - truth) > epsilon) failures[c]++
    }
    expect(failures[0]).toBeGreaterThanOrEqual(leastFailures(TRIALS, law, ALARM))
    expect(failures[0]).toBeLessThanOrEqual(mostFailures(TRIALS, law, ALARM))
    expect(failures[1]).toBeLessThanOrEqual(mostFailures(TRIALS, delta, ALARM))
    expect(failures[2]).toBeLessThanOrEqual(mostFailures(TRIALS, delta, ALARM))
  })

  // The proof's first step at every angle: the cumulant function of a row's error is largest, on both sides, for v = ±u.
  it('is dominated by u = v', () => {
    for (let rho = -1; rho <= 1; rho += 0.05) {
      const [a, b] = [(1 + rho) / 2, (1 - rho) / 2]
      for (let lambda = 0.01; lambda < 0.5; lambda += 0.01) {
        expect(kappa(a * lambda) + kappa(-b * lambda)).toBeLessThanOrEqual(kappa(lambda) + 1e-15)
        expect(kappa(-a * lambda) + kappa(b * lambda)).toBeLessThanOrEqual(kappa(lambda) + 1e-15)
      }
    }
  })

  // Kills: one tail for two (half of δ), 'norms' by the bound of products, a law of m − 1 rows: m is least, by another reference, and the statistics see δ.
  it('takes the least rows that the exact law of norms allows', () => {
    expect(gaussianRows({ epsilon: 0.1, delta: 0.01, of: 'norms' })).toBe(1330)
    expect(gaussianRows({ epsilon: 0.5, delta: 0.01, of: 'norms' })).toBe(56)
    expect(gaussianRows({ epsilon: 0.5, delta: 1e-6, of: 'norms' })).toBe(237)
    for (const { epsilon, delta } of [...cases, { epsilon: 0.05, delta: 0.3 }, { epsilon: 1, delta: 0.9 }]) {
      const m = gaussianRows({ epsilon, delta, of: 'norms' })
      for (let more = 0; more < 40; more++)
        expect(chiSquareTails(m + more, epsilon)).toBeLessThanOrEqual(delta * (1 + 1e-9))
      if (m > 1) expect(chiSquareTails(m - 1, epsilon)).toBeGreaterThan(delta * (1 - 1e-9))
      expect(m).toBeLessThanOrEqual(gaussianRows({ epsilon, delta }))
    }
    const [points, pairs] = [30, 435]
    expect(gaussianRows({ epsilon: 0.5, delta: 0.1, points, of: 'norms' })).toBe(
      gaussianRows({ epsilon: 0.5, delta: 0.1 / pairs, of: 'norms' }),
    )
    expect(() => gaussianRows({ epsilon: 0.5, delta: 0.1, of: 'angles' as never })).toThrow(RangeError)
  })

  it('of norms fails as often as δ says, two-sided', () => {
    const [epsilon, delta, trials] = [0.3, 0.1, 3000]
    const m = gaussianRows({ epsilon, delta, of: 'norms' })
    const law = chiSquareTails(m, epsilon) // near δ: half the rows would fail three times as often
    const image = new Float32Array(m)
    const matrix = gaussianSketch({ m, seed: 77 })
    let failures = 0
    for (let trial = 0; trial < trials; trial++) {
      image.fill(0)
      matrix.accumulate(
        { rows: m, cols: 1, data: image },
        { rows: 4, cols: 1, data: new Float32Array(4).fill(0.5) },
        4 * trial,
      )
      const square = image.reduce((sum, x) => sum + x * x, 0)
      if (Math.abs(square - 1) > epsilon) failures++
    }
    expect(failures).toBeGreaterThanOrEqual(leastFailures(trials, law, ALARM))
    expect(failures).toBeLessThanOrEqual(mostFailures(trials, law, ALARM))
    expect(law).toBeGreaterThan(0.8 * delta)
  })

  it('needs about 4·ln(2/δ)/ε² rows, and the reference laws are right', () => {
    expect(gaussianRows({ epsilon: 0.1, delta: 0.01 })).toBe(2271)
    expect(gaussianRows({ epsilon: 1, delta: 0.5 })).toBe(17)
    for (const { epsilon, delta } of cases) {
      const exact = Math.log(2 / delta) / (epsilon ** 2 / 4 - epsilon ** 3 / 6)
      expect(gaussianRows({ epsilon, delta })).toBe(Math.ceil(exact))
    }
    expect(chiSquareTails(2, 0.5)).toBeCloseTo(1 - Math.exp(-0.5) + Math.exp(-1.5), 12) // χ²₂/2 is exponential
    expect(chiSquareTails(1, 0.5)).toBeCloseTo(0.5204998778 + 0.220671362, 8) // erf(1/2), erfc(√3/2)
    expect(chance(4, 0.5, 2)).toBeCloseTo(0.375, 12)
    expect([mostFailures(4, 0.5, 0.07), mostFailures(4, 0.5, 0.06)]).toEqual([3, 4])
    expect([leastFailures(4, 0.5, 0.07), leastFailures(4, 0.5, 0.06)]).toEqual([1, 0])
  })

  it.each([
    [0, 0.1, 'gaussianRows: epsilon must be a finite number > 0, got 0'],
    [1.01, 0.1, 'gaussianRows: epsilon must be at most 1, got 1.01'],
    [0.1, 0, 'gaussianRows: delta must be a finite number > 0, got 0'],
    [0.1, 1, 'gaussianRows: delta must be below 1, got 1'],
    [NaN, 0.1, 'gaussianRows: epsilon must be a finite number > 0, got NaN'],
  ])('refuses ε = %d, δ = %d', (epsilon, delta, message) => {
    expect(() => gaussianRows({ epsilon, delta })).toThrow(new RangeError(message))
  })
})

describe('gaussianRows for all pairs', () => {
  it('keeps every distance of N points, by the union over their differences', () => {
    for (const points of [2, 10, 1000, 1e6]) {
      const [epsilon, delta] = [0.2, 0.05]
      const pairs = (points * (points - 1)) / 2
      const one = gaussianRows({ epsilon, delta: delta / pairs })
      expect(Math.abs(gaussianRows({ epsilon, delta, points }) - one)).toBeLessThanOrEqual(1) // rounding of the logarithms
    }
    // 40 seeds, 100 points, δ = 0.1: allow 15 failures (false alarm 1e-6, were the bound tight). Kills: rows for one pair. Misses: 9e-16, did 0.9 of the seeds fail then; 40 of 40 others do.
    const [points, inputs, epsilon] = [100, 64, 0.5]
    const m = gaussianRows({ epsilon, delta: 0.1, points })
    const cloud = {
      rows: points,
      cols: inputs,
      data: random(points, inputs, 3).data,
    }
    const failed = (rows: number) =>
      Array.from({ length: 40 }, (_, seed) =>
        farthest(project(gaussianSketch({ m: rows, seed }), cloud), cloud),
      ).filter((worst) => worst > epsilon).length
    expect(failed(m)).toBeLessThanOrEqual(15)
    expect(failed(gaussianRows({ epsilon, delta: 0.1 }))).toBeGreaterThan(15) // rows for one pair
  })

  it('refuses more rows than inputs, with the numbers', () => {
    expect(() => gaussianRows({ epsilon: 0.1, delta: 0.01, inputs: 768 })).toThrow(
      'gaussianRows: 2271 rows save nothing for 768 inputs: keep the vectors, or allow a larger epsilon',
    )
    expect(gaussianRows({ epsilon: 0.1, delta: 0.01, inputs: 2272 })).toBe(2271)
    expect(() => gaussianRows({ epsilon: 0.1, delta: 0.01, points: 1 })).toThrow(
      /points must be an integer >= 2, got 1/,
    )
  })
})

/** The largest relative error of a squared distance of two points. */
function farthest(image: Matrix, cloud: Matrix): number {
  let worst = 0
  for (let a = 0; a < cloud.rows; a++)
    for (let b = 0; b < a; b++) worst = Math.max(worst, Math.abs(square(image, a, b) / square(cloud, a, b) - 1))
  return worst
}

const square = ({ cols, data }: { cols: number; data: Float32Array }, a: number, b: number) => {
  let sum = 0
  for (let c = 0; c < cols; c++) sum += (data[a * cols + c] - data[b * cols + c]) ** 2
  return sum
}
