import { matrix, philox, type Matrix } from '@sublinear/core'

/** The longest list that was asked for, by seed, of the seeds that most suites share: shorter ones begin alike. */
const drawn = new Map<number, Float32Array>()
const SHARED_SEEDS = 8

/** Independent standard normal numbers, the same for the same seed, in an array of their own. */
export function normals(length: number, seed: number): Float32Array {
  const known = drawn.get(seed) ?? new Float32Array(0)
  if (known.length >= length) return known.slice(0, length)
  const out = new Float32Array(length)
  const from = known.length - (known.length % 2)
  out.set(known.subarray(0, from))
  draw(out, from, seed)
  if (seed >= 0 && seed < SHARED_SEEDS) drawn.set(seed, out.slice())
  return out
}

/** Draws normal numbers in pairs from an even index on. */
function draw(out: Float32Array, from: number, seed: number): void {
  const words = new Uint32Array(4)
  for (let i = from; i < out.length; i += 2) {
    philox(words, seed, 0, i, 0, 0, 0)
    const radius = Math.sqrt(-2 * Math.log((words[0] + 1) / 2 ** 32))
    const angle = (2 * Math.PI * words[1]) / 2 ** 32
    out[i] = radius * Math.cos(angle)
    if (i + 1 < out.length) out[i + 1] = radius * Math.sin(angle)
  }
}

/** Independent 32-bit words, the same for the same seed. */
export function randomWords(length: number, seed: number): Uint32Array {
  const words = new Uint32Array(4)
  return Uint32Array.from({ length }, (_, i) => {
    philox(words, seed, 1, i, 0, 0, 0)
    return words[0]
  })
}

export function normalMatrix(rows: number, cols: number, seed: number): Matrix {
  return matrix(rows, cols, normals(rows * cols, seed))
}
