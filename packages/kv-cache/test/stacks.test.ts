// Stacks of tiers: what they hold of a budget, what is refused of a stack and of a stream made of one, and the choice by
// first tokens. Truth: the bytes of built streams, answers of exact attention.
// Kills: bytes over a budget or far below it, a least budget that is not the least, shares that do not add up,
// a message that names another part, a stack that is left for a worse one or by a trend alone, first tokens lost or queries of others' at the choice.
import { decodeSnapshot, rowsOf, tokensOf, type AttentionStream } from '@sublinear/core'
import { exactStream, normalise } from '@sublinear/exact-attention'
import { distance, random } from '@sublinear/laws'
import { describe, expect, it, test } from 'vitest'
import {
  autoMethod,
  autoStream,
  builtStack,
  checkStack,
  copyOfStack,
  countsAtRate,
  countsWithin,
  isSized,
  learns,
  leastBytes,
  type Stack,
} from '../src'
import { chosenStack, trialOf } from '../src/stack/own-trial'
import { methods, shape, stackOf, tier } from './stack-lines'

const pushed = (stream: ReturnType<typeof builtStack>, tokens: number, weighted = false) => {
  let most = 0
  for (let from = 0; from < tokens; from += 50) {
    const weights = Float32Array.from({ length: 50 }, (_, i) => (weighted ? 1 + (i % 3) : 1))
    stream.push({ keys: random(50, 8, from), values: random(50, 6, from + 1), ...(weighted && { weights }) })
    most = Math.max(most, stream.bytes)
  }
  return most
}

describe.each([
  ['farKeys 1 8/6 | mean', 0.97],
  ['h2o 0.2 8/6, farKeys 0.8 4/3 | mean', 0.9],
  ['farKeys 0.5 6/4 | closure | 40', 0.5],
  ['farKeys 0.4 6/4, clusters 0.6 6/4 | none', 0.85],
  ['farKeys 0.4 6/4 | reservoir', 0.85],
  ['farKeys 0.4 6/4 | clusters | 9', 0.8],
  ['entropyCoded 1 6/5 | mean', 0.9],
])('the stack %s', (text, least) => {
  const stack = stackOf(text)
  it.each([
    [6000, false],
    [20_000, false],
    [20_000, true],
  ])('uses %i bytes, and never more (weighted: %o)', (budgetBytes, weighted) => {
    const counts = countsWithin(stack, { ...shape, budgetBytes, weighted }, methods)!
    using built = builtStack(stack, counts, shape, methods)
    const most = pushed(built, 2500, weighted && stack.rest !== 'closure')
    expect(most).toBeLessThanOrEqual(budgetBytes)
    if (!weighted) expect(most).toBeGreaterThan(least * budgetBytes)
    expect(counts.kept.length).toBe(stack.kept.length)
  })
  it('fits into its least bytes, and not into one less', () => {
    const budget = { ...shape, weighted: false }
    const bytes = leastBytes(stack, budget, methods)
    expect(countsWithin(stack, { ...budget, budgetBytes: bytes }, methods)).toBeDefined()
    expect(countsWithin(stack, { ...budget, budgetBytes: bytes - 1 }, methods)).toBeUndefined()
  })
  it('has its share at a rate, and holds something at any', () => {
    const counts = countsWithin(stack, { ...shape, budgetBytes: 40_000, weighted: false }, methods)!
    const half = countsAtRate(stack, counts, 0.5)
    const sum = (one: typeof counts) => one.kept.reduce((a, b) => a + b, one.window + one.buffer + one.restBuffer)
    expect(Math.abs(sum(half) / sum(counts) - 0.5)).toBeLessThan(0.05)
    expect(half.isCoded).toBe(counts.isCoded)
    expect(half.buffer).toBe(Math.max(16, Math.round(counts.buffer / 2)))
    expect(half.restBuffer).toBe(counts.restBuffer === 0 ? 0 : 8)
    expect(Math.abs(half.restBytes - counts.restBytes / 2)).toBeLessThanOrEqual(0.5)
    const tiny = countsAtRate(stack, counts, 1e-6)
    expect(tiny.kept.every((count) => count === 1)).toBe(true)
    expect(tiny.window).toBe(counts.window > 0 ? 1 : 0)
    using built = builtStack(stack, tiny, shape, methods)
    pushed(built, 200)
    expect(built.tokens).toBe(200)
  })
})

test('a stack learns if a tier does, is sized if its rest is, and is copied without other fields', () => {
  expect(['farKeys 1 8/6 | mean', 'farKeys 0.5 8/6, h2o 0.5 8/6 | mean', ' | mean'].map((one) => learns(stackOf(one), methods))).toEqual([false, true, false]) // prettier-ignore
  expect(['none', 'mean', 'closure', 'firstOrder', 'clusters', 'reservoir'].map((rest) => isSized({ rest }))).toEqual([false, false, false, false, true, true]) // prettier-ignore
  expect(() => learns(stackOf('nope 1 8/6 | mean'), methods)).toThrow('stack: no method is called "nope"')
  const stack = {
    ...stackOf('h2o 1 8/6 | mean | 3'),
    dither: 4,
    other: 1,
    kept: [{ ...tier('h2o', 1, 8, 6), more: 2 }],
  }
  expect(copyOfStack(stack)).toEqual({ dither: 4, window: 3, kept: [tier('h2o', 1, 8, 6)], rest: 'mean' })
  expect(copyOfStack(stackOf('h2o 1 8/6 | mean'))).not.toHaveProperty('dither')
})

test('a rest that is no stream in any number of bytes is refused, and not looked for without end', () => {
  const never = { ...methods.find(({ name }) => name === 'mean')!, name: 'never', within: () => undefined }
  const stack = { window: 0, kept: [tier('farKeys', 0.5, 6, 4)], rest: 'never' }
  const counts = { window: 0, kept: [3], restBytes: 9, buffer: 4, isCoded: false, restBuffer: 0 }
  expect(() => builtStack(stack, counts, shape, [...methods, never])).toThrow(
    new RangeError('stack: never must be a stream for a scale of 0.35'),
  )
})

/** Tokens with queries of the last of them. */
const pilot = (rows: number, asked: number, size: number) => ({
  block: { keys: random(rows, 8, 1, 1), values: random(rows, 6, 2) },
  queries: random(asked, 8, 3, size),
})

function open(bytes: Uint8Array): AttentionStream {
  const { kind } = decodeSnapshot(bytes)
  return methods.find(({ name }) => name === kind)!.open(bytes, open)
}
const names = methods.map(({ name }) => name)
const tierNames = names.filter((name) => name !== 'mean' && name !== 'closure').join(', ')
const STACK = { window: 0, kept: [tier('h2o', 0.5, 8, 6)], rest: 'mean' }
const kept = (change: object) => ({ ...STACK, kept: [{ ...STACK.kept[0], ...change }] })
it.each<[string, unknown]>([
  ['x: s must have window, kept and rest', null],
  ['x: s must have window, kept and rest', 'h2o'],
  ['x: s must have window, kept and rest', { window: 0, rest: 'mean' }],
  ['x: s.window must be an integer from 0 to 2147483647, got -1', { ...STACK, window: -1 }],
  [`x: s.rest must be one of none, ${names.join(', ')}, got other`, { ...STACK, rest: 'other' }],
  ['x: s.kept must have at most 8 tiers, got 9', { ...STACK, kept: Array.from({ length: 9 }, () => tier('h2o', 0.1, 8, 6)) }], // prettier-ignore
  ['x: s must hold something', { window: 0, kept: [], rest: 'none' }],
  ['x: s.dither must be an integer >= 0, got -1', { ...STACK, dither: -1 }],
  ['x: the shares of s.kept must leave none below 0, got 1.5', { ...STACK, kept: [tier('h2o', 0.75, 8, 6), tier('farKeys', 0.75, 8, 6)] }], // prettier-ignore
  ['x: the shares of s.kept must leave some for clusters, got 1', { ...kept({ share: 1 }), rest: 'clusters' }],
  ['x: s.kept[0] must be an object, got null', { ...STACK, kept: [null] }],
  ['x: s.kept[0] must be an object, got "h2o"', { ...STACK, kept: ['h2o'] }],
  [`x: s.kept[0].by must be one of ${tierNames}, got mean`, kept({ by: 'mean' })],
  ['x: s.kept[0].share must be a number in (0, 1], got 0', kept({ share: 0 })],
  ['x: s.kept[0].share must be a number in (0, 1], got 1.01', kept({ share: 1.01 })],
  ['x: s.kept[0].share must be a number in (0, 1], got half', kept({ share: 'half' })],
  ['x: s.kept[0].keyBits must be an integer from 2 to 8, got 1', kept({ keyBits: 1 })],
  ['x: s.kept[0].valueBits must be an integer from 2 to 8, got 9', kept({ valueBits: 9 })],
])('refused: %s', (message, stack) => {
  expect(() => checkStack('x', 's', stack as Stack, methods)).toThrow(message)
})
it.each([
  STACK,
  kept({ share: 1 }),
  { ...kept({ share: 1 - 2 ** -10 }), rest: 'clusters' },
  { window: 0, kept: [], rest: 'mean' },
  { window: 1, kept: [], rest: 'none' },
  { ...STACK, kept: Array.from({ length: 8 }, () => tier('h2o', 0.125, 2, 8)), dither: 0 },
])('taken: %j', (stack) => {
  expect(() => checkStack('x', 's', stack as Stack, methods)).not.toThrow()
})

describe('a stream of a stack', () => {
  const options = { ...shape, budgetBytes: 6000, tokens: 900 }
  it.each<[string, object]>([
    ['autoStream: errorBars must be an integer >= 0, got -1', { errorBars: -1 }],
    ['autoStream: budgetBytes must be an integer >= 1, got 0', { budgetBytes: 0 }],
    ['autoStream: tokens must be an integer >= 1, got 0', { tokens: 0 }],
    ['autoStream: weighted must be true or false, got number', { weighted: 1 }],
    ['autoStream: learn must be true or false, got string', { learn: 'yes' }],
    ['autoStream: learn must be false where errorBars are given', { learn: true, errorBars: 1 }],
    ['autoStream: learn must be false where a stack is given', { learn: true, stack: STACK }],
    ['autoStream: budgetBytes must hold the stack, at least', { budgetBytes: 100 }],
    ['autoStream: stack must have window, kept and rest', { stack: {} }],
    ['autoStream: there is no option "limit"', { limit: 1 }],
  ])('refused: %s', (message, change) => {
    expect(() => autoStream({ ...options, ...change } as never, methods)).toThrow(message)
  })

  it('is refused below the least bytes and made from them on', () => {
    const least = leastBytes(STACK, { ...shape, weighted: false }, methods)
    const made = (budgetBytes: number) => autoStream({ ...options, budgetBytes, stack: STACK }, methods)
    expect(made(least).budgetBytes).toBe(least)
    expect(() => made(least - 1)).toThrow(`autoStream: budgetBytes must hold the stack, at least ${least}, got ${least - 1}`) // prettier-ignore
  })

  it('learns by its first tokens the same in any cut, keeps its bytes, takes back, starts anew, and goes on from snapshots', () => {
    const block = { keys: random(900, 8, 1, 2), values: random(900, 6, 2) }
    const queries = random(900, 8, 3, 2)
    const method = autoMethod(methods)
    const given = { ...options, learn: true }
    const streams = [900, 64, 7].map((piece) => {
      let stream = autoStream(given, methods)
      expect(stream.isLearning).toBe(true)
      for (let from = 0; from < 900; from += piece) {
        const to = Math.min(900, from + piece)
        stream.step(tokensOf(block, from, to), rowsOf(queries, from, to))
        expect(stream.bytes).toBeLessThanOrEqual(6000)
        if (piece === 64 && (from === 128 || from === 768)) {
          const bytes = stream.toBytes()
          stream = method.open(bytes, open) as typeof stream
          expect(stream.toBytes()).toEqual(bytes)
          expect(stream.fork().toBytes()).toEqual(bytes)
        }
      }
      expect(stream.isLearning).toBe(false)
      return stream
    })
    expect(streams[1].toBytes()).toEqual(streams[0].toBytes())
    expect(streams[2].toBytes()).toEqual(streams[0].toBytes())
    expect(streams[0].tokens).toBe(900)
    const whole = exactStream(shape)
    whole.push(block)
    const asked = rowsOf(queries, 0, 30)
    const error = distance(
      normalise(streams[0].attend(asked)).data,
      Float64Array.from(normalise(whole.attend(asked)).data),
    )
    expect(error).toBeLessThan(0.6)
    const fresh = autoStream(given, methods)
    streams[0].reset()
    expect(streams[0].toBytes()).toEqual(fresh.toBytes())
    fresh.step(tokensOf(block, 0, 20), rowsOf(queries, 0, 20))
    const before = fresh.toBytes()
    fresh.step(tokensOf(block, 20, 23), rowsOf(queries, 20, 23))
    fresh.check!.takeBack!(3) // as a layer asks before it takes back
    fresh.takeBack!(3)
    expect(fresh.toBytes()).toEqual(before)
    expect(() => fresh.check!.takeBack!(21)).toThrow(RangeError)
    expect(() => fresh.takeBack!(900)).toThrow(RangeError)
    expect(() => fresh.merge(fresh)).toThrow('auto: cannot merge, merging is none')
    expect(() => fresh.push({ ...tokensOf(block, 0, 2), weights: Float32Array.of(1, 2) })).toThrow('auto: weights must be 1 unless the stream is weighted, got 2 in row 1') // prettier-ignore
  })

  it('is left only for one that is better by far, and is not judged by too few', () => {
    const usual = stackOf('farKeys 1 6/4 | mean')
    const others = ['observedAttention 1 6/4 | mean', 'farKeys 1 8/6 | mean'].map(stackOf)
    const budget = { ...shape, budgetBytes: 8000, tokens: 2000, weighted: false }
    expect(chosenStack(pilot(20, 20, 1), { usual, others }, budget, methods)).toBeUndefined()
    expect(chosenStack(pilot(400, 5, 1), { usual, others }, budget, methods)).toBeUndefined()
    // Few keys are asked for, again and again, and do not lie far out: attended tokens win, and win by far where these are very few.
    for (const [asked, best] of [[10, usual], [2, others[0]]] as const) {
      const sharp = pilot(400, 400, 1)
      for (let r = 0; r < 400; r++)
        for (let c = 0; c < 8; c++) sharp.queries.data[r * 8 + c] = 60 * sharp.block.keys.data[(r % asked) * 8 + c]
      const error = trialOf(sharp, budget, methods)!
      expect(1.3 * error(others[0])).toBeLessThan(error(usual))
      expect(chosenStack(sharp, { usual, others }, budget, methods)).toBe(best)
      expect(chosenStack(sharp, { usual: others[0], others: [usual] }, budget, methods)).toBe(others[0])
    } // prettier-ignore
  })

  it('is left only for one that is better by far as measured, whatever the trend', () => {
    const usual = stackOf('h2o 0.2 8/6, farKeys 0.8 4/3 | mean')
    const others = ['farKeys 1 6/4 | closure', 'farKeys 0.5 6/4, clusters 0.5 7/5 | none', 'clusters 1 6/4 | none'].map(
      stackOf,
    )
    const budget = { ...shape, budgetBytes: 6000, tokens: 8000, weighted: false }
    const left = [1, 2, 3, 4, 5, 6, 7, 8].filter((seed) => {
      const block = { keys: random(400, 8, seed), values: random(400, 6, seed + 50) }
      const noise = { block, queries: random(400, 8, seed + 99, seed % 2 ? 3 : 12) }
      const error = trialOf(noise, budget, methods)!
      const own = chosenStack(noise, { usual, others }, budget, methods)!
      if (own !== usual) expect(1.3 * error(own)).toBeLessThanOrEqual(error(usual))
      return own !== usual
    })
    expect(left.length).toBeGreaterThan(0)
    expect(left.length).toBeLessThan(8)
  })
})
