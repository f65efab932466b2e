// Up to which score a Taylor polynomial is near exp. Kills: a radius for another error or side.
import { describe, expect, it } from 'vitest'
import { taylorFeatures, taylorRadius } from '../src'
import { taylor } from './truth'

describe('the radius', () => {
  it.each(Array.from({ length: 17 }, (_, degree) => degree))(
    'of degree %i: error ≤ 1/10 within, reached at its negative end',
    (degree) => {
      const { radius } = taylorFeatures({ d: 1, degree, scale: 1 })
      const error = (s: number) => Math.abs(taylor(degree, s) * Math.exp(-s) - 1)
      for (let i = -1000; i <= 1000; i++) expect(error((radius * i) / 1000)).toBeLessThanOrEqual(0.1 + 1e-9)
      expect(error(-radius)).toBeGreaterThan(0.1 - 1e-6)
      expect(error(-radius * 1.001)).toBeGreaterThan(0.1)
    },
  )

  it('grows with the degree and the error', () => {
    for (let degree = 1; degree < 30; degree++)
      expect(taylorRadius(degree, 0.1)).toBeGreaterThan(taylorRadius(degree - 1, 0.1))
    expect(taylorRadius(4, 0.01)).toBeLessThan(taylorRadius(4, 0.1))
    expect(Math.abs(taylorRadius(0, 0.1) - Math.log(1.1))).toBeLessThan(1e-12)
    expect(() => taylorRadius(1, 0)).toThrow('taylorRadius: error must be a finite number > 0, got 0')
    expect(() => taylorRadius(-1, 0.1)).toThrow('taylorRadius: degree must be an integer >= 0, got -1')
  })
})
