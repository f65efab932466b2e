// Options of every policy: what is refused, with the whole message; the borders of what is taken; and what the records say of each method.
// Kills: a policy or an option that a message does not name or names wrongly, a border that is one off, a default other than the one that is documented, a check that
// is gone, a record that says that a method learns what it does not, bytes that are not those of a stream, a budget that could have held one token more.
import type { TierMethod, Traffic } from '@sublinear/core'
import { random } from '@sublinear/laws'
import { quantised } from '@sublinear/token-store'
import { describe, expect, it, test } from 'vitest'
import * as all from '../src'
import {
  adaKvCounts,
  checkAge,
  clusters,
  cur,
  entropyCoded,
  farKeys,
  h2o,
  keyDiff,
  keyNorm,
  lagKv,
  misfit,
  observedAttention,
  pyramidCounts,
  pyramidKv,
  quantisedStream,
  reservoir,
  sinks,
  snapKv,
  streamingLlm,
  tiers,
  tova,
  window,
} from '../src'

const shape = { d: 3, dv: 2, scale: 0.5 }
const scores = [Float64Array.of(3, 1, 2), Float64Array.of(9, 8, 7)]
const free = (options: object) => options as never
const pool = (one: object) => () => snapKv({ count: 9, pool: free(one) })
const POOL = 'snapKv: pool must have a kind, one of average, max, none, and a size'

/** Lists the messages of refusals, or their beginnings, with the calls. */
const REFUSED: readonly (readonly [string, () => unknown])[] = [
  ['adaKv: the number of heads must be an integer >= 1, got 0', () => adaKvCounts([], { count: 3 })],
  ['adaKv: window must be an integer >= 0, got -1', () => adaKvCounts(scores, { count: 3, window: -1 })],
  ['adaKv: count must be an integer >= 3, got 2', () => adaKvCounts(scores, { count: 2, window: 2 })],
  ['adaKv: safeguard must be a finite number, got NaN', () => adaKvCounts(scores, { count: 3, safeguard: NaN })],
  ['adaKv: safeguard must be from 0 to 1, got -0.1', () => adaKvCounts(scores, { count: 3, safeguard: -0.1 })],
  ['adaKv: safeguard must be from 0 to 1, got 1.1', () => adaKvCounts(scores, { count: 3, safeguard: 1.1 })],
  ['pyramidKv: layers must be an integer >= 1, got 0', () => pyramidCounts({ layers: 0, count: 20 })],
  ['pyramidKv: window must be an integer >= 1, got 0', () => pyramidCounts({ layers: 2, count: 20, window: 0 })],
  ['pyramidKv: count must be an integer >= 9, got 8', () => pyramidCounts({ layers: 2, count: 8 })],
  [
    'pyramidKv: beta must be a finite number, got Infinity',
    () => pyramidCounts({ layers: 2, count: 9, beta: Infinity }),
  ],
  ['pyramidKv: beta must be at least 1, got 0.5', () => pyramidCounts({ layers: 2, count: 9, beta: 0.5 })],
  ['pyramidKv: layer must be an integer from 0 to 1, got 2', () => pyramidKv({ layers: 2, layer: 2, count: 9 })],
  ['pyramidKv: layer must be an integer from 0 to 1, got -1', () => pyramidKv({ layers: 2, layer: -1, count: 9 })],
  ['pyramidKv: there is no option "gamma"', () => pyramidKv(free({ layers: 2, layer: 1, count: 9, gamma: 1 }))],
  ['cur: block must be an integer >= 1, got 0', () => cur({ count: 9, block: 0 })],
  ['cur: first must be an integer from 0 to 9, got 10', () => cur({ count: 9, first: 10 })],
  ['lagKv: first must be an integer from 0 to 8, got 9', () => lagKv({ count: 9, first: 9 })],
  ['lagKv: lag must be an integer from 1 to 4, got 5', () => lagKv({ count: 9, first: 2, lag: 5 })],
  ['lagKv: lag must be an integer from 1 to 4, got 0', () => lagKv({ count: 9, first: 2, lag: 0 })],
  ['snapKv: count must be an integer >= 2, got 1', () => snapKv({ count: 1 })],
  ['snapKv: window must be an integer from 1 to 8, got 9', () => snapKv({ count: 9, window: 9 })],
  ['snapKv: window must be an integer from 1 to 8, got 0', () => snapKv({ count: 9, window: 0 })],
  ['snapKv: pool.size must be odd, got 4', pool({ kind: 'max', size: 4 })],
  ['snapKv: pool.size must be an integer >= 1, got 0', pool({ kind: 'none', size: 0 })],
  [POOL, pool({ kind: 'least', size: 3 })],
  [POOL, () => snapKv({ count: 9, pool: free('max' as never) })],
  [POOL, () => snapKv({ count: 9, pool: null as never })],
  ['h2o: recent must be an integer from 0 to 9, got 10', () => h2o({ count: 9, recent: 10 })],
  ['streamingLlm: sinks must be an integer >= 0, got -1', () => streamingLlm({ count: 9, sinks: -1 })],
  ['streamingLlm: count must be an integer >= 10, got 9', () => streamingLlm({ count: 9, sinks: 9 })],
  ['streamingLlm: count must be an integer >= 5, got 4', () => streamingLlm({ count: 4 })],
  ['farKeys: halvedAfter must be a finite number > 0, got 0', () => farKeys({ count: 9, halvedAfter: 0 })],
  ['x: halvedAfter must be a finite number > 0, got NaN', () => checkAge('x', NaN)],
  ['reservoir: seed must be', () => reservoir({ count: 9, seed: -1 })],
  ['entropyCoded: bits must be from 0.5 to 12, got 0.49', () => entropyCoded({ count: 9, bits: 0.49 })],
  ['entropyCoded: bits must be from 0.5 to 12, got 12.1', () => entropyCoded({ count: 9, bits: 12.1 })],
  ['entropyCoded: bits must be a finite number, got NaN', () => entropyCoded({ count: 9, bits: NaN })],
  ['entropyCoded: count must be an integer from 1 to 2147483648, got 0', () => entropyCoded({ count: 0, bits: 4 })],
  [
    'entropyCoded: buffer must be an integer from 1 to 64, got 65',
    () => entropyCoded({ count: 9, bits: 4, buffer: 65 }),
  ],
  ['entropyCoded: buffer must be an integer from 1 to 64, got 0', () => entropyCoded({ count: 9, bits: 4, buffer: 0 })],
  ['quantised: buffer must be an integer from 1 to 64, got 65', () => quantisedStream({ keyBits: 4, valueBits: 4, buffer: 65 })], // prettier-ignore
]

test.each(REFUSED)('refused: %s', (message, call) => {
  let found: unknown
  try {
    call()
  } catch (error) {
    found = error
  }
  expect(found).toBeInstanceOf(Error)
  expect((found as Error).message.slice(0, message.length)).toBe(message)
})

const MADE = { clusters, cur, entropyCoded, farKeys, h2o, keyDiff, keyNorm, lagKv, misfit, observedAttention, pyramidKv, reservoir, sinks, snapKv, streamingLlm, tiers, tova, window } // prettier-ignore
test.each(Object.entries(MADE))('%s refuses options that are no object, by its name', (name, make) => {
  for (const none of [undefined, null])
    expect(() => make(none as never)).toThrow(new TypeError(`${name}: options must be an object, got ${none}`))
})

describe.each([
  ['sinks', sinks, {}],
  ['window', window, {}],
  ['streamingLlm', streamingLlm, { sinks: 1 }],
  ['clusters', clusters, {}],
  ['farKeys', farKeys, { halvedAfter: 3, crowd: 0.5 }],
  ['reservoir', reservoir, { seed: 2 }],
  ['h2o', h2o, { recent: 2 }],
  ['tova', tova, {}],
  ['snapKv', snapKv, { window: 2 }],
  ['keyDiff', keyDiff, {}],
  ['misfit', misfit, {}],
  ['lagKv', lagKv, { lag: 1, first: 0 }],
  ['cur', cur, { block: 2, first: 1 }],
] as const)('%s', (name, policy, own) => {
  const call = (options: object) => () => policy(free({ count: 9, ...own, ...options }))
  it('refuses sizes that are none, and says which', () => {
    expect(call({ count: 1.5 })).toThrow(new RegExp(`^${name}: count must be an integer`))
    expect(call({ buffer: 0 })).toThrow(`${name}: buffer must be an integer from 1 to 64, got 0`)
    expect(call({ buffer: 65 })).toThrow(`${name}: buffer must be an integer from 1 to 64, got 65`)
    expect(call({ store: 'float32' })).toThrow(`${name}: store must be a token store, got string`)
    expect(call({ other: 1 })).toThrow(`${name}: there is no option "other"`)
  })
  it('takes the sizes at their borders, and holds so many', () => {
    for (const options of [
      { buffer: 1 },
      { buffer: 64 },
      { buffer: undefined },
      { store: undefined },
      { store: quantised({ keyBits: 4, valueBits: 4 }) },
    ]) {
      // prettier-ignore
      const stream = call(options)()(shape)
      stream.push({ keys: random(150, 3, 1), values: random(150, 2, 2) })
      expect(stream.tokens).toBe(150)
      expect(stream.read().keys.rows).toBeLessThanOrEqual(9)
      stream[Symbol.dispose]()
    }
  })
})

test('borders of what is taken', () => {
  const taken: readonly (() => unknown)[] = [
    () => adaKvCounts(scores, { count: 1 }),
    () => adaKvCounts(scores, { count: 3, window: 2, safeguard: 0 }),
    () => adaKvCounts(scores, { count: 3, safeguard: 1 }),
    () => pyramidCounts({ layers: 1, count: 2, window: 1, beta: 1 }),
    () => pyramidKv({ layers: 2, layer: 0, count: 9 }),
    () => pyramidKv({ layers: 2, layer: 1, count: 9, window: 8, beta: 20, pool: { kind: 'none', size: 1 } }),
    () => cur({ count: 9, block: 1, first: 9 }),
    () => cur({ count: 1 }),
    () => lagKv({ count: 9, first: 8, lag: 1 }),
    () => lagKv({ count: 9, first: 2, lag: 4 }),
    () => lagKv({ count: 1 }),
    () => snapKv({ count: 2, window: 1 }),
    () => snapKv({ count: 9, window: 8 }),
    () => h2o({ count: 9, recent: 9 }),
    () => h2o({ count: 1, recent: 0 }),
    () => streamingLlm({ count: 1, sinks: 0 }),
    () => streamingLlm({ count: 5 }),
    () => farKeys({ count: 1, halvedAfter: Infinity }),
    () => farKeys({ count: 1, halvedAfter: Number.MIN_VALUE }),
    () => farKeys({ count: 1, crowd: 0 }),
    () => farKeys({ count: 1, crowd: 1 }),
    () => entropyCoded({ count: 1, bits: 0.5, buffer: 1 }),
    () => entropyCoded({ count: 2 ** 31, bits: 12, buffer: 64 }),
  ]
  for (const call of taken) expect(call).not.toThrow()
})

function nothing(): never {
  throw new Error('a tier has no streams in it')
}

/** Lists for each method what it learns from; an author or a name in its source; options for 40 tokens. */
const METHODS = {
  sinks: ['nothing', 'Xiao', {}],
  window: ['nothing', 'sliding-window', {}],
  streamingLlm: ['nothing', 'Xiao', {}],
  clusters: ['nothing', 'SubGen', {}],
  farKeys: ['nothing', 'not from the papers', { halvedAfter: 30, crowd: 0.5 }],
  reservoir: ['nothing', 'Vitter', { seed: 3 }],
  h2o: ['queries', 'H2O', {}],
  tova: ['queries', '(2024)', {}],
  observedAttention: ['queries', '', {}],
  snapKv: ['queries', 'SnapKV', {}],
  pyramidKv: ['queries', 'PyramidKV', { layers: 2, layer: 1 }],
  keyNorm: ['nothing', '(2024)', {}],
  keyDiff: ['nothing', 'KeyDiff', {}],
  misfit: ['nothing', '', {}],
  lagKv: ['nothing', 'LagKV', {}],
  cur: ['nothing', 'CUR', {}],
  entropyCoded: ['nothing', 'Gish', { bits: 4 }],
} as const

describe.each(Object.entries(METHODS))('the record of %s', (name, [learns, source, own]) => {
  const method = (all as unknown as Record<string, all.TokenOptions>)[`${name}Method`] as never as TierMethod<any> // prettier-ignore
  it('says its name, what it learns from and where it is from', () => {
    expect([method.name, method.learns]).toEqual([name, learns])
    expect(method.source).toContain(source)
    expect(method.source.length).toBeGreaterThan(10)
  })
  it('says the bytes of a stream, after any number of tokens', () => {
    for (const tokens of [1, 39, 65, 200]) {
      const options = { count: 40, buffer: 24, ...own }
      using stream = method.make(shape, options)
      const traffic: Traffic = { tokens, groups: 1 }
      stream.step({ keys: random(tokens, 3, 1), values: random(tokens, 2, 2) }, random(tokens, 3, 3))
      expect(stream.bytes).toBeLessThanOrEqual(method.bytes(shape, options, traffic))
      // Clusters merge, and sums of received attention are counted for a full buffer.
      if (!['clusters', 'h2o', 'observedAttention'].includes(name))
        expect(stream.bytes).toBe(method.bytes(shape, options, traffic))
      const open = method.open(stream.toBytes(), nothing)
      expect(open.toBytes()).toEqual(stream.toBytes())
    }
  })
  it('gives options within a budget, of which one token more has no room', () => {
    const traffic: Traffic = { tokens: Infinity, groups: 1 }
    for (const budget of [3000, 20_000]) {
      const options = method.within(shape, budget, traffic)
      expect(method.bytes(shape, options, traffic)).toBeLessThanOrEqual(budget)
      expect(method.bytes(shape, { ...options, count: 2 * options.count + 2 }, traffic)).toBeGreaterThan(budget)
      expect(() => method.tier(options)(shape)).not.toThrow()
      const half = method.atRate!(shape, options, 0.5)
      expect(half.count).toBeLessThanOrEqual(options.count)
      expect(half.count + half.buffer).toBeGreaterThan(0.4 * options.count)
      expect(() => method.tier(method.atRate!(shape, options, 0.001))(shape)).not.toThrow()
    }
    expect(method.within(shape, 10, traffic)).toBeUndefined()
  })
})
