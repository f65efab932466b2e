import { matrix, type Matrix } from '@sublinear/attention'
import { philox } from '@sublinear/core'
import type { Head } from './captures.ts'

/**
 * Tokens as diffuse heads have them: Gaussian queries and keys whose scores have this deviation at scale 1/√d, values smooth in the key
 * (the sine of a random projection) about a mean of 0.3.
 */
export function diffuseHead(n: number, queries: number, d: number, spread: number, seed: number): Head {
  const unit = Math.sqrt(spread)
  const keys = normals(n, d, seed, unit)
  const directions = normals(d, d, seed + 1, 1 / (Math.sqrt(d) * unit))
  const values = matrix(n, d)
  for (let i = 0; i < n; i++) {
    for (let c = 0; c < d; c++) {
      let along = 0
      for (let e = 0; e < d; e++) along += keys.data[i * d + e] * directions.data[e * d + c]
      values.data[i * d + c] = Math.sin(along) + 0.3
    }
  }
  const asked = normals(n + queries, d, seed + 2, unit)
  return { name: `σ ${spread}`, queries: asked, keys, values }
}

/** rows × cols independent normal numbers times `unit`: the same for the same seed. */
export function normals(rows: number, cols: number, seed: number, unit: number): Matrix {
  const out = matrix(rows, cols)
  const words = new Uint32Array(4)
  for (let i = 0; i < out.data.length; i++) {
    if (i % 2 === 0) philox(words, seed, 7, i / 2, 0, 0, 0)
    const radius = Math.sqrt(-2 * Math.log((words[0] + 1) / 2 ** 32))
    const angle = (2 * Math.PI * words[1]) / 2 ** 32
    out.data[i] = unit * radius * (i % 2 === 0 ? Math.cos(angle) : Math.sin(angle))
  }
  return out
}
