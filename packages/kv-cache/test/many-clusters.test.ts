// Clusters by the thousand. Truth: the merges of `mergeClosest`, which holds all costs; sums of weights; multiply-adds counted one by one.
// Kills: a nearest that is believed after it has moved, a row merged with itself or with one that is gone, factors of weights from before a merge, work or scratch that grows
// faster than the number of clusters for each freed slot, a fill that reads again what is held, clusters lost above the size at which costs are no longer held.
import { kernels } from '@sublinear/kernels'
import { distance, random } from '@sublinear/laws'
import { float32, type TokenStore } from '@sublinear/token-store'
import { expect, it, test, vi } from 'vitest'
import { clusters, restoreClusters } from '../src'
import { mergeClosest } from '../src/policies/merge-closest'
import { mergeMany } from '../src/policies/merge-many'

const pointsOf = (rows: number, seed: number, weighted = false) => ({
  points: random(rows, 3, seed, 4).data.map((x) => x + 9),
  values: random(rows, 2, seed + 1).data.slice(),
  weights: Float64Array.from({ length: rows }, (_, i) => (weighted ? 1 + ((i * 7) % 5) : 1)),
})

it.each([
  [300, 260, false],
  [300, 40, true],
  [90, 1, true],
  [1, 1, false],
])('of %i points until %i are left, the same merge as with all costs held (weighted: %o)', (rows, left, weighted) => {
  const [one, other] = [pointsOf(rows, rows, weighted), pointsOf(rows, rows, weighted)]
  const [got, wanted] = [mergeMany(one, left), mergeClosest(other, left)]
  expect(got.rows).toEqual(wanted.rows)
  expect(Math.abs(got.most - wanted.most)).toBeLessThanOrEqual(1e-4 * wanted.most)
  for (const row of got.rows) expect(one.weights[row]).toBe(other.weights[row])
  const rowsOf = (data: Float32Array, cols: number) => Float64Array.from(wanted.rows.flatMap((r) => [...data.subarray(r * cols, (r + 1) * cols)])) // prettier-ignore
  expect(distance(rowsOf(one.points, 3), rowsOf(other.points, 3))).toBeLessThan(1e-5)
  expect(distance(rowsOf(one.values, 2), rowsOf(other.values, 2))).toBeLessThan(1e-5)
})

test('equal points go together at no cost', () => {
  const same = { points: new Float32Array(60).fill(7), values: new Float32Array(40).fill(2), weights: new Float64Array(20).fill(1) } // prettier-ignore
  const { rows, most } = mergeMany(same, 3)
  expect([rows.length, most]).toEqual([3, 0])
  expect(rows.reduce((sum, r) => sum + same.weights[r], 0)).toBe(20)
})

test('of equal costs the earlier points go together, with and without a matrix of costs', () => {
  for (const merge of [mergeMany, mergeClosest]) {
    const points = Float32Array.of(0, 1, -1, 5, -5)
    const own = { points, values: points.slice(), weights: new Float64Array(5).fill(1) }
    expect(merge(own, 4)).toEqual({ rows: [0, 2, 3, 4], most: 0.5 })
    expect([own.points[0], own.values[0], own.weights[0]]).toEqual([0.5, 0.5, 2])
  }
})

test('work grows with the number of clusters for each freed slot, and scratch no faster', () => {
  const product = vi.spyOn(kernels(), 'product')
  for (const rows of [500, 1000, 2000]) {
    product.mockClear()
    mergeMany(pointsOf(rows, 1), rows - rows / 8)
    const all = product.mock.calls.reduce((sum, [, , , , some, inner, cols]) => sum + some * inner * cols, 0)
    // All pairs once, then some rows anew for each of rows / 8 merges.
    expect(all / (rows * rows * 3)).toBeGreaterThan(1)
    expect(all / (rows * rows * 3)).toBeLessThan(1.75)
    for (const [, out] of product.mock.calls) expect(out.length).toBeLessThanOrEqual(2 ** 18)
  }
  product.mockRestore()
})

test('filling reads nothing that is held, and writes every token once', () => {
  let [read, written] = [0, 0]
  const store: TokenStore = {
    ...float32,
    make(options) {
      const held = float32.make(options)
      const [readAll, write] = [held.read.bind(held), held.write.bind(held)]
      held.read = (...of) => {
        const block = readAll(...of)
        read += block.keys.rows
        return block
      }
      held.write = (block, from, rows, at) => {
        written += rows
        write(block, from, rows, at)
      }
      return held
    },
  }
  using tier = clusters({ count: 4000, store })({ d: 1, dv: 1, scale: 1 })
  const block = { keys: random(1000, 1, 1), values: random(1000, 1, 2) }
  for (let i = 0; i < 4; i++) tier.push(block)
  expect([read, written]).toEqual([0, 4000 - tier.waits()!.keys.rows])
})

test('above the size at which costs are held, clusters hold all weights and go on from snapshots', () => {
  const tier = clusters({ count: 4300 })({ d: 2, dv: 1, scale: 1 })
  tier.push({ keys: random(4290, 2, 1), values: random(4290, 1, 2) })
  expect(tier.read().weights).toBeUndefined()
  const again = restoreClusters(tier.toBytes())
  for (const one of [tier, again]) one.push({ keys: random(300, 2, 3), values: random(300, 1, 4) })
  expect(again.toBytes()).toEqual(tier.toBytes())
  const { keys, weights } = tier.read()
  expect(keys.rows).toBeLessThanOrEqual(4300)
  const waiting = tier.waits()!.keys.rows
  expect(weights!.reduce((a, b) => a + b, waiting)).toBe(4590)
  expect(weights!.some((w) => w > 1)).toBe(true)
})
