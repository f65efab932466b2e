// Corollary 4.2: Theorem 4.1 for Q = X₁W_Q, K = X₂W_K, V = X₂W_V, and what its sketches cost beside the exact state. Kills: bytes beside the
// formula, a decoded column of more than k entries, weights that scale an answer (error 10 and more), self-attention in one pass.
import { matrix, type Matrix } from '@sublinear/core'
import { distance, random, softmaxOracle } from '@sublinear/laws'
import { taylorFeatures } from '@sublinear/poly-features'
import { sparseRecovery } from '@sublinear/sparse-recovery'
import { osnap } from '@sublinear/sparse-sketch'
import { describe, expect, it } from 'vitest'
import { normalise } from '@sublinear/exact-attention'
import { crossAttention } from '../src'

const [n, d, dv, k, m2] = [4096, 2, 2, 4, 400]
const [epsilon1, epsilon2] = [0.5, 0.5]
const features = taylorFeatures({ d, degree: 4, scale: 1 / d })
/** Orthogonal weights, and one of norm 1/√n: entries of Q and K stay below 1, ‖V‖ below 1/√n. */
const turn = (angle: number, size = 1) =>
  matrix(
    2,
    2,
    Float32Array.of(Math.cos(angle), Math.sin(angle), -Math.sin(angle), Math.cos(angle)).map((w) => size * w),
  )
const weights = { wq: turn(0.3), wk: turn(1.1), wv: turn(2, 1 / n) }
const [x1, x2] = [random(n, d, 1, 0.7), random(n, d, 2, 0.7)]
const times = (x: Matrix, w: Matrix) =>
  matrix(
    x.rows,
    2,
    Float32Array.from({ length: 2 * x.rows }, (_, i) => {
      const [r, c] = [i >> 1, i & 1]
      return x.data[2 * r] * w.data[c] + x.data[2 * r + 1] * w.data[2 + c]
    }),
  )
const truth = softmaxOracle(times(x1, weights.wq), times(x2, weights.wk), times(x2, weights.wv), 1 / d, () => n)
const norm = (y: Float64Array) => Math.sqrt(y.reduce((sum, x) => sum + x * x, 0))
const columns = Array.from({ length: dv }, (_, c) => Float64Array.from({ length: n }, (_, r) => truth[r * dv + c]))

const make = (seed: number, sketched: boolean) => {
  const phi = sparseRecovery({ n, k, epsilon: epsilon1, seed })
  const psi = osnap({ m: m2, nonzeros: 8, seed })
  const one = crossAttention({ ...weights, features, phi, ...(sketched && { psi }) })
  one.pushContext(x2)
  one.pushQueries(x1)
  return { one, phi, psi }
}

describe('Corollary 4.2', () => {
  it.each([true, false])('columns of at most k entries meet the bound, and so does zero (Ψ: %s)', (sketched) => {
    for (let seed = 1; seed <= 20; seed++) {
      for (const [c, { indices, values }] of make(seed, sketched).one.columns().entries()) {
        const y = columns[c]
        const tail = norm(y.toSorted((a, b) => b * b - a * a).slice(k))
        const rest = y.slice()
        for (const [i, index] of indices.entries()) rest[index] -= values[i]
        expect(indices.length).toBeLessThanOrEqual(k)
        expect(norm(rest)).toBeLessThanOrEqual((1 + epsilon1) * tail + epsilon2)
        expect(norm(rest)).toBeLessThan(3 * norm(y))
        expect(norm(y)).toBeLessThan(epsilon2 / 20) // T = 0
      }
    }
  })

  it('row answers are those of softmax on the products', () => {
    const answers = normalise(make(1, false).one.attend(x1))
    const size = truth.reduce((most, y) => Math.max(most, Math.abs(y)), 0)
    expect(distance(answers.data, truth)).toBeLessThan(0.01 * size)
  })

  it('the exact state takes t·(dv + 2) numbers and 64 tokens where the sketches take m₂·(t + dv + 1), the weights d² each', () => {
    const { one: exact } = make(1, false)
    const { one: sketched, phi, psi } = make(1, true)
    const { t } = features
    const queries = 4 * phi.m * t + 8 * t + 4 * 64 * t + phi.matrix.bytes
    const shared = queries + 4 * 3 * d * d + features.spec.length
    expect(exact.bytes).toBe(shared + 4 * t * dv + 8 * t + 4 * 64 * (d + dv))
    expect(sketched.bytes).toBe(shared + 4 * m2 * (t + dv + 1) + 8 * (t + dv) + 4 * 64 * (t + dv + 1) + psi.bytes)
    expect((sketched.bytes - shared) / (exact.bytes - shared)).toBeGreaterThan(20)
  })
})
