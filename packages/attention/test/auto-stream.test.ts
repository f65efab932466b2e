// Streams within a byte budget: the laws of streams, what is the default, and what is refused. auto-stream-budget.test.ts counts bytes,
// auto-stream-stacks.test.ts tries stacks, auto-stream-snapshots.test.ts snapshots. Kills: weights taken where there is no room for them.
import { test } from '@fast-check/vitest'
import { rowsOf } from '@sublinear/core'
import { normalise } from '@sublinear/exact-attention'
import { attentionStreamLaws, distance, random } from '@sublinear/laws'
import { describe, expect, it } from 'vitest'
import { autoStream, openStream, type Stack } from '../src'
import { one, shape, two } from './auto-stacks'

describe.each<{ name: string; stack?: Stack }>([
  { name: 'the default' },
  { name: 'a window, far keys, a closure', stack: { window: 10, kept: one, rest: 'closure' } },
  { name: 'far keys, a coreset', stack: { window: 0, kept: [{ ...one[0], share: 0.5 }], rest: 'balanceKv' } },
  {
    name: 'far keys, moments and a coreset',
    stack: { window: 0, kept: [{ ...one[0], share: 0.3 }], rest: 'momentCoreset' },
  },
  { name: 'two selections, clusters', stack: { window: 0, kept: two, rest: 'clusters' } },
])('autoStream: $name', ({ stack }) => {
  const options = {
    ...shape,
    budgetBytes: 4000,
    tokens: 250,
    weighted: true,
    ...(stack && { stack }),
  }
  const made = () => autoStream(options)
  const laws = attentionStreamLaws({
    name: 'auto',
    make: made,
    restore: openStream,
    tolerance: 1e-4,
    error: 0.6,
  })
  // Where tokens stay by the attention they receive, step teaches what pushing and asking do not.
  const learns = made().stack.kept.some(({ by }) => by === 'h2o')
  for (const law of laws) if (!(learns && law.name.includes('step is push and attend'))) test(law.name, law.run)

  it('steps of any length teach the same', () => {
    const [whole, cut] = [made(), made()]
    const [keys, values, queries] = [random(400, 4, 1), random(400, 3, 2), random(800, 4, 3)]
    const all = normalise(whole.step({ keys, values }, queries)).data
    for (let from = 0, rows = 1; from < 400; from += rows, rows = Math.min(400 - from, (3 * rows) % 71)) {
      const to = from + rows
      const block = { keys: rowsOf(keys, from, to), values: rowsOf(values, from, to) }
      const own = normalise(cut.step(block, rowsOf(queries, 2 * from, 2 * to))).data
      expect(distance(own, all.subarray(6 * from, 6 * to))).toBeLessThan(1e-5)
    }
    expect(cut.bytes).toBe(whole.bytes)
    expect(distance(normalise(cut.attend(queries)).data, normalise(whole.attend(queries)).data)).toBeLessThan(1e-5)
  })
})

it.each([
  [70_000, [['farKeys', 1, 8, 6]]],
  [58_000, [['farKeys', 1, 7, 5]]],
  [50_000, [['farKeys', 1, 6, 4]]],
  [
    36_000,
    [
      ['h2o', 0.15, 8, 6],
      ['farKeys', 0.85, 5, 3],
    ],
  ],
  [
    15_000,
    [
      ['h2o', 0.2, 8, 6],
      ['farKeys', 0.8, 4, 3],
    ],
  ],
])('without a stack %i bytes for 1000 tokens of 64 numbers are shared out as %j', (budgetBytes, kept) => {
  const { stack } = autoStream({ d: 32, dv: 32, scale: 1, budgetBytes, tokens: 1000 })
  expect(stack.kept.map(({ by, share, keyBits, valueBits }) => [by, share, keyBits, valueBits])).toEqual(kept)
  expect(stack.rest).toBe('mean')
})

describe('weights', () => {
  it('other than 1 are refused where there is no room for them, and nothing changes', () => {
    const stream = autoStream({ ...shape, budgetBytes: 5000, tokens: 900 })
    stream.push({ keys: random(70, 4, 1), values: random(70, 3, 2), weights: new Float32Array(70).fill(1) })
    const before = stream.toBytes()
    const block = { keys: random(2, 4, 1), values: random(2, 3, 2), weights: Float32Array.of(1, 2) }
    const message = 'auto: weights must be 1 unless the stream is weighted, got 2 in row 1'
    expect(() => stream.push(block)).toThrow(message)
    expect(() => stream.step(block, random(2, 4, 3))).toThrow(message)
    expect(stream.toBytes()).toEqual(before)
    expect(() => openStream(before).push(block)).toThrow(message)
  })
})

it.each([
  [{ d: 0 }, 'autoStream: d must be an integer >= 1, got 0'],
  [{ scale: NaN }, 'autoStream: scale must be a finite number, got NaN'],
  [{ budgetBytes: 0 }, 'autoStream: budgetBytes must be an integer >= 1, got 0'],
  [{ tokens: 1.5 }, 'autoStream: tokens must be an integer >= 1, got 1.5'],
  [{ weighted: 1 as never }, 'autoStream: weighted must be true or false, got number'],
])('%o is refused', (change, message) => {
  expect(() => autoStream({ ...shape, budgetBytes: 5000, tokens: 900, ...change })).toThrow(message)
})
