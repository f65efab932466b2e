// The laws of every sketch matrix, for Gaussian entries, and the two moments of ⟨Ψu, Ψv⟩ over 4000 seeds, five standard errors.
// A row's (Σgᵢuᵢ)(Σgᵢvᵢ) is a product of two normal numbers of covariance ⟨u, v⟩: its variance is |u|²|v|² + ⟨u, v⟩² (Isserlis),
// and the mean of m independent rows has 1/m of it. Kills, over the mistakes that the laws list: rows that share words (z = 60).
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
