// The parts of the decoder by themselves. Kills: an off-by-one rank (first case), ties dropped, zeros returned; conjugate gradients that stop
// early (1e-3), that start from zero, or forget a duplicate row; a transposed product.
import { describe, expect, it } from 'vitest'
import { largest, largestOf } from '../src/largest'
import { leastSquares } from '../src/least-squares'
import { randomOf } from './truth'

describe('largest', () => {
  it('finds what sorting finds, ties by position', () => {
    for (let seed = 1; seed <= 300; seed++) {
      const random = randomOf(seed)
      const scores = Float64Array.from({ length: random.below(60) }, () => random.below(seed % 2 ? 5 : 1000) - 1)
      const count = random.below(70)
      const wanted = Array.from(scores.keys())
        .filter((i) => scores[i] > 0)
        .toSorted((a, b) => scores[b] - scores[a] || a - b)
        .slice(0, count)
      const found = largest(scores.slice(), count)
      expect(found.length).toBe(wanted.length)
      const sorted = (all: Iterable<number>) => Array.from(all, (i) => scores[i]).toSorted((a, b) => a - b)
      expect(sorted(found)).toEqual(sorted(wanted))
      expect(Array.from(found)).toEqual(Array.from(found).toSorted((a, b) => a - b))
      expect(Array.from(found)).toEqual(wanted.toSorted((a, b) => a - b))
    }
  })

  it('keeps keys and values together', () => {
    const { keys, values } = largestOf({ keys: Float64Array.of(9, 4, 7, 1), values: Float64Array.of(-5, 0, 2, 3) }, 2)
    expect([...keys]).toEqual([9, 1])
    expect([...values]).toEqual([-5, 3])
  })
})

describe('leastSquares', () => {
  it('solves what Gaussian elimination solves', () => {
    for (let seed = 1; seed <= 40; seed++) {
      const random = randomOf(seed)
      const [count, each, height] = [1 + random.below(12), 5, 30]
      const rows = Uint32Array.from({ length: count * each }, (_, at) => (at % each) * 6 + random.below(6))
      const values = Float32Array.from({ length: count * each }, () => random.sign())
      const target = Float64Array.from({ length: height }, () => random.normal())
      const x = Float64Array.from({ length: count }, () => random.normal())
      leastSquares({ count, each, height, rows, values }, target, x)

      const columns = Array.from({ length: count }, (_, c) => {
        const column = new Float64Array(height)
        for (let e = 0; e < each; e++) column[rows[c * each + e]] += values[c * each + e]
        return column
      })
      // The residual of a least-squares solution is orthogonal to every column, whatever their rank.
      const residual = target.map((y, i) => y - columns.reduce((sum, column, c) => sum + column[i] * x[c], 0))
      for (const column of columns) {
        expect(Math.abs(column.reduce((sum, value, i) => sum + value * residual[i], 0))).toBeLessThan(1e-9)
      }
    }
  })

  it('starts from x: of two equal columns each keeps its share', () => {
    const columns = { count: 2, each: 1, height: 1, rows: Uint32Array.of(0, 0), values: Float32Array.of(1, 1) }
    const x = Float64Array.of(3, 1)
    leastSquares(columns, Float64Array.of(6), x)
    expect([...x]).toEqual([4, 2]) // from zero on it would be 3 and 3
  })

  it('leaves a solution as it is', () => {
    const columns = { count: 1, each: 2, height: 2, rows: Uint32Array.of(0, 1), values: Float32Array.of(1, -1) }
    const x = Float64Array.of(3)
    leastSquares(columns, Float64Array.of(3, -3), x)
    expect(x[0]).toBe(3)
  })

  it('leaves x as it is where a step has no length in float64', () => {
    const columns = { count: 1, each: 1, height: 1, rows: Uint32Array.of(0), values: Float32Array.of(2 ** -100) }
    const x = Float64Array.of(0)
    leastSquares(columns, Float64Array.of(2 ** -400), x) // a gradient of 2^-500, whose image has no square
    expect([...x]).toEqual([0])
  })
})
