// Anisotropic monomials beside all monomials of a degree: the same where they are the same, better where the spectrum falls.
// Kills: a search that does not look at the pilot, √e! left out of a feature, a basis turned on one side only.
import { describe, expect, it } from 'vitest'
import type { FeatureMap } from '@sublinear/core'
import { anisotropicFeatures, certificate, featureDimension, taylorFeatures } from '../src'
import { mapped, parts } from './anisotropic-maps'
import { cloud, normals } from './pilot'

describe('anisotropicFeatures', () => {
  it('with all monomials of a degree are Taylor features, turned', () => {
    const pilotKeys = cloud(100, 3, { seed: 1, decay: 0, size: 0.02 })
    const map = anisotropicFeatures({ pilotKeys, pilotQueries: pilotKeys, t: 20, scale: 1 })
    const taylor = taylorFeatures({ d: 3, degree: 3, scale: 1, centre: parts(map).centre })
    const [q, k] = [cloud(1, 3, { seed: 3 }), cloud(1, 3, { seed: 4 })]
    const product = (one: FeatureMap) => {
      const [a, b] = [mapped(one, 'queries', q).features, mapped(one, 'keys', k).features]
      return a.reduce((sum, x, f) => sum + x * b[f], 0)
    }
    expect(Math.abs(product(map) - product(taylor))).toBeLessThan(1e-5)
    expect(certificate(map).positive).toBe('within')
  })

  it('answer better than all monomials of a degree in as much room, where the spectrum falls', () => {
    const d = 16
    const [keys, queries] = [cloud(400, d, { seed: 1 }), cloud(50, d, { seed: 2 })]
    const values = normals(400, 3)
    const scale = 0.5
    const map = anisotropicFeatures({ pilotKeys: keys, pilotQueries: queries, t: featureDimension(d, 2), scale })
    const errorOf = (one: FeatureMap) => {
      const [left, right] = [mapped(one, 'queries', queries), mapped(one, 'keys', keys)]
      let [off, all] = [0, 0]
      for (let i = 0; i < 50; i++) {
        const sums = [0, 0, 0, 0]
        for (let j = 0; j < 400; j++) {
          let [s, product] = [0, 0]
          for (let c = 0; c < d; c++) s += queries.data[i * d + c] * keys.data[j * d + c]
          for (let f = 0; f < one.t; f++) product += left.features[i * one.t + f] * right.features[j * one.t + f]
          const weight = Math.exp(scale * s)
          for (const [at, x] of [weight, weight * values[j], product, product * values[j]].entries()) sums[at] += x
        }
        off += (sums[1] / sums[0] - sums[3] / sums[2]) ** 2
        all += (sums[1] / sums[0]) ** 2
      }
      return Math.sqrt(off / all)
    }
    const centre = parts(map).centre
    expect(errorOf(map)).toBeLessThan(0.2 * errorOf(taylorFeatures({ d, degree: 2, scale, centre })))
  })
})
