// BalanceKV: the byte budget, the octaves, both arrangements against exact attention.
// Kills: a byte too many (bytes compared after every block), an octave boundary at the wrong power, octaves dropped instead of merged (a
// large value would erase the small ones) or without their sampler (3008 comes back as 2828), an octave and the mass halved with different coins (a constant is then off by a tenth).
import { matrix, rowsOf } from '@sublinear/core'
import { normalise } from '@sublinear/exact-attention'
import { distance, random, softmaxOracle } from '@sublinear/laws'
import { describe, expect, test } from 'vitest'
import { balanceKv, mergeReduce, restoreBalanceKv, uniformHalving, type OctaveStream } from '../src'

const shape = { d: 4, dv: 3, scale: 0.5 }
const n = 4000
const [keys, values, queries] = [random(n, 4, 1, 1.5), random(n, 3, 2), random(20, 4, 3, 1.5)]
const truth = softmaxOracle(queries, keys, values, shape.scale, () => n)
const errorOf = (stream: { attend(q: typeof queries): Parameters<typeof normalise>[0] }) => {
  const got = normalise(stream.attend(queries)).data
  return Math.hypot(...got.map((x, i) => x - truth[i])) / Math.hypot(...truth)
}

const make = (options: object) => () => balanceKv({ ...shape, seed: 1, budget: 1e4, ...options })

const average = (make: (seed: number) => ReturnType<typeof balanceKv>) => {
  const errors = [1, 2, 3, 4, 5, 6].map((seed) => {
    const stream = make(seed)
    stream.push({ keys, values })
    return errorOf(stream)
  })
  return errors.reduce((a, b) => a + b, 0) / errors.length
}

describe('balanceKv', () => {
  test.each(['joint', 'apart'] as const)(
    '%s: bytes are within the budget after every call, to the byte at most',
    (sums) => {
      for (const budget of [3000, 4321, 10_000, 65_537]) {
        const stream = balanceKv({ ...shape, seed: 1, budget, sums })
        let most = 0
        for (let from = 0; from < n; from += 37) {
          const to = Math.min(n, from + 37)
          stream.push({ keys: rowsOf(keys, from, to), values: rowsOf(values, from, to) })
          most = Math.max(most, stream.bytes)
        }
        expect(most).toBeLessThanOrEqual(budget)
        if (sums === 'joint') expect(most).toBeGreaterThan(budget - 4 * (4 + 3 + 2) - 8)
      }
    },
  )

  test('on smooth tokens greedy and pairs are nearer than uniform halving in the same tree', () => {
    const { blockSize, levels, capacity } = mergeReduceOf(9200)
    const uniform = average((seed) =>
      mergeReduce({ ...shape, halving: uniformHalving({ seed }), blockSize, levels, capacity }),
    )
    for (const mode of ['greedy', 'pairs'] as const)
      expect(average((seed) => balanceKv({ ...shape, seed, budget: 9200, mode })) / uniform).toBeLessThan(0.75)
  })

  test('constant values come back, from two sets too: one octave and the mass are halved alike', () => {
    const constant = { rows: n, cols: 3, data: values.data.map((_, i) => [1.5, -2, 0.25][i % 3]) }
    const wanted = Float32Array.from({ length: 60 }, (_, i) => [1.5, -2, 0.25][i % 3])
    const gap = (sums: 'joint' | 'apart') => {
      const stream = balanceKv({ ...shape, seed: 1, budget: 8000, sums })
      stream.push({ keys, values: constant })
      return distance(normalise(stream.attend(queries)).data, wanted)
    }
    expect(gap('joint')).toBeLessThan(1e-5)
    expect(gap('apart')).toBeLessThan(1e-5)
  })

  test('octaves are powers of two of the norm, three of them, the lower merged into the lowest', () => {
    const stream = restoreBalanceKv(
      balanceKv({ ...shape, seed: 1, budget: 20_000, sums: 'apart' }).toBytes(),
    ) as OctaveStream
    const push = (...rows: number[][]) =>
      stream.push({ keys: matrix(rows.length, 4), values: matrix(rows.length, 3, Float32Array.from(rows.flat())) })
    push([0, 0, 0])
    expect(stream.octaves).toEqual([])
    push([1, 0, 0], [0, 1.99, 0], [0, 0, 2])
    expect(stream.octaves).toEqual([0, 1])
    push([0.6, 0, 0])
    expect(stream.octaves).toEqual([-1, 0, 1])
    push([0, 0, -9])
    expect(stream.octaves).toEqual([1, 3])
    const got = normalise(stream.attend(matrix(1, 4))).data
    expect(distance(got, [1.6 / 6, 1.99 / 6, -7 / 6])).toBeLessThan(1e-6) // nothing was lost
    expect(stream.counters).toEqual({ rows: 1, failures: 0, fallbacks: 0 })
  })

  test('an octave that falls takes what its sampler has along: pairs keep every sum of one value', () => {
    const stream = balanceKv({ d: 1, dv: 1, scale: 1, seed: 3, budget: 1124, sums: 'apart', mode: 'pairs' })
    const push = (rows: number, value: number) =>
      stream.push({ keys: matrix(rows, 1), values: matrix(rows, 1, new Float32Array(rows).fill(value)) })
    const total = () => {
      const { max, sum } = stream.attend(matrix(1, 1))
      return sum.data[0] * Math.exp(max[0])
    }
    for (let n = 100; n <= 3000; n += 100) {
      push(100, 1)
      expect(total() / n).toBeCloseTo(1, 5)
    }
    push(1, 8) // the octave of 1 goes into that of 2
    expect(total() / 3008).toBeCloseTo(1, 5)
  })

  test('apart is exact until something is halved, and near after it', () => {
    const few = balanceKv({ ...shape, seed: 1, budget: 60_000, sums: 'apart' })
    const block = { keys: rowsOf(keys, 0, 200), values: rowsOf(values, 0, 200) }
    few.push(block)
    const exact = softmaxOracle(queries, block.keys, block.values, shape.scale, () => 200)
    expect(distance(normalise(few.attend(queries)).data, exact)).toBeLessThan(1e-5)
    few.push({ keys: rowsOf(keys, 200), values: rowsOf(values, 200) })
    expect(errorOf(few)).toBeLessThan(0.8)
  })

  test('refusals name what is wrong', () => {
    expect(make({ budget: 100 })).toThrow(/^balanceKv: budget must be at least \d+ bytes for this shape, got 100$/)
    expect(make({ budget: NaN })).toThrow('balanceKv: budget must be a finite number > 0, got NaN')
    expect(make({ d: 0 })).toThrow('balanceKv: d must be an integer >= 1, got 0')
    expect(make({ mode: 'best' })).toThrow(RangeError)
  })
})

/** The sizes that balanceKv takes for a budget. */
function mergeReduceOf(budget: number) {
  const stream = balanceKv({ ...shape, seed: 1, budget })
  const { blockSize, levels, capacity } = stream as unknown as { blockSize: number; levels: number; capacity: number }
  return { blockSize, levels, capacity }
}
