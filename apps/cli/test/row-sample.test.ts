import { matrix, rowsOf, type Matrix } from '@sublinear/core'
import type { Rows } from '@sublinear/io/node'
import { describe, expect, it } from 'vitest'
import { chance } from '../src/chance'
import { errorMeter } from '../src/errors'
import { sampleRows } from '../src/row-sample'

/** A file that lies in memory. */
function fileOf(all: Matrix): Rows {
  return {
    rows: all.rows,
    cols: all.cols,
    async *blocks(size: number) {
      for (let from = 0; from < all.rows; from += size) yield rowsOf(all, from, Math.min(all.rows, from + size))
    },
    close: async () => {},
  } as unknown as Rows
}

const normal = (draw: number, i: number) =>
  Math.sqrt(-2 * Math.log(chance(draw, i, 1))) * Math.cos(2 * Math.PI * chance(draw, i, 2))

const squares = (all: Float64Array) => all.reduce((sum, x) => sum + x * x, 0)
const one = (x: number) => matrix(1, 1, Float32Array.of(x))

describe('a sample of rows', () => {
  it('is all rows where there are few', async () => {
    const { places, weights, rows, unseen } = await sampleRows(fileOf(matrix(7, 2)), 8)
    expect([places, [...weights], rows, unseen]).toEqual([[0, 1, 2, 3, 4, 5, 6], Array(7).fill(1), 7, 0])
  })

  it('has the rows of the largest norms, each for itself, and tells the largest that it has not', async () => {
    const all = matrix(5000, 2)
    for (let i = 0; i < 5000; i++) all.data[2 * i] = normal(1, i) * (i % 1000 === 17 ? 100 : 1)
    const norms = Array.from({ length: 5000 }, (_, i) => Math.abs(all.data[2 * i]))
    const { places, weights, largest, unseen } = await sampleRows(fileOf(all), 64)
    expect([places.length, largest]).toEqual([64, 16])
    expect(places).toEqual(places.toSorted((a, b) => a - b))
    const loudest = norms.map((norm, row) => ({ norm, row })).toSorted((a, b) => b.norm - a.norm)
    for (const { row } of loudest.slice(0, 16)) {
      expect(places).toContain(row)
      expect(weights[places.indexOf(row)]).toBe(1)
    }
    const seen = new Set(places)
    expect(unseen).toBe(loudest.find(({ row }) => !seen.has(row))!.norm)
  })

  // 400 files: the mean of the estimates is normal about the sum, its deviation measured; 5 deviations are a false alarm in 2·10⁶ runs. Kills: the last
  // of those drawn kept with the others; a weight of size/τ; the size without the root mean square in the weight alone.
  // Misses, over 4 other sets of 400 files: size/τ below 1e-9 (51 to 55 deviations), the size in the weight alone 1e-6 (−9.7 to −12.8; normal); the last one kept always, which the number
  // of rows above finds.
  it('stands for all rows on average, whatever is summed', async () => {
    const ratios: number[] = []
    for (let draw = 0; draw < 400; draw++) {
      const all = matrix(600, 1)
      for (let i = 0; i < 600; i++) all.data[i] = i % 3 === 0 ? 0 : normal(draw + 10, i) ** 3
      const { places, weights } = await sampleRows(fileOf(all), 60, { draw })
      expect(weights.reduce((a, b) => a + b, 0)).toBeCloseTo(600, 6)
      const each = (row: number) => 1 + (row % 3 === 0 ? 1 : 0) + Math.abs(all.data[row])
      const sum = Array.from({ length: 600 }, (_, row) => each(row)).reduce((a, b) => a + b, 0)
      ratios.push(places.reduce((total, row, i) => total + weights[i] * each(row), 0) / sum)
    }
    const mean = ratios.reduce((a, b) => a + b, 0) / ratios.length
    const deviation = Math.sqrt(ratios.reduce((a, b) => a + (b - mean) ** 2, 0) / ratios.length)
    expect(Math.abs(mean - 1)).toBeLessThan((5 * deviation) / Math.sqrt(ratios.length))
  })
})

describe('the interval of a sampled error', () => {
  // 1000 draws of 768 of 20,000 rows: between 93 and 97 % is 2.9 deviations of a coverage of 95 %, a false alarm in 330; seeds are fixed.
  // Misses: half the variance below 1e-9 (it covers 0.834), three quarters of it 0.015 (exact binomial).
  it('holds the error over all rows in 93 to 97 of 100 draws', () => {
    const rows = 20_000
    const truth = Float64Array.from({ length: rows }, (_, i) => 1 + Math.abs(normal(3, i)))
    const off = Float64Array.from({ length: rows }, (_, i) => 0.2 * normal(4, i) * truth[i])
    const error = Math.sqrt(squares(off) / squares(truth))
    let held = 0
    for (let draw = 0; draw < 1000; draw++) {
      const meter = errorMeter()
      for (let i = 0; i < 768; i++) {
        const row = Math.floor(rows * chance(100 + draw, i))
        meter.add(one(truth[row]), one(truth[row] + off[row]), one(0), rows / 768)
      }
      const { errorInterval } = meter.read({ rows, rowsLookedAt: 768, largest: 0 })
      if (errorInterval[0] <= error && error <= errorInterval[1]) held++
    }
    expect(held).toBeGreaterThanOrEqual(930)
    expect(held).toBeLessThanOrEqual(970)
  })
})
