// The eigensolver behind anisotropic maps. Truth: matrices with known spectra, and the residual A·v − λ·v in float64, which needs no
// reference. Kills: a rotation by the wrong sign (residual 1), values not sorted, vectors as columns, a rank-deficient matrix.
import { describe, expect, it } from 'vitest'
import { symmetricEigen } from '../src/symmetric-eigen'
import { normals } from './pilot'

const random = (d: number, seed: number) => {
  const x = normals(d * d, seed)
  return x.map((_, i) => x[i] + x[(i % d) * d + Math.floor(i / d)])
}

describe.each([1, 2, 3, 17, 64])('symmetricEigen of %i variables', (d) => {
  it.each([
    ['random', random(d, d)],
    ['rank one', Float64Array.from({ length: d * d }, (_, i) => ((i % d) + 1) * (Math.floor(i / d) + 1))],
    ['identity', Float64Array.from({ length: d * d }, (_, i) => (i % (d + 1) === 0 ? 1 : 0))],
    ['zero', new Float64Array(d * d)],
  ])('%s: orthonormal rows, descending values, no residual', (_, a) => {
    const { values, vectors } = symmetricEigen(a, d)
    const size = Math.sqrt(a.reduce((sum, x) => sum + x * x, 0))
    for (let i = 0; i < d; i++) {
      if (i > 0) expect(values[i]).toBeLessThanOrEqual(values[i - 1])
      const v = vectors.subarray(i * d, (i + 1) * d)
      for (let r = 0; r < d; r++) {
        let [image, product] = [0, 0]
        for (let c = 0; c < d; c++) {
          image += a[r * d + c] * v[c]
          product += vectors[r * d + c] * v[c]
        }
        expect(Math.abs(image - values[i] * v[r])).toBeLessThan(1e-13 * (1 + size))
        expect(Math.abs(product - (r === i ? 1 : 0))).toBeLessThan(1e-13)
      }
    }
  })
})

it('finds the eigenvalues 2 − 2·cos(πj/(d + 1)) of the second difference', () => {
  const d = 30
  const a = Float64Array.from({ length: d * d }, (_, i) => {
    const apart = Math.abs((i % d) - Math.floor(i / d))
    return apart === 0 ? 2 : apart === 1 ? -1 : 0
  })
  const { values } = symmetricEigen(a, d)
  for (let j = 1; j <= d; j++)
    expect(Math.abs(values[d - j] - (2 - 2 * Math.cos((Math.PI * j) / (d + 1))))).toBeLessThan(1e-13)
})
