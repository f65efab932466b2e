// Theorem 3.1: sizes from (ε, δ, r, n), the error in units of ‖softmax‖₂·‖V‖_F, and where the statement says nothing.
// Kills: e^{R} for e^{2R} (growth compared with the closed form), vacuous never said (norms of 15 at d = 128), ε without effect on the size.
import { normalise } from '@sublinear/exact-attention'
import { random, softmaxOracle } from '@sublinear/laws'
import { describe, expect, test } from 'vitest'
import { balanceKv, balanceKvReach, balanceKvSize } from '../src'
import { norm, sumsOf } from './sums'

const shape = { d: 4, dv: 3, scale: 0.5 }

const size = (options: object) =>
  balanceKvSize({ ...shape, norm: 1, epsilon: 0.5, delta: 0.01, n: 2 ** 40, ...options })

const bad = (options: object) => () =>
  balanceKvSize({ ...shape, norm: 1, epsilon: 0.5, delta: 0.01, n: 100, ...options })

describe('Theorem 3.1', () => {
  test('sizes: 1/ε, e^{2R}, and all of a short stream', () => {
    const base = size({})
    expect(base.growth).toBeCloseTo(Math.exp(1), 12)
    expect(base.vacuous).toBe(false)
    expect(size({ epsilon: 0.25 }).blockSize / base.blockSize).toBeGreaterThan(1.9)
    expect(size({ epsilon: 0.25 }).blockSize / base.blockSize).toBeLessThan(2.1)
    expect(size({ norm: 2 }).blockSize / base.blockSize / Math.exp(3)).toBeCloseTo(0.81, 2)
    expect(size({ n: 10 ** 4 })).toMatchObject({ vacuous: true, blockSize: 10 ** 4, tokens: 10 ** 4 })
    expect(base.tokens).toBe((base.levels + 1) * base.blockSize)
  })

  test('with these sizes every answer is within ε, exactly so where the size is the stream', () => {
    const n = 500
    const stream = balanceKv({ ...shape, seed: 1, epsilon: 0.5, norm: 2, n, delta: 0.1 })
    const [keys, values, queries] = [random(n, 4, 1), random(n, 3, 2), random(10, 4, 3)]
    stream.push({ keys, values })
    const got = normalise(stream.attend(queries)).data
    const truth = softmaxOracle(queries, keys, values, 0.5, () => n)
    expect(Math.max(...got.map((x, i) => Math.abs(x - truth[i])))).toBeLessThan(1e-5)
  })

  test('in its unit the error of what fits a budget falls faster than 1/√tokens', () => {
    const n = 8192
    const [keys, values, queries] = [random(n, 4, 1, 1.2), random(n, 3, 2), random(16, 4, 3, 1.2)]
    const truth = softmaxOracle(queries, keys, values, 0.5, () => n)
    const unit = (q: number) => {
      const row = queries.data.subarray(q * 4, (q + 1) * 4)
      const mass = sumsOf(row, { keys, values }, 0.5)[3]
      const doubled = sumsOf(row, { keys, values }, 1)[3] // Σ e^{2s}
      return (Math.sqrt(doubled) / mass) * norm(values.data)
    }
    const error = (budget: number, mode: 'greedy' | 'pairs') => {
      let total = 0
      for (let seed = 1; seed <= 6; seed++) {
        const stream = balanceKv({ ...shape, seed, budget, mode })
        stream.push({ keys, values })
        const got = normalise(stream.attend(queries)).data
        for (let q = 0; q < 16; q++)
          total += norm([0, 1, 2].map((c) => got[q * 3 + c] - truth[q * 3 + c])) / unit(q) / (6 * 16)
      }
      return total
    }
    for (const mode of ['greedy', 'pairs'] as const) {
      const [small, large] = [error(4 * 9 * 128, mode), error(4 * 9 * 1024, mode)]
      expect(Math.log(small / large) / Math.log(8)).toBeGreaterThan(0.55)
    }
  })

  test('reach says when the theorem says nothing', () => {
    const far = { rows: 100, cols: 128, data: new Float32Array(12800).fill(15 / Math.sqrt(128)) }
    const reach = balanceKvReach({ queries: far, keys: far, scale: 1 / Math.sqrt(128) })
    expect(reach.norm).toBeCloseTo(15, 4)
    expect(Math.log10(reach.growth)).toBeCloseTo(17.27, 1) // 2·10¹⁷
    expect(reach.vacuous).toBe(true)
    const near = random(100, 4, 1, 0.5)
    expect(balanceKvReach({ queries: near, keys: near, scale: 0.5 }).vacuous).toBe(false)
  })

  test('refusals name what is wrong', () => {
    expect(bad({ epsilon: 0 })).toThrow('balanceKvSize: epsilon must be a finite number > 0, got 0')
    expect(bad({ delta: 1 })).toThrow('balanceKvSize: delta must be below 1, got 1')
    expect(bad({ norm: -1 })).toThrow(RangeError)
    expect(bad({ n: 0 })).toThrow(RangeError)
  })
})
