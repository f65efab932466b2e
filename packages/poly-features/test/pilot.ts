import { matrix, philox, type Matrix } from '@sublinear/core'

/** Independent normal numbers in float64, for test data only. */
export function normals(count: number, seed: number): Float64Array {
  const words = new Uint32Array(4)
  return Float64Array.from({ length: count }, (_, i) => {
    philox(words, seed, 0x7465, i, 0, 0, 0)
    return Math.sqrt(-2 * Math.log((words[0] + 0.5) / 2 ** 32)) * Math.cos((2 * Math.PI * words[1]) / 2 ** 32)
  })
}

/** rows × d normal rows whose coordinate i has the standard deviation size·(i + 1)^−decay, about `mean`, turned so that no axis is special. */
export function cloud(
  rows: number,
  d: number,
  { seed, size = 1, decay = 1, mean = 0 }: { seed: number; size?: number; decay?: number; mean?: number },
): Matrix {
  const x = normals(rows * d, seed)
  const out = matrix(rows, d)
  for (let r = 0; r < rows; r++) {
    const row = Float64Array.from({ length: d }, (_, c) => x[r * d + c] * size * (c + 1) ** -decay)
    for (let c = 0; c + 1 < d; c++) {
      const [a, b] = [row[c], row[c + 1]]
      row[c] = 0.8 * a - 0.6 * b
      row[c + 1] = 0.6 * a + 0.8 * b
    }
    for (let c = 0; c < d; c++) out.data[r * d + c] = row[c] + mean
  }
  return out
}
