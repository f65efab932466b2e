// The walks of Theorem A.1 and their neighbours where the tilt matters: equal tokens and a reach of the order of some tokens, where the mean square of the drift has a closed
// recursion. Two-sided, 4000 seeds, false alarm of each moment below 1e-6 (five standard errors).
// Kills: a tilt of the wrong sign (the drift runs away: 10 times the reach), none (n for c/2), half of one (c for c/2, 30 standard errors), the weights of earlier
// tokens forgotten (20), R² with w for w² (30), pairs whose drift forgets weights, pairs without the term that makes them fair, a mass share of 1 or of 0.
// Misses (normal): half the tilt, or weights forgotten, below 1e-9 (20 and more standard errors, where five are allowed); a mass share of 0 8e-4, of 1 below 1e-9. Of other seeds the joint
// kernel's test has a false alarm of 0.04: over 10 other sets of blocks its mass is 6.1 ± 0.6, its values 12.1 ± 0.5.
import { random } from '@sublinear/laws'
import { describe, expect, test } from 'vitest'
import { softmaxBalance } from '../src'
import { coins } from '../src/halving'
import { pairWalk, theoryWalk, walkConstant } from '../src/balancing-walks'
import { chosen } from './sums'

const [n, seeds] = [128, 4000]
const ones = new Float32Array(n * n).fill(1)
/** δ for which c = 30·ln(n/δ) is this. */
const deltaFor = (c: number) => n / Math.exp(c / 30)

describe('the theory walk over equal tokens', () => {
  test.each([
    ['of weight 1', () => 1],
    ['of weights 1 and 3', (i: number) => (i % 2 ? 3 : 1)],
    ['of weights that fall', (i: number) => (i < 32 ? 4 : 1)],
  ])('%s has the mean square drift of its recursion', (_, weightOf) => {
    const c = 8
    const weights = Float32Array.from({ length: n }, (_, i) => weightOf(i))
    const top = Math.max(...weights)
    expect(walkConstant(n, deltaFor(c))).toBeCloseTo(c, 9)
    // E D² goes to E D²·(1 − 2w²/(cR²)) + w², as long as the tilt stays within the coin: |w·D| ≤ cR², which |D| ≤ c·R/… does but for 1e-4.
    let wanted = 0
    for (const w of weights) wanted = wanted * (1 - (2 * w * w) / (c * top * top)) + w * w
    let [sum, squares] = [0, 0]
    for (let seed = 0; seed < seeds; seed++) {
      const { signs } = theoryWalk(ones, weights, coins(BigInt(seed), 0, n), deltaFor(c))
      const drift = signs.reduce((total, sign, i) => total + sign * weights[i], 0)
      sum += drift ** 2
      squares += drift ** 4
    }
    const mean = sum / seeds
    const error = Math.sqrt((squares / seeds - mean * mean) / seeds)
    expect(Math.abs(mean - wanted)).toBeLessThan(5 * error)
    expect(error).toBeLessThan(0.04 * wanted)
  })
})

describe('the pair walk', () => {
  test('keeps drifts of weighted tokens short: each choice is the better one of two', () => {
    const rows = 40
    const points = random(rows, 3, 5).data
    const kernel = new Float32Array(rows * rows)
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < rows; j++)
        for (let c = 0; c < 3; c++) kernel[i * rows + j] += points[3 * i + c] * points[3 * j + c]
    const weights = Float32Array.from({ length: rows }, (_, i) => [1, 7, 2, 5][i % 4])
    const pairs = Uint32Array.from({ length: rows }, (_, i) => i)
    const second = pairWalk(kernel, weights, rows, pairs, coins(3n, 0, rows / 2))
    const drift = [0, 0, 0]
    for (const [p, stays] of second.entries()) {
      const [i, j] = [2 * p, 2 * p + 1]
      const moved = (step: number) => drift.map((x, c) => x + step * (points[3 * i + c] - points[3 * j + c]))
      const options = [moved(weights[j]), moved(-weights[i])]
      const lengths = options.map((to) => Math.hypot(...to))
      expect(lengths[stays]).toBeLessThanOrEqual(lengths[1 - stays] + 1e-5)
      drift.splice(0, 3, ...options[stays])
    }
  })
})

describe('the joint kernel', () => {
  test('balances mass and values together: neither is left to chance, and neither crowds out the other', () => {
    // Over 300 blocks: mean squares of the moved mass and of the moved values, in units of those of a fair halving.
    const [m, d, dv] = [64, 4, 4]
    const halving = softmaxBalance({ mode: 'greedy', seed: 5 })
    let [mass, values] = [0, 0]
    for (let draw = 0; draw < 300; draw++) {
      const block = { keys: random(m, d, draw + 1), values: random(m, dv, draw + 5000) }
      const { kept, weights } = halving.halve(block, 0.5, draw)
      const query = random(1, d, draw + 9000).data
      const sums = [block, chosen(block, kept, weights)].map((one) => {
        const out = new Float64Array(dv + 1)
        for (let r = 0; r < one.keys.rows; r++) {
          let score = 0
          for (let c = 0; c < d; c++) score += query[c] * one.keys.data[r * d + c]
          const w = (('weights' in one ? (one.weights as Float32Array)?.[r] : 1) ?? 1) * Math.exp(0.5 * score)
          out[dv] += w
          for (let c = 0; c < dv; c++) out[c] += w * one.values.data[r * dv + c]
        }
        return out
      })
      mass += (sums[1][dv] - sums[0][dv]) ** 2 / 300
      for (let c = 0; c < dv; c++) values += (sums[1][c] - sums[0][c]) ** 2 / 300
    }
    // With no mass in the walk its mean square is 9.2, and that of values 16; with a share of 1 they are 1.4 and 14.5.
    expect(mass).toBeGreaterThan(5)
    expect(mass).toBeLessThan(8)
    expect(values).toBeLessThan(13.7)
  })
})
