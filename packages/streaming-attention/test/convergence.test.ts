// How errors fall: of sketched answers against the exact feature state as m₂ grows, of the exact feature state against softmax as the
// degree grows. 200 seeds a size; the slope of log rms error over log m₂ has a standard deviation of 0.011 to 0.025 over 8 other sets of seeds,
// the window is ±0.08. Kills: Ψ scaled by 1/m or not at all (slope −1, 0), rows of Ψ repeated (slope 0 from some m on), a bias
// (the curve flattens), a control variate that makes things worse, a degree that is not used.
// False alarms: of other seeds 1e-3 a slope at most (3.2 deviations). Misses: Ψ scaled by 1/m, or not, below 1e-9: slopes of −1 and 0 are 17 deviations outside the window.
import { amsSketch } from '@sublinear/ams-sketch'
import type { SketchMatrix } from '@sublinear/core'
import { normalise } from '@sublinear/exact-attention'
import { gaussianSketch } from '@sublinear/gaussian-sketch'
import { distance, random, softmaxOracle } from '@sublinear/laws'
import { taylorFeatures } from '@sublinear/poly-features'
import { osnap } from '@sublinear/sparse-sketch'
import { describe, expect, it, test } from 'vitest'
import { onePass, polynomialAttention } from '../src'
import { norm } from './truth'

const [n, d, dv, trials] = [192, 2, 2, 200]
const features = taylorFeatures({ d, degree: 2, scale: 0.5 })
const [queries, keys, values] = [random(16, d, 1), random(n, d, 2), random(n, dv, 3)]
const exact = polynomialAttention({ queries, keys, values, features }).data

const error = (psi: SketchMatrix, controlVariate: boolean) => {
  using stream = onePass({ features, dv, psi, controlVariate })
  stream.pushKeys(keys)
  stream.pushValues(values)
  const got = normalise(stream.attend(queries)).data
  return norm(Float64Array.from(exact, (x, i) => got[i] - x))
}
const rms = (make: (m: number, seed: number) => SketchMatrix, m: number, controlVariate: boolean) => {
  let sum = 0
  for (let seed = 0; seed < trials; seed++) sum += error(make(m, seed), controlVariate) ** 2
  return Math.sqrt(sum / trials)
}
const mean = (a: number[]) => a.reduce((s, v) => s + v, 0) / a.length

/** Least squares through (ln m, ln error). */
const slope = (sizes: readonly number[], errors: readonly number[]) => {
  const [x, y] = [sizes.map(Math.log), errors.map(Math.log)]
  const [mx, my] = [mean(x), mean(y)]
  return x.reduce((s, v, i) => s + (v - mx) * (y[i] - my), 0) / x.reduce((s, v) => s + (v - mx) ** 2, 0)
}

describe.each<[string, (m: number, seed: number) => SketchMatrix]>([
  ['AMS', (m, seed) => amsSketch({ m, seed })],
  ['Gaussian', (m, seed) => gaussianSketch({ m, seed })],
  ['OSNAP of 4', (m, seed) => osnap({ m, nonzeros: 4, seed })],
])('Ψ = %s', (_, make) => {
  const sizes = [16, 64, 256]

  test('errors fall as 1/√m₂, with and without the control variate, which is never worse here', () => {
    const [plain, less] = [false, true].map((cv) => sizes.map((m) => rms(make, m, cv)))
    for (const errors of [plain, less]) expect(Math.abs(slope(sizes, errors) + 0.5)).toBeLessThan(0.08)
    for (const [i, e] of less.entries()) expect(e).toBeLessThan(0.6 * plain[i])
  })
})

describe('the features', () => {
  it('converge to softmax within twice the remainder, degree by degree', () => {
    const truth = softmaxOracle(queries, keys, values, 0.5, () => n)
    let before = Infinity
    for (const degree of [0, 2, 4, 6, 8]) {
      let epsilon = Math.exp(2) // e^{2R}·R^{g+1}/(g + 1)!, R = 1
      for (let g = 1; g <= degree + 1; g++) epsilon /= g
      const even = taylorFeatures({ d, degree, scale: 0.5 })
      const off = distance(polynomialAttention({ queries, keys, values, features: even }).data, truth)
      if (epsilon < 1) expect(off).toBeLessThan((2 * epsilon) / (1 - epsilon) + 1e-6)
      expect(off).toBeLessThan(Math.max(before / 8, 5e-7))
      before = off
    }
  })

  it('and sketched answers go to the same place when m₂ exceeds n', () => {
    const off = error(osnap({ m: 65536, nonzeros: 8, seed: 1 }), true) / norm(exact)
    expect(off).toBeLessThan(0.03)
  })
})
