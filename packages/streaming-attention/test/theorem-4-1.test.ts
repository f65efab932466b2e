// Theorem 4.1: ‖T_i − y_i‖ ≤ (1 + ε₁)·tail_k(y_i) + ε₂ with probability 0.99, on its own premises and where it says something.
// Kills, in the first part: D forgotten (error 10³ and more), T of more than k entries, bytes beside the formula. That part cannot see a
// Ψ or Φ that is wrong: zero meets the bound too, which it shows. The second part can: seen are errors of 0.07 to 0.14 with the control
// variate and 0.5 to 5.5 without it; keys and values under different columns of Ψ, means of another n, or rows of Φ at another index give 1 and more.
// False alarms: none, seeds are fixed, and the first bound is never near. Misses: by 460 trials without a failure, a failure probability of 0.01 with 0.0098, of 0.02 with 9e-5 (exact).
import { amsSketch } from '@sublinear/ams-sketch'
import { matrix, type Matrix } from '@sublinear/core'
import { gaussianRows } from '@sublinear/gaussian-sketch'
import { chance, random, softmaxOracle } from '@sublinear/laws'
import { taylorFeatures } from '@sublinear/poly-features'
import { recoveryRows, sparseRecovery } from '@sublinear/sparse-recovery'
import { osnap } from '@sublinear/sparse-sketch'
import { describe, expect, it } from 'vitest'
import { onePass } from '../src'
import { column, dot, norm } from './truth'

/** The norm outside the k largest entries. */
const tail = (y: Float64Array, k: number) => norm(y.toSorted((a, b) => b * b - a * a).slice(k))
const columnOf = (data: Float64Array, dv: number, c: number) =>
  Float64Array.from({ length: data.length / dv }, (_, r) => data[r * dv + c])

describe('on its own premises: d ≤ log n, entries up to 1, ‖V‖ = 1/√n', () => {
  const [n, d, dv, k] = [4096, 2, 2, 4]
  const [epsilon1, epsilon2, delta, trials] = [0.5, 0.5, 0.001, 460]
  const [queries, keys, noise] = [random(n, d, 1), random(n, d, 2), random(n, dv, 3)]
  const features = taylorFeatures({ d, degree: 4, scale: 1 / d })
  const m2 = gaussianRows({ epsilon: epsilon2, delta: delta / (n * dv) }) // as Lemma 3.6 asks: every entry at once
  const values = ofNorm(noise, 1 / Math.sqrt(n))
  const truth = softmaxOracle(queries, keys, values, 1 / d, () => n)
  const columns = Array.from({ length: dv }, (_, c) => columnOf(truth, dv, c))
  const bounds = columns.map((y) => (1 + epsilon1) * tail(y, k) + epsilon2)

  const run = (seed: number) => {
    const phi = sparseRecovery({ n, k, epsilon: epsilon1, seed })
    using stream = onePass({ features, dv, psi: amsSketch({ m: m2, seed }), phi })
    stream.pushValues(values)
    stream.pushKeys(keys)
    stream.pushQueries(queries)
    const errors = stream.columns().map(({ indices, values: found }, c) => {
      const rest = columns[c].slice()
      for (const [i, index] of indices.entries()) rest[index] -= found[i]
      expect(indices.length).toBeLessThanOrEqual(k)
      return norm(rest)
    })
    return { errors, bytes: stream.bytes, phi }
  }

  it('460 of 460 trials meet it: a failure probability of 0.01 would give that with probability 0.0098', () => {
    let [failures, worst] = [0, 0]
    for (let seed = 1; seed <= trials; seed++) {
      const { errors } = run(seed)
      if (errors.some((error, c) => error > bounds[c])) failures++
      worst = Math.max(worst, ...errors.map((error, c) => error / norm(columns[c])))
    }
    expect(chance(trials, 0.01, 0)).toBeLessThan(0.01)
    expect(failures).toBe(0)
    // and for all that T is no better than zero, whose error is |y|
    expect(worst).toBeGreaterThan(1)
    expect(worst).toBeLessThan(2.5)
  })

  it('so does T = 0: the right side is 1500 to 3100 times |y|', () => {
    for (const [c, y] of columns.entries()) {
      expect(norm(y)).toBeLessThan(Math.E / Math.sqrt(n)) // |y| ≤ e^R/√n, R = 1
      expect(norm(y)).toBeLessThan(bounds[c])
      expect(bounds[c] / norm(y)).toBeGreaterThan(1500)
      expect(bounds[c] / norm(y)).toBeLessThan(3100)
    }
    expect(epsilon2).toBeGreaterThan(Math.E / Math.sqrt(n)) // an ε₂ that excludes 0 …
    expect((Math.E / Math.sqrt(n)) ** -2).toBeGreaterThan(n / 8) // … takes an m₂ of the order of n
  })

  it('takes 4·t·(m₁ + m₂) bytes and what the paper does not count, to the byte', () => {
    const { bytes, phi } = run(1)
    const { t } = features
    expect(t).toBe(15)
    expect(phi.m).toBe(recoveryRows({ n, k, epsilon: epsilon1 }))
    const counted = 4 * t * (phi.m + m2)
    const uncounted =
      4 * m2 * (dv + 1) + // ΨV, and Ψ1
      8 * t + // U₂ᵀ1
      8 * t + // a copy, under the denominators
      8 * dv + // Vᵀ1
      4 * 64 * (2 * t + dv + 1) + // buffers
      24 * m2 + // Ψ's hash functions
      phi.matrix.bytes + // Φ's
      features.spec.length
    expect(bytes).toBe(counted + uncounted)
  })
})

const place = (i: number) => i * 4021 + 17

describe('where it says something: few active queries, V centred, y exactly k-sparse', () => {
  const [n, d, dv, active, m2] = [2 ** 18, 4, 2, 64, 512]
  const scale = 1 / d
  const keys = random(n, d, 301)
  const rows = random(active, d, 302, 3) // the others ask nothing: their answer is the mean of V, 0
  const queries = matrix(n, d)
  for (let i = 0; i < active; i++) queries.data.set(rows.data.subarray(i * d, (i + 1) * d), place(i) * d)
  const values = centred(
    matrix(
      n,
      dv,
      Float32Array.from({ length: n * dv }, (_, i) => tanh3(keys, i, dv)),
    ),
  )
  const truth = softmaxOracle(rows, keys, values, scale, () => n)
  const columns = Array.from({ length: dv }, (_, c) => columnOf(truth, dv, c))
  const features = taylorFeatures({ d, degree: 4, scale })

  const run = (seed: number, controlVariate: boolean) => {
    const phi = sparseRecovery({ n, k: active, epsilon: 0.5, seed })
    using stream = onePass({ features, dv, psi: osnap({ m: m2, nonzeros: 8, seed }), phi, controlVariate })
    stream.pushKeys(keys)
    stream.pushValues(values)
    stream.pushQueries(queries)
    const errors = stream.columns().map(({ indices, values: found }, c) => {
      const rest = new Map(Array.from(columns[c], (y, i) => [place(i), y]))
      for (const [i, index] of indices.entries()) rest.set(index, (rest.get(index) ?? 0) - found[i])
      return norm([...rest.values()]) / norm(columns[c])
    })
    return { errors, bytes: stream.bytes }
  }
  /**
   * A uniform sample of as many bytes. `all`: rms error over draws of the answers to all n queries, of which n − 64 are the sample's mean:
   * variance(V)·(1/size − 1/n) each, in closed form. `moved`: one draw, whose answers are moved by what its mean is off.
   */
  const sample = (bytes: number, seed: number) => {
    const size = Math.floor(bytes / (4 * (d + dv)))
    const order = random(n, 1, seed).data
    const chosen = Uint32Array.from(order.keys())
      .toSorted((a, b) => order[a] - order[b])
      .subarray(0, size)
    const pick = ({ cols, data }: Matrix) => {
      const out = matrix(size, cols)
      for (const [r, j] of chosen.entries()) out.data.set(data.subarray(j * cols, (j + 1) * cols), r * cols)
      return out
    }
    const [some, theirs] = [pick(keys), pick(values)]
    const answers = softmaxOracle(rows, some, theirs, scale, () => size)
    return columns.map((y, c) => {
      const [v, mean] = [column(values, c), dot(column(theirs, c), new Float64Array(size).fill(1 / size))]
      const spread = (dot(v, v) / n) * (1 / size - 1 / n)
      expect(Math.abs(mean)).toBeLessThan(5 * Math.sqrt(spread))
      const moved = y.map((truth, i) => answers[i * dv + c] - mean - truth)
      return { size, all: Math.sqrt((n - active) * spread) / norm(y), moved: norm(moved) / norm(y) }
    })
  }

  it('with the control variate it is within 0.2 of y, and of half the rms error of a uniform sample of equal bytes', () => {
    for (const seed of [11, 12]) {
      const { errors, bytes } = run(seed, true)
      for (const error of errors) expect(error).toBeLessThan(0.2)
      const others = sample(bytes, 303)
      for (const [c, { all, size }] of others.entries()) {
        expect(size).toBeLessThan(n / 2)
        expect(errors[c]).toBeLessThan(all / 2)
      }
      // The losses beside the win: a sample that knows the mean of V is better still, as are U₂ᵀV and U₂ᵀ1, 210 numbers.
      for (const [c, { moved }] of others.entries()) expect(moved).toBeLessThan(0.2 * errors[c])
    }
  })

  it('without it, it is not', () => {
    for (const error of run(11, false).errors) expect(error).toBeGreaterThan(0.4)
  })
})

/** The matrix (n × 2) scaled to this spectral norm. */
function ofNorm(v: Matrix, wanted: number): Matrix {
  const [a, b] = [0, 1].map((c) => v.data.filter((_, i) => i % 2 === c)) as [Float32Array, Float32Array]
  const [aa, ab, bb] = [dot(a, a), dot(a, b), dot(b, b)]
  const largest = (aa + bb) / 2 + Math.hypot((aa - bb) / 2, ab)
  return matrix(
    v.rows,
    2,
    v.data.map((x) => (x * wanted) / Math.sqrt(largest)),
  )
}

function tanh3(keys: Matrix, i: number, dv: number): number {
  return Math.tanh(3 * keys.data[Math.floor(i / dv) * keys.cols + (i % dv)])
}

function centred({ rows, cols, data }: Matrix): Matrix {
  const means = Array.from(
    { length: cols },
    (_, c) => data.reduce((sum, v, i) => sum + (i % cols === c ? v : 0), 0) / rows,
  )
  return matrix(
    rows,
    cols,
    data.map((v, i) => v - means[i % cols]),
  )
}
