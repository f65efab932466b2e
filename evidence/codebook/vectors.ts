import { philox, seedWords } from '@sublinear/core'
import type { Matrix } from '@sublinear/attention'

/** Vectors of Gaussian entries, by Box and Muller. */
export function gaussians(count: number, width: number, seed: number): Float64Array[] {
  const [low, high] = seedWords(BigInt(seed))
  const words = new Uint32Array(4)
  return Array.from({ length: count }, (_, r) =>
    Float64Array.from({ length: width }, (_, c) => {
      philox(words, low, high, r, c, 0, 0)
      const radius = Math.sqrt(-2 * Math.log((words[0] + 0.5) / 2 ** 32))
      return radius * Math.cos((2 * Math.PI * words[1]) / 2 ** 32)
    }),
  )
}

/** The mean of the first rows; zeros where there are none. */
export function centreOf({ cols, data }: Matrix, first: number): Float64Array {
  const centre = new Float64Array(cols)
  for (let i = 0; i < first * cols; i++) centre[i % cols] += data[i] / first
  return centre
}

/** Rows less a centre, with random signs, times the Hadamard matrix over √width: entries become alike. `width` is a power of two. */
export function spread({ rows, cols, data }: Matrix, centre: Float64Array, every = 1): Float64Array[] {
  return Array.from({ length: Math.floor(rows / every) }, (_, r) => {
    const x = Float64Array.from({ length: cols }, (_, c) => signs(c) * (data[r * every * cols + c] - centre[c]))
    hadamard(x)
    return x
  })
}

/** The rows that spread made these of. */
export function gathered(vectors: readonly Float64Array[], centre: Float64Array): Matrix {
  const cols = centre.length
  const data = new Float32Array(vectors.length * cols)
  for (const [r, x] of vectors.entries()) {
    const y = x.slice()
    hadamard(y)
    for (let c = 0; c < cols; c++) data[r * cols + c] = signs(c) * y[c] + centre[c]
  }
  return { rows: vectors.length, cols, data }
}

function signs(c: number): number {
  const words = new Uint32Array(4)
  philox(words, 7, 0, c, 0, 0, 0)
  return words[0] & 1 ? -1 : 1
}

function hadamard(x: Float64Array): void {
  for (let half = 1; half < x.length; half *= 2) {
    for (let i = 0; i < x.length; i++) {
      if (i & half) continue
      const [a, b] = [x[i], x[i + half]]
      x[i] = a + b
      x[i + half] = a - b
    }
  }
  const unit = 1 / Math.sqrt(x.length)
  for (let i = 0; i < x.length; i++) x[i] *= unit
}
