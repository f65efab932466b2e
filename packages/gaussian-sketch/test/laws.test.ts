// The laws of every sketch matrix, for Gaussian entries, and the two moments of ⟨Ψu, Ψv⟩ over 4000 seeds, five standard errors.
// A row's (Σgᵢuᵢ)(Σgᵢvᵢ) is a product of two normal numbers of covariance ⟨u, v⟩: its variance is |u|²|v|² + ⟨u, v⟩² (Isserlis),
// and the mean of m independent rows has 1/m of it. Kills, over the mistakes that the laws list: rows that share words (z = 60).
// False alarms: 1.2e-6 a pair. Misses: rows that repeat in pairs below 1e-9 (over 12 other sets of seeds the variance is 12 to 20 standard errors off; normal); one row
// that is there twice below 1e-9 (36 standard errors, by the law of two rows).
import { innerProductLaw, sketchMatrixLaws } from '@sublinear/laws'
import { describe, test } from 'vitest'
import { gaussianSketch } from '../src'

const name = 'gaussianSketch'
const dot = (u: Float64Array, v: Float64Array) => u.reduce((sum, x, i) => sum + x * v[i], 0)

describe('the laws', () => {
  const laws = [
    ...sketchMatrixLaws({ name, make: gaussianSketch }),
    ...innerProductLaw({ name, make: gaussianSketch, first: 2 ** 32 - 32 }, ({ u, v, m }) => {
      return (dot(u, u) * dot(v, v) + dot(u, v) ** 2) / m
    }),
  ]
  for (const law of laws) test(law.name, law.run)
})
