// Sums of a sketch by pieces, against Ψ·A by its definition: columns with so many entries that few of them are listed at a time, and float64 sums of float32 blocks.
// Kills: a piece whose rows are those of another, a column listed twice or under another number, a block of more than 64 rows, or one over a border of them.
import { expect, test } from 'vitest'
import { matrix, sparseSketchMatrix, type Matrix, type SketchMatrix } from '../src'
import { addBlock } from '../src/sketch-state'
import { random } from './test-matrices'

const [m, width] = [5, 3]
/** Entry e of a column: a row and a small integer, so that sums are exact. */
const entry = (column: number, e: number) => [(7 * column + e * e) % m, ((column + 3 * e) % 5) - 2] as const

test.each([
  [40, 1000],
  [9, 16_384],
  [5, 32_768],
  [3, 40_000],
  [70, 1],
])('%i rows of %i entries each are added as the columns have them', (rows, nonzeros) => {
  const asked: [number, number][] = []
  const sparse = sparseSketchMatrix({
    kind: 'x',
    m,
    seed: 1,
    nonzeros,
    entries(first, count, targets, factors) {
      asked.push([first, count])
      for (let c = 0; c < count; c++)
        for (let e = 0; e < nonzeros; e++) [targets[c * nonzeros + e], factors[c * nonzeros + e]] = entry(first + c, e)
    },
  })
  const block = matrix(
    rows,
    width,
    random(rows, width, 1).data.map((x) => Math.round(8 * x)),
  )
  for (const first of [0, 1001]) {
    asked.length = 0
    const into = matrix(m, width)
    sparse.accumulate(into, block, first)
    const wanted = new Float64Array(m * width)
    for (let r = 0; r < rows; r++)
      for (let e = 0; e < nonzeros; e++) {
        const [row, factor] = entry(first + r, e)
        for (let c = 0; c < width; c++) wanted[row * width + c] += factor * block.data[r * width + c]
      }
    expect([...into.data]).toEqual([...wanted])
    expect(asked.reduce((sum, [, count]) => sum + count, 0)).toBe(rows)
    for (const [i, [from, count]] of asked.entries()) {
      expect(from).toBe(first + asked.slice(0, i).reduce((sum, [, own]) => sum + own, 0))
      expect(count).toBeLessThanOrEqual(Math.max(1, Math.floor(32_768 / nonzeros)))
    }
  }
})

test('float64 sums are of float32 blocks of 64 columns, which begin where the columns do', () => {
  const blocks: [number, number][] = []
  const counted = {
    m: 1,
    accumulate(into: Matrix, { rows, cols, data }: Matrix, first: number) {
      blocks.push([first, rows])
      for (let i = 0; i < rows * cols; i++) into.data[i % cols] += data[i]
    },
  } as Partial<SketchMatrix> as SketchMatrix
  const into = new Float64Array(2).fill(0.5)
  addBlock(counted, into, matrix(150, 2, new Float32Array(300).fill(1)), 30)
  expect(blocks).toEqual([
    [30, 34],
    [64, 64],
    [128, 52],
  ])
  expect([...into]).toEqual([150.5, 150.5])
})
