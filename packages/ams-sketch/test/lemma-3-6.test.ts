// Lemma 3.6, approximate matrix product, with Ψ = AMS: P̃ = D̃⁻¹U₁U₂ᵀ of even Taylor features, ‖V‖ = 1/√n, n = 256.
// Part 1 per entry, Part 2 per column; the mean square against its closed form, two-sided; the largest constants; the zero vector.
// Kills: Ψᵀ forgotten, 1/m for 1/√m, a bound that only holds for one column; the constants are those in PAPERS.md.
// False alarms: 6e-7 a mean. Misses: rows that repeat in pairs 2e-6, by all columns together (their mean square is 8.5 ± 0.8 standard errors off over 6 other sets of
// 200 seeds; normal), where one column alone would miss them with 0.6; 1/m for 1/√m below 1e-9
import { describe, expect, it } from 'vitest'
import { matrix } from '@sublinear/core'
import { amsSketch } from '../src'
import { amsVariance, dot, uniforms } from './truth'

/** The largest constants over these seeds, rounded up: PAPERS.md. */
const LARGEST_COLUMN = 4.2
const LARGEST_ENTRY = 4.6
const [n, d, dv, m, seeds] = [256, 4, 3, 128, 200]
const [q, k, noise] = [1, 2, 3].map((seed) => uniforms(n * 4, seed)) as [Float32Array, Float32Array, Float32Array]
const row = (x: Float32Array, i: number) => x.subarray(i * d, (i + 1) * d)

/** P̃: the features of degree 2 sum to 1 + s + s²/2 > 0 for s = ⟨q, k⟩/d. |s| ≤ 1, so R = 1. */
const weights = Array.from({ length: n }, (_, i) => {
  const scores = Array.from({ length: n }, (_, j) => {
    const s = dot(row(q, i), row(k, j)) / d
    return 1 + s + (s * s) / 2
  })
  const total = scores.reduce((a, b) => a + b)
  return Float64Array.from(scores, (s) => s / total)
})

/** V with spectral norm 1/√n exactly: orthogonal columns by Gram and Schmidt, one constant among them. */
const values: Float64Array[] = []
for (let c = 0; c < dv; c++) {
  const column = Float64Array.from({ length: n }, (_, i) => (c === 0 ? 1 : noise[i * 4 + c]))
  for (const before of values) {
    const share = dot(column, before) / dot(before, before)
    for (let i = 0; i < n; i++) column[i] -= share * before[i]
  }
  const size = Math.sqrt(dot(column, column) * n)
  values.push(column.map((x) => Math.fround(x / size)))
}

const norm = (x: ArrayLike<number>) => Math.sqrt(dot(x, x))
const frobenius = Math.sqrt(weights.reduce((sum, p) => sum + dot(p, p), 0))

/** (P̃ΨᵀΨV − P̃V) for many seeds: [seed][column][row]. */
const block = matrix(n, n + dv)
for (let i = 0; i < n; i++) {
  for (let j = 0; j < n; j++) block.data[i * (n + dv) + j] = weights[j][i]
  for (let c = 0; c < dv; c++) block.data[i * (n + dv) + n + c] = values[c][i]
}
const errors = Array.from({ length: seeds }, (_, s) => {
  const into = matrix(m, n + dv)
  amsSketch({ m, seed: s + 1 }).accumulate(into, block, 0)
  return values.map((v, c) => {
    const product = new Float64Array(n)
    for (let r = 0; r < m; r++) {
      const right = into.data[r * (n + dv) + n + c]
      for (let i = 0; i < n; i++) product[i] += into.data[r * (n + dv) + i] * right
    }
    return product.map((x, i) => x - dot(weights[i], v))
  })
})

describe('Lemma 3.6 with AMS signs', () => {
  it('has rows of P̃ no longer than cosh R/√n, so that 2·dv·cosh²(R)/(ε²δ) rows of AMS keep all entries within ε/√n but for δ', () => {
    // Weights 1 + s + s²/2 of scores in [−1, 1] lie in [½, 2½]: R = ln √5. Kantorovich: √n·‖P̃_j‖₂ ≤ cosh R.
    const longest = Math.cosh(Math.log(5) / 2)
    for (const p of weights) expect(Math.sqrt(n) * norm(p)).toBeLessThanOrEqual(longest)
    const delta = 0.2
    const epsilon = Math.sqrt((2 * dv * longest ** 2) / (m * delta)) // what m rows are enough for
    const beyond = errors.filter((columns) => columns.some((e) => e.some((x) => Math.abs(x) > epsilon / Math.sqrt(n))))
    expect(beyond.length / seeds).toBeLessThanOrEqual(delta)
    const mean = errors.flat().reduce((sum, e) => sum + dot(e, e) * n, 0) / (seeds * dv * n)
    expect(mean).toBeLessThanOrEqual((2 * longest ** 2) / (m * n)) // the second moment that Chebyshev stands on, for one entry
    expect(mean).toBeGreaterThan(0.2 / (m * n))
  })

  it('Part 2, repaired: the mean of |error|² is Σ Var, at most 2·‖P̃‖_F²|V_i|²/m', () => {
    const shares = new Float64Array(seeds)
    for (const [c, v] of values.entries()) {
      const wanted = weights.reduce((sum, u) => sum + amsVariance({ u, v, m }), 0)
      const squares = errors.map((one) => dot(one[c], one[c]))
      const mean = squares.reduce((a, b) => a + b) / seeds
      const spread = Math.sqrt(squares.reduce((sum, x) => sum + (x - mean) ** 2, 0) / seeds / seeds)
      expect(Math.abs(mean - wanted)).toBeLessThan(5 * spread)
      expect(wanted).toBeLessThanOrEqual((2 * frobenius ** 2 * dot(v, v)) / m)
      for (const [s, square] of squares.entries()) shares[s] += square / wanted / dv
    }
    // All columns together see more than one does: twice the variance is 5 standard errors off in one.
    const mean = shares.reduce((a, b) => a + b) / seeds
    const spread = Math.sqrt(shares.reduce((sum, x) => sum + (x - mean) ** 2, 0) / seeds / seeds)
    expect(Math.abs(mean - 1)).toBeLessThan(5 * spread)
  })

  it('Part 2: c in |error| ≤ c·‖P̃‖_F|V_i|/√m is at most 4.2 over 600 columns', () => {
    const constants = errors.flatMap((one) =>
      one.map((e, c) => (norm(e) * Math.sqrt(m)) / (frobenius * norm(values[c]))),
    )
    expect(Math.max(...constants)).toBeLessThan(LARGEST_COLUMN)
    expect(Math.max(...constants)).toBeGreaterThan(LARGEST_COLUMN * 0.9)
  })

  it('Part 1: c in |error| ≤ c·|P̃_j||V_i|/√m is at most 4.6 over 150 000 entries', () => {
    const constants = errors.map((one) =>
      Math.max(
        ...one.map((e, c) =>
          Math.max(...e.map((x, j) => (Math.abs(x) * Math.sqrt(m)) / (norm(weights[j]) * norm(values[c])))),
        ),
      ),
    )
    expect(Math.max(...constants)).toBeLessThan(LARGEST_ENTRY)
    expect(Math.max(...constants)).toBeGreaterThan(LARGEST_ENTRY * 0.9)
  })

  it('on the paper’s own premises the zero vector meets both parts: they say nothing for ε₂ ≥ e^R/√n', () => {
    const epsilon = Math.E / Math.sqrt(n) // R = 1
    for (const v of values) {
      expect(norm(v)).toBeLessThanOrEqual((1 + 1e-6) / Math.sqrt(n))
      const truth = weights.map((p) => dot(p, v))
      expect(Math.max(...truth.map(Math.abs))).toBeLessThanOrEqual(epsilon / Math.sqrt(n))
      expect(norm(truth)).toBeLessThanOrEqual(epsilon)
    }
    // and at the m the lemma asks for that ε₂, the sketch has more rows than the stream
    expect(Math.log(n * dv) / epsilon ** 2).toBeGreaterThan(n * 0.8)
  })
})
