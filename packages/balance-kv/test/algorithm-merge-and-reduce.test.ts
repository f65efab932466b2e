// MergeAndReduce (and Figure 2, its tree): sizes of the levels after every push, weights, places of the halvings, memory for any length.
// Kills: a level halved a token late (counts differ at once), weight 2^l off by one level (total weight doubles), a tree that grows (tokens beyond
// capacity), a sampler that drops its candidate, or whose candidate is not read (total weight low by up to a token of the lowest level: 120 for 128),
// a snapshot that names a capacity and gets it (terabytes).
import { decodeSnapshot, encodeSnapshot, rowsOf, type KvBlock } from '@sublinear/core'
import { random } from '@sublinear/laws'
import { describe, expect, test } from 'vitest'
import {
  halvingCache,
  mergeReduce,
  mergeReduceBytes,
  restoreMergeReduce,
  softmaxBalance,
  uniformHalving,
  type Halving,
} from '../src'

const shape = { d: 2, dv: 2, scale: 0.5 }
const halving = uniformHalving({ seed: 1 })
const tokens = (n: number): KvBlock => ({ keys: random(n, 2, 5), values: random(n, 2, 6) })
const weightOf = (weights: Float32Array | undefined) => [...(weights ?? [])].reduce((a, b) => a + b, 0)

/** Level sizes of the paper's tree, halving as soon as a level is full and the next token comes: block b, exact halves. */
function figure2(n: number, b: number, levels: number): number[] {
  const counts = Array.from({ length: levels + 1 }, () => 0)
  for (let i = 0; i < n; i++) {
    for (let l = 0; l < levels; l++) {
      if (counts[l] !== b) continue
      counts[l] = 0
      counts[l + 1] += b / 2
    }
    counts[0]++
  }
  return counts
}

const make = (options: object) => () => mergeReduce({ ...shape, halving, blockSize: 8, levels: 2, ...options })

/** Σ w·x over all entries of the keys. */
const sum = ({ keys, weights }: KvBlock) =>
  [...keys.data].reduce((total, x, i) => total + x * (weights?.[Math.floor(i / 2)] ?? 1), 0)

describe('MergeAndReduce', () => {
  test('levels are those of Figure 2 after every push', () => {
    const [b, levels] = [8, 6]
    const stream = mergeReduce({ ...shape, halving, blockSize: b, levels })
    const { keys, values } = tokens(200)
    for (let i = 0; i < 200; i++) {
      stream.push({ keys: rowsOf(keys, i, i + 1), values: rowsOf(values, i, i + 1) })
      expect(stream.counts).toEqual(figure2(i + 1, b, levels))
    }
    const { weights } = stream.read()
    expect([...new Set(weights)].toSorted((a, b) => a - b)).toEqual(
      stream.counts.flatMap((count, level) => (count > 0 ? [2 ** level] : [])),
    )
    expect(weightOf(weights)).toBe(200)
  })

  test.each([
    ['eager', { blockSize: 8, levels: 2 }],
    ['of one level', { blockSize: 8, levels: 1 }],
    ['patient', { blockSize: 8, levels: 3, capacity: 40 }],
  ] as const)('an %s tree keeps its memory and its total weight for any length', (_, sizes) => {
    for (const own of [
      halving,
      softmaxBalance({ mode: 'pairs', seed: 1 }),
      softmaxBalance({ mode: 'greedy', seed: 1 }),
    ]) {
      const stream = mergeReduce({ ...shape, halving: own, ...sizes })
      const most = mergeReduceBytes({ ...shape, halving: own, ...sizes })
      const block = tokens(64)
      for (let n = 64; n <= 64 * 400; n += 64) {
        stream.push(block)
        expect(stream.bytes).toBeLessThanOrEqual(most)
        expect(stream.read().keys.rows).toBeLessThanOrEqual(stream.capacity + 1)
        if (!own.spec.includes('greedy')) expect(weightOf(stream.read().weights)).toBe(n)
      }
      const { keys, weights } = stream.read()
      expect(Math.abs(1 - weightOf(weights) / (64 * 400))).toBeLessThan(0.3)
      expect(keys.rows).toBeGreaterThan(0)
    }
  })

  test('mass is right on average, sampler and moves included', () => {
    const block = tokens(64)
    const query = random(1, 2, 9)
    let total = 0
    const seeds = 400
    for (let seed = 0; seed < seeds; seed++) {
      const stream = mergeReduce({ ...shape, halving: uniformHalving({ seed }), blockSize: 4, levels: 1 })
      for (let i = 0; i < 32; i++) stream.push(block)
      const { max, mass } = stream.attend(query)
      total += (mass[0] * Math.exp(max[0])) / seeds
    }
    let truth = 0
    for (let j = 0; j < 64; j++)
      truth +=
        32 * Math.exp(0.5 * (query.data[0] * block.keys.data[2 * j] + query.data[1] * block.keys.data[2 * j + 1]))
    expect(Math.abs(total / truth - 1)).toBeLessThan(0.06) // five standard errors of 0.012: a false alarm of 6e-7. Misses: a mean that is a tenth off 4e-4
  })

  test('halvingCache is exact until 4·target tokens, and has no more afterwards', () => {
    const stream = halvingCache({ target: 10, halving })(shape)
    stream.push(tokens(40))
    expect(stream.read().weights).toBeUndefined()
    stream.push(tokens(1))
    expect(stream.read().keys.rows).toBe(36)
    stream.push(tokens(5000))
    expect(stream.read().keys.rows).toBeLessThanOrEqual(40)
  })

  test('what replaces what adds up to the difference between stream and coreset', () => {
    let balance = 0
    const replaced = (before: KvBlock, after: KvBlock) => {
      balance += sum(before) - sum(after)
    }
    const stream = mergeReduce({ ...shape, halving, blockSize: 4, levels: 8, replaced })
    const block = tokens(777)
    stream.push(block)
    expect(balance + sum(stream.read())).toBeCloseTo(
      [...block.keys.data].reduce((a, b) => a + b, 0),
      3,
    )
  })

  test('a capacity that a snapshot names is not allocated', () => {
    const stream = mergeReduce({ ...shape, halving, blockSize: 8, levels: 3, capacity: 40 })
    stream.push(tokens(100))
    const { tensors, ...snapshot } = decodeSnapshot(stream.toBytes())
    const parameters = { ...snapshot.parameters, capacity: String(2 ** 53 - 1) }
    const back = restoreMergeReduce(encodeSnapshot({ ...snapshot, parameters, tensors: Object.fromEntries(tensors) }))
    back.push(tokens(100))
    expect(back.tokens).toBe(200)
  })

  test('refusals name what is wrong, and merging says that it is none', () => {
    expect(make({ blockSize: 1 })).toThrow('mergeReduce: blockSize must be an integer from 2 to 2147483648, got 1')
    expect(make({ levels: 0 })).toThrow('mergeReduce: levels must be an integer from 1 to 52, got 0')
    expect(make({ capacity: 23 })).toThrow('mergeReduce: capacity must be an integer >= 24, got 23')
    expect(make({ halving: {} as Halving })).toThrow(TypeError)
    expect(() => halvingCache({ target: 1, halving })).toThrow('halvingCache: target must be an integer >= 2, got 1')
    expect(() => make({})().merge(make({})())).toThrow('mergeReduce: cannot merge, merging is none')
  })
})
