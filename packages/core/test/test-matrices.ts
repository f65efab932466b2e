import { denseSketchMatrix, philox, sparseSketchMatrix, type Matrix, type SketchMatrix } from '../src'

/** Entry (row, index) of the dense test matrix: a multiple of 2^-7 from −1 to 1, a function of the seed. */
export function denseEntry(seed: number, row: number, index: number): number {
  const words = new Uint32Array(4)
  philox(words, seed, 0, index % 2 ** 32, Math.floor(index / 2 ** 32), row, 0)
  return ((words[0] >>> 24) - 128) / 128
}

export function dense(m: number, seed: number, kind = 'test-dense'): SketchMatrix {
  return denseSketchMatrix({
    kind,
    m,
    seed,
    bytes: 24,
    columns(first, count, out) {
      if (count > 64 || Math.floor(first / 64) !== Math.floor((first + count - 1) / 64))
        throw new Error('not within a block')
      for (let r = 0; r < m; r++) for (let c = 0; c < count; c++) out[r * count + c] = denseEntry(seed, r, first + c)
    },
  })
}

/** Column `index` of the sparse test matrix: `nonzeros` times a row and a sign, rows may repeat. */
export function sparseColumn(m: number, seed: number, nonzeros: number, index: number): [row: number, value: number][] {
  const words = new Uint32Array(4)
  return Array.from({ length: nonzeros }, (_, e) => {
    philox(words, seed, 1, index % 2 ** 32, Math.floor(index / 2 ** 32), e, 0)
    return [words[0] % m, words[1] & 1 ? 1 : -1]
  })
}

export function sparse(m: number, seed: number, nonzeros = 3): SketchMatrix {
  return sparseSketchMatrix({
    kind: `test-sparse/${nonzeros}`,
    m,
    seed,
    nonzeros,
    entries(first, count, rows, values) {
      for (let c = 0; c < count; c++) {
        for (const [e, [row, value]] of sparseColumn(m, seed, nonzeros, first + c).entries()) {
          rows[c * nonzeros + e] = row
          values[c * nonzeros + e] = value
        }
      }
    },
  })
}

/** Ψ (m × count) from column `first` on, in float64, without the code under test. */
export function psi(matrix: SketchMatrix, first: number, count: number): Float64Array {
  const { m, seed, kind } = matrix
  const out = new Float64Array(m * count)
  const nonzeros = Number(kind.split('/')[1] ?? 0)
  for (let c = 0; c < count; c++) {
    if (nonzeros === 0) for (let r = 0; r < m; r++) out[r * count + c] = denseEntry(Number(seed), r, first + c)
    else for (const [row, value] of sparseColumn(m, Number(seed), nonzeros, first + c)) out[row * count + c] += value
  }
  return out
}

/** Adds Ψ[:, first …]·block in float64. */
export function addProduct(into: Float64Array, matrix: SketchMatrix, block: Matrix, first: number): void {
  const { rows, cols, data } = block
  const columns = psi(matrix, first, rows)
  for (let r = 0; r < matrix.m; r++) {
    for (let i = 0; i < rows; i++) {
      for (let c = 0; c < cols; c++) into[r * cols + c] += columns[r * rows + i] * data[i * cols + c]
    }
  }
}

/** rows × cols numbers from −1 to 1. */
export function random(rows: number, cols: number, seed: number): Matrix {
  const words = new Uint32Array(4)
  const data = Float32Array.from({ length: rows * cols }, (_, i) => {
    philox(words, seed, 2, i, 0, 0, 0)
    return words[0] / 2 ** 31 - 1
  })
  return { rows, cols, data }
}
