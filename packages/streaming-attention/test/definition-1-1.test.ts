// Definition 1.1, the static problem: every entry within ε of PV, here against float64, by the features and by exact attention. ε comes from
// Lagrange's remainder of exp on [−R, R], not from the code under test. Kills: the order U₁(U₂ᵀV) with a missing row or a last block
// left out, a scale of √d for d, a denominator over part of the keys, an odd degree's negative mass handed out.
import { fc, test } from '@fast-check/vitest'
import { matrix } from '@sublinear/core'
import { exactAttention } from '@sublinear/exact-attention'
import { distance, random, softmaxOracle } from '@sublinear/laws'
import { taylorFeatures } from '@sublinear/poly-features'
import { describe, expect, it } from 'vitest'
import { polynomialAttention } from '../src'
import { taylorShares } from './truth'

/** |p_g(s)e^{−s} − 1| ≤ e^{2R}·R^{g+1}/(g + 1)! for |s| ≤ R. */
const remainder = (degree: number, radius: number) => {
  let term = Math.exp(2 * radius)
  for (let g = 1; g <= degree + 1; g++) term *= radius / g
  return term
}

describe('Definition 1.1', () => {
  test.prop(
    [
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 7 }),
      fc.constantFrom(1, 63, 64, 65, 200),
      fc.constantFrom(1, 64, 100),
      fc.constantFrom(2, 4, 6, 8),
      fc.nat(),
    ],
    { seed: 1, numRuns: 40 },
  )('polynomialAttention is within 2(1 − √(1 − ε²))/ε·max|v| of PV, entry by entry', (d, dv, n, rows, degree, seed) => {
    const [queries, keys, values] = [random(rows, d, seed), random(n, d, seed + 1), random(n, dv, seed + 2)]
    const truth = softmaxOracle(queries, keys, values, 1 / d, () => n) // entries up to 1, so R = 1
    const features = taylorFeatures({ d, degree, scale: 1 / d })
    const got = polynomialAttention({ queries, keys, values, features })
    expect([got.rows, got.cols]).toEqual([rows, dv])
    const epsilon = Math.min(remainder(degree, 1), 0.99)
    expect(distance(got.data, truth)).toBeLessThanOrEqual((2 * (1 - Math.sqrt(1 - epsilon ** 2))) / epsilon + 2e-6)
    // and to rounding what the polynomial says: D̃⁻¹ÃV
    const shares = taylorShares(queries, keys, 1 / d, degree)
    const wanted = shares.flatMap((p) =>
      Array.from({ length: dv }, (_, c) => p.reduce((sum, x, j) => sum + x * values.data[j * dv + c], 0)),
    )
    expect(distance(got.data, wanted)).toBeLessThan(2e-6)
  })

  it('at degree 10 and n = 2000 both solutions are within 4e-8, which is what float32 rounds', () => {
    const [queries, keys, values] = [random(2000, 3, 1), random(2000, 3, 2), random(2000, 4, 3)]
    const truth = softmaxOracle(queries, keys, values, 1 / 3, () => 2000)
    const features = taylorFeatures({ d: 3, degree: 10, scale: 1 / 3 })
    const [byFeatures, exact] = [
      polynomialAttention({ queries, keys, values, features }),
      exactAttention({ queries, keys, values, scale: 1 / 3 }),
    ].map(({ data }) => distance(data, truth))
    expect(byFeatures).toBeLessThan(4e-8)
    expect(exact).toBeLessThan(4e-8)
  })

  it('a negative denominator is answered by a lower even degree', () => {
    const keys = matrix(70, 1, new Float32Array(70).fill(-3))
    const values = random(70, 2, 1)
    const features = taylorFeatures({ d: 1, degree: 3, scale: 1 }) // p₃(−3) = −2
    const got = polynomialAttention({ queries: matrix(1, 1, Float32Array.of(1)), keys, values, features })
    const mean = [0, 1].map((c) => values.data.reduce((sum, x, i) => sum + (i % 2 === c ? x : 0), 0) / 70)
    expect(distance(got.data, mean)).toBeLessThan(1e-6)
  })

  it('no keys are zero rows; what does not fit is refused', () => {
    const features = taylorFeatures({ d: 2, degree: 2, scale: 1 })
    const none = polynomialAttention({ queries: matrix(2, 2), keys: matrix(0, 2), values: matrix(0, 3), features })
    expect([...none.data]).toEqual([0, 0, 0, 0, 0, 0])
    const call = (q: number, k: number, v: number) => () =>
      polynomialAttention({ queries: matrix(2, q), keys: matrix(5, k), values: matrix(v, 1), features })
    expect(call(3, 2, 5)).toThrow('polynomialAttention: queries must have 2 columns, got 3')
    expect(call(2, 1, 5)).toThrow('polynomialAttention: keys must have 2 columns, got 1')
    expect(call(2, 2, 4)).toThrow('polynomialAttention: values must have 5 rows, got 4')
  })
})
