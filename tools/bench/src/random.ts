import { matrix, philox, type Matrix } from '@sublinear/core'

/** Independent standard normal numbers, the same for the same seed. */
export function normals(length: number, seed: number): Float32Array {
  const out = new Float32Array(length)
  const words = new Uint32Array(4)
  for (let i = 0; i < length; i += 2) {
    philox(words, seed, 0, i, 0, 0, 0)
    const radius = Math.sqrt(-2 * Math.log((words[0] + 1) / 2 ** 32))
    const angle = (2 * Math.PI * words[1]) / 2 ** 32
    out[i] = radius * Math.cos(angle)
    if (i + 1 < length) out[i + 1] = radius * Math.sin(angle)
  }
  return out
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
