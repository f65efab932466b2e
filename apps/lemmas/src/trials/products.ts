import { matrix, type SketchMatrix } from '@sublinear/core'
import type { Ready } from '../statement.ts'

/** Length of u and v; no statement about their products depends on it. */
const LENGTH = 32

/** Trials of the products of two sketches: u and v stay, the matrix is a fresh one for each seed. */
export function products(
  sketchOf: (size: { readonly m: number; readonly seed: number }) => SketchMatrix,
  rows: number,
  epsilon: number,
  degrees: number,
): Ready {
  const [u, v] = vectors((degrees * Math.PI) / 180)
  const both = matrix(
    LENGTH,
    2,
    Float32Array.from({ length: 2 * LENGTH }, (_, i) => (i % 2 ? v : u)[i >> 1]),
  )
  const exact = dot(both.data)
  const images = new Float32Array(2 * rows)
  return {
    facts: `${rows.toLocaleString('en-US')} rows`,
    trial: (seed) => {
      images.fill(0)
      sketchOf({ m: rows, seed }).accumulate(matrix(rows, 2, images), both, 0)
      return Math.abs(dot(images) - exact) / epsilon
    },
  }
}

/** Two vectors of norm 1 at an angle. */
export function vectors(angle: number): [Float64Array, Float64Array] {
  const u = unit(wave(1.3))
  const other = wave(2.1)
  const along = other.reduce((sum, x, i) => sum + x * u[i], 0)
  const across = unit(other.map((x, i) => x - along * u[i]))
  return [u, u.map((x, i) => Math.cos(angle) * x + Math.sin(angle) * across[i])]
}

const wave = (step: number) => Float64Array.from({ length: LENGTH }, (_, i) => Math.sin(step * (i + 1)))
const unit = (x: Float64Array) => x.map((one) => one / Math.hypot(...x))

/** The product of two columns that stand side by side. */
function dot(pairs: Float32Array): number {
  let sum = 0
  for (let i = 0; i < pairs.length; i += 2) sum += pairs[i] * pairs[i + 1]
  return sum
}
