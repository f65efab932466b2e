// What a certificate says. Truth: closed forms, e^{2R}·2⁻²⁴ by hand, dense maximisation in float64. lemma-3-1.test.ts tries the bound on pairs.
// Kills: a verdict that ignores float32, rounding without e^{2R}, 'everywhere' for an odd degree, a minimax bound that is not moved to another radius.
import { describe, expect, it } from 'vitest'
import { anisotropicFeatures, certificate, minimaxFeatures, taylorFeatures } from '../src'
import { cloud } from './pilot'

const taylor = (degree: number) => taylorFeatures({ d: 2, degree, scale: 1 })
const relative = (p: (s: number) => number, radius: number) => {
  let worst = 0
  for (let i = 0; i <= 20_000; i++) {
    const s = radius * ((2 * i) / 20_000 - 1)
    worst = Math.max(worst, Math.abs(p(s) * Math.exp(-s) - 1))
  }
  return worst
}
const series = (degree: number) => (s: number) => {
  let p = 1
  for (let j = degree; j >= 1; j--) p = 1 + (p * s) / j
  return p
}

/** Error that a map whole up to degree g may have at radius 0.4. */
const tail = (g: number) => Math.exp(0.4) * (Math.exp(0.4) - series(g)(0.4))

describe('certificate', () => {
  it.each([0, 1, 2, 5, 8, 13, 20])('of Taylor degree %i: error 1/10 at its radius, the truth elsewhere', (degree) => {
    const map = taylor(degree)
    expect(Math.abs(certificate(map).approximation - 0.1)).toBeLessThan(1e-9)
    for (const radius of [0, 0.3, 1, 3]) {
      const { approximation, cancellation, rounding, error, ...rest } = certificate(map, { radius })
      const truth = relative(series(degree), radius)
      expect(approximation).toBeGreaterThanOrEqual(truth - 1e-12)
      expect(approximation).toBeLessThan(truth + 1e-6)
      expect(Math.abs(cancellation / Math.exp(2 * radius) - 2 ** -24)).toBeLessThan(1e-20)
      expect(rounding).toBeGreaterThan(2 * 2 ** -24)
      expect(rounding).toBeLessThan((6 * radius * 2 + 3) * 2 ** -24 * Math.exp(2 * radius))
      expect(error).toBe(approximation + rounding)
      expect(rest.premise).toBe('score')
      expect(rest.positive).toBe(degree % 2 === 0 ? 'everywhere' : truth < 1 ? 'within' : 'no')
    }
  })

  it('of a minimax map holds at its radius, within it, and beyond', () => {
    const map = minimaxFeatures({ d: 2, degree: 4, radius: 2, scale: 1 })
    const at = (radius: number) => certificate(map, { radius }).approximation
    expect(certificate(map).approximation).toBe(at(2))
    expect(Math.abs(at(2) / 0.014501 - 1)).toBeLessThan(0.01)
    expect(at(1)).toBeLessThanOrEqual(at(2) * 1.001)
    expect(at(3)).toBeGreaterThan(10 * at(2))
  })

  it('of an anisotropic map: e^R·Σ R^j/j! over the degrees that are not whole', () => {
    const pilot = cloud(50, 3, { seed: 1, decay: 2 })
    const map = anisotropicFeatures({ pilotKeys: pilot, pilotQueries: pilot, t: 12, scale: 0.5 })
    const { premise, approximation, radius } = certificate(map, { radius: 0.4 })
    expect([premise, radius]).toEqual(['norms', 0.4])
    expect([0, 1, 2, 3].some((g) => Math.abs(approximation / tail(g) - 1) < 1e-9)).toBe(true)
    expect(certificate(map).approximation).toBeLessThan(0.1000001)
    const spectrum = cloud(50, 3, { seed: 1, decay: 9 })
    const line = anisotropicFeatures({ pilotKeys: spectrum, pilotQueries: spectrum, t: 5, scale: 0.5 })
    expect(certificate(line).positive).toBe('everywhere') // the constant to the fourth power of one variable
  })

  it.each([
    [{ radius: 1, epsilon: 0.1 }, 'ok'],
    [{ radius: 1, epsilon: 1e-4 }, 'degree'],
    [{ radius: 3, epsilon: 3e-5 }, 'degree'],
    [{ radius: 3, epsilon: 2e-5 }, 'infeasible'],
    [{ radius: 9 }, 'infeasible'],
    [{ radius: 8, epsilon: 0.5 }, 'infeasible'],
  ])('of Taylor degree 6, %o: %s', (options, verdict) => {
    expect(certificate(taylor(6), options).verdict).toBe(verdict)
  })

  it('says when only the proven share of float32 is in the way', () => {
    expect(certificate(taylor(18), { radius: 3, epsilon: 1e-4 }).verdict).toBe('rounding')
    expect(certificate(taylor(18), { radius: 3, epsilon: 1e-3 }).verdict).toBe('ok')
  })

  it.each([
    [() => certificate(taylor(2), { radius: -1 }), 'certificate: radius must be from 0 to 256, got -1'],
    [() => certificate(taylor(2), { epsilon: 0 }), 'certificate: epsilon must be a finite number > 0, got 0'],
    [
      () => certificate({ ...taylor(2), spec: '{"kind":"mine"}' }),
      'certificate: the spec names no feature map of this package',
    ],
  ])('refuses %s', (call, message) => {
    expect(call).toThrow(RangeError)
    expect(call).toThrow(expect.objectContaining({ message }))
  })
})
