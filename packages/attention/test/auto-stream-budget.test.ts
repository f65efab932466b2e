// A byte budget is kept, and used. Kills: bytes of a tier's centres, of what waits or of weights left out of the count (over the budget by 100
// to 4000 bytes), a share taken twice, a stack of half the budget, a default that loses tokens where there is room for all.
import { fc, test } from '@fast-check/vitest'
import { decodeSnapshot } from '@sublinear/core'
import { normalise } from '@sublinear/exact-attention'
import { distance, random, softmaxOracle } from '@sublinear/laws'
import { describe, expect, it } from 'vitest'
import { autoStream } from '../src'
import { one, shape } from './auto-stacks'

const stacks = fc.record({
  window: fc.constantFrom(0, 1, 17),
  kept: fc.array(
    fc.record({
      by: fc.constantFrom('window', 'h2o', 'farKeys'),
      share: fc.constantFrom(0.5, 0.3),
      keyBits: fc.integer({ min: 2, max: 8 }),
      valueBits: fc.integer({ min: 2, max: 8 }),
    }),
    { maxLength: 2 },
  ),
  rest: fc.constantFrom(...(['none', 'mean', 'closure', 'clusters', 'balanceKv', 'momentCoreset'] as const)),
})

const SIZED = ['clusters', 'balanceKv', 'momentCoreset']

const within = (budgetBytes: number) =>
  autoStream({ ...shape, budgetBytes, tokens: 9, stack: { window: 5, kept: one, rest: 'closure' } })

describe('the budget', () => {
  test.prop([stacks, fc.integer({ min: 4000, max: 40_000 }), fc.boolean(), fc.nat()], { seed: 1, numRuns: 60 })(
    'is never exceeded after any call, and used where tokens are enough',
    (stack, budgetBytes, weighted, seed) => {
      fc.pre(stack.kept.reduce((sum, { share }) => sum + share, 0) < 1 || !SIZED.includes(stack.rest))
      fc.pre(stack.window > 0 || stack.kept.length > 0 || stack.rest !== 'none')
      const stream = autoStream({ ...shape, budgetBytes, tokens: 500, stack, weighted })
      const witnessed = () => {
        let held = 0
        for (const { data } of decodeSnapshot(stream.toBytes()).tensors.values()) held += data.byteLength
        expect(held).toBeLessThanOrEqual(stream.bytes)
        expect(stream.bytes).toBeLessThanOrEqual(budgetBytes)
      }
      witnessed()
      const block = (rows: number, at: number) => ({
        keys: random(rows, 4, seed + at),
        values: random(rows, 3, seed + at + 1),
        ...(weighted && { weights: random(rows, 1, seed + at + 2).data.map((x) => 1.5 + x) }),
      })
      for (const [i, rows] of [1, 3, 60, 1, 130, 700, 1, 1500].entries()) {
        if (i % 2 === 0) stream.push(block(rows, i))
        else stream.step(block(rows, i), random(2 * rows, 4, seed))
        witnessed()
      }
      const shares = stack.kept.reduce((sum, tier) => sum + tier.share, 0)
      const token = 28 + (weighted ? 8 : 0)
      // All but what a token of each tier would have taken, and what h2o may remember of tokens that wait. (Clusters merge some ahead.)
      const remembered = stack.kept.filter(({ by }) => by === 'h2o').length * 8 * 64
      if (
        shares === 1 &&
        !SIZED.includes(stack.rest) &&
        stack.kept.every(({ share }) => (share * budgetBytes) / 20 < 1500)
      )
        expect(stream.bytes).toBeGreaterThan(budgetBytes - 4 * token - 100 - remembered)
    },
  )

  it.each(['window', 'h2o', 'farKeys'])('has room for what waits, one token after the other: %s', (by) => {
    const kept = [{ by, share: 1, keyBits: 5, valueBits: 3 }]
    const stack = { window: 0, kept, rest: 'none' }
    const stream = autoStream({ ...shape, budgetBytes: 20_000, tokens: 500, stack })
    stream.step({ keys: random(2500, 4, 1), values: random(2500, 3, 2) }, random(2500, 4, 3))
    let most = 0
    for (let i = 0; i < 70; i++) {
      stream.step({ keys: random(1, 4, i), values: random(1, 3, i) }, random(1, 4, i + 9))
      most = Math.max(most, stream.bytes)
    }
    expect(most).toBeLessThanOrEqual(20_000)
    expect(most).toBeGreaterThan(20_000 - 30)
  })

  it('is kept where shares add up to 1 and a rounding more', () => {
    const kept = [0.5, 0.5 + 2 ** -20].map((share) => ({ by: 'window', share, keyBits: 8, valueBits: 8 }))
    const stack = { window: 0, kept, rest: 'none' }
    const stream = autoStream({ d: 1, dv: 1, scale: 1, budgetBytes: 16_000_000, tokens: 10, stack })
    const block = { keys: random(100_000, 1, 1), values: random(100_000, 1, 2) }
    for (let i = 0; i < 28; i++) stream.push(block)
    expect(stream.bytes).toBeLessThanOrEqual(16_000_000)
    expect(stream.bytes).toBeGreaterThan(15_999_900)
  })

  it('a budget too small for the stack says what it takes', () => {
    const message = (() => {
      try {
        within(100)
      } catch (error) {
        return (error as Error).message
      }
      return ''
    })()
    const least = Number(/at least (\d+), got 100$/.exec(message)![1])
    expect(() => within(least - 1)).toThrow(RangeError)
    const stream = within(least)
    stream.push({ keys: random(300, 4, 1), values: random(300, 3, 2) })
    expect(stream.bytes).toBeLessThanOrEqual(least)
  })

  it('holds every token where it has room: answers are those of a few bits', () => {
    const stream = autoStream({ ...shape, budgetBytes: 20_000, tokens: 1000 })
    const block = { keys: random(1000, 4, 3), values: random(1000, 3, 4) }
    stream.push(block)
    expect(stream.stack.kept).toEqual([{ by: 'farKeys', share: 1, keyBits: 8, valueBits: 6 }])
    const queries = random(20, 4, 5)
    const exact = softmaxOracle(queries, block.keys, block.values, 0.5, () => 1000)
    expect(distance(normalise(stream.attend(queries)).data, exact)).toBeLessThan(0.01)
  })
})
