// Held tokens against float64. Kills: weights of a slot that outlive it, log weights of a grown or cleared store, keys lost while growing,
// bytes that depend on how the tokens came, a mask that sees the slots behind it,
// scores kept for shares that outlive a token or a weight, or are taken for those of another store, other queries or a longer store.
import { fc, test } from '@fast-check/vitest'
import { emptyPartial, rowsOf, type KvBlock } from '@sublinear/core'
import { normalise } from '@sublinear/exact-attention'
import { distance, random, softmaxOracle } from '@sublinear/laws'
import { expect, it } from 'vitest'
import { heldTokens } from '../src'

const shape = { d: 3, dv: 2, scale: 0.5 }

test.prop(
  [
    fc.array(fc.record({ rows: fc.integer({ min: 0, max: 90 }), weighted: fc.boolean(), back: fc.nat(80) }), {
      maxLength: 6,
    }),
  ],
  { seed: 1, numRuns: 60 },
)('answer over the slots as they are now, whatever was there before', (writes) => {
  const store = heldTokens({ ...shape, most: 300 })
  const [keys, values, weights] = [new Float32Array(900), new Float32Array(600), new Float32Array(300).fill(1)]
  let count = 0
  for (const [i, { rows, weighted, back }] of writes.entries()) {
    const at = Math.max(0, Math.min(count, 300 - rows) - back)
    const block: KvBlock = {
      keys: random(rows, 3, i),
      values: random(rows, 2, i + 50),
      ...(weighted && { weights: random(rows, 1, i + 99).data.map((x) => 2 + x) }),
    }
    store.write(block, 0, rows, at)
    keys.set(block.keys.data, at * 3)
    values.set(block.values.data, at * 2)
    weights.set(block.weights ?? new Float32Array(rows).fill(1), at)
    count = Math.max(count, at + rows)
  }
  expect(store.count).toBe(count)
  const queries = random(5, 3, 7)
  const out = emptyPartial(5, 2)
  store.attend(queries, out, { visible: Math.max(0, count - 2), groups: 2 })
  const exact = softmaxOracle(
    queries,
    { rows: 300, cols: 3, data: keys },
    { rows: 300, cols: 2, data: values },
    0.5,
    (row) => Math.min(count, Math.max(0, count - 2) + Math.floor(row / 2)),
    weights,
  )
  expect(distance(normalise(out).data, exact)).toBeLessThan(1e-5)
  const read = store.read()
  expect([...read.keys.data]).toEqual([...keys.subarray(0, count * 3)])
  expect([...(read.weights ?? new Float32Array(count).fill(1))]).toEqual([...weights.subarray(0, count)])
  const slots = count <= 64 ? 64 : count <= 128 ? 128 : count <= 256 ? 256 : 300
  const isWeighted = weights.some((w) => w !== 1)
  expect(store.bytes).toBe(4 * slots * (3 + 2 + (isWeighted ? 2 : 0)))
})

it('are empty after clear, weights too', () => {
  const store = heldTokens({ ...shape, most: 10 })
  const block = { keys: random(10, 3, 1), values: random(10, 2, 2), weights: new Float32Array(10).fill(5) }
  store.write(block, 0, 10, 0)
  store.clear()
  expect(store.count).toBe(0)
  store.write({ keys: rowsOf(block.keys, 0, 1), values: rowsOf(block.values, 0, 1) }, 0, 1, 0)
  const out = emptyPartial(1, 2)
  store.attend({ rows: 1, cols: 3, data: new Float32Array(3) }, out)
  expect(out.mass[0] * Math.exp(out.max[0])).toBeCloseTo(1, 6)
})

it('truncate with their weights, and measure distances of what they hold', () => {
  const store = heldTokens({ ...shape, most: 100 })
  const block = { keys: random(100, 3, 1), values: random(100, 2, 2), weights: new Float32Array(100).fill(1) }
  block.weights[99] = 7
  block.weights[4] = 5
  store.write(block, 0, 100, 0)
  store.truncate(10)
  const read = store.read()
  expect(store.count).toBe(10)
  expect([...read.keys.data]).toEqual([...rowsOf(block.keys, 0, 10).data])
  expect([...read.values.data]).toEqual([...rowsOf(block.values, 0, 10).data])
  expect([...read.weights!]).toEqual([1, 1, 1, 1, 5, 1, 1, 1, 1, 1])
  const point = Float64Array.of(0.5, -1, 2)
  const wanted = (r: number) => point.reduce((sum, x, c) => sum + (read.keys.data[r * 3 + c] - x) ** 2, 0)
  expect([...store.distances(point, 2, 5)]).toEqual([2, 3, 4, 5, 6].map(wanted))
  store.weigh(4, Float32Array.of(1))
  expect(store.weights).toBeUndefined()
})

test.prop(
  [fc.integer({ min: 1, max: 5 }), fc.constantFrom('nothing', 'token', 'weight', 'cut', 'more', 'other'), fc.nat(1e6)],
  {
    seed: 2,
    numRuns: 60,
  },
)(
  'shares after an observed answer have the bits of shares without one, whatever has changed since',
  (rows, change, seed) => {
    const block = { keys: random(90, 3, seed), values: random(90, 2, seed + 1), weights: new Float32Array(90).fill(2) }
    const [store, plain, other] = Array.from({ length: 3 }, () => heldTokens({ ...shape, most: 200 }))
    const queries = random(rows, 3, seed + 2)
    for (const one of [store, plain]) one.write(block, 0, 90, 0)
    other.write({ keys: random(90, 3, seed + 3), values: block.values }, 0, 90, 0)
    const total = emptyPartial(rows, 2)
    store.attend(queries, total, undefined, true, true)
    if (change === 'other') other.attend(queries, emptyPartial(rows, 2), undefined, true, true)
    for (const one of [store, plain]) {
      if (change === 'token') one.write(block, 5, 1, 7)
      if (change === 'weight') one.weigh(3, Float32Array.of(9))
      if (change === 'cut') one.truncate(80)
      if (change === 'more') one.write(block, 0, 10, 90)
    }
    for (const asked of [queries, random(rows, 3, seed + 4), random(rows, 3, seed + 2)]) {
      const [got, wanted] = [new Float64Array(store.count), new Float64Array(store.count)]
      store.addShares(got, asked, total)
      plain.addShares(wanted, asked, total)
      expect([...got]).toEqual([...wanted])
    }
  },
)
