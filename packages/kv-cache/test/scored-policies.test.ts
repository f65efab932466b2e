// Policies that learn from queries, against their papers' rules in float64 over plain lists: the same tokens held after every settling, alone
// and behind sinks and a window, for any cut of the stream, grouped queries and weights.
// Kills, tried one by one (tests of 101 that then fail): attention of the buffer not counted (11), a query that scores later tokens of the
// buffer (14), a mask off by one in the front (27), log weights dropped (23), a share not divided by its mass (38), one query head of the
// group (17, tova 6), recent tokens off by one (7), the observation window off by one (14), a pool off by one (25), heads added up before they are pooled (2), the query before the
// last (11), the order of the stream lost (18), calls of fewer than five query rows asked as they are (8: a cut by single tokens changes bits),
// a first layer of the pyramid that takes no less for the last (9).
import { rowsOf, type KvBlock, type Matrix, type StreamSpec, type TierSpec } from '@sublinear/core'
import { exactStream } from '@sublinear/exact-attention'
import { taylorFeatures } from '@sublinear/poly-features'
import { quantised } from '@sublinear/token-store'
import { describe, expect, it } from 'vitest'
import { h2o, pyramidKv, sinks, snapKv, tiers, tova, window, restoreTiers, type TokenTier } from '../src'
import { openPart } from './open-part'
import { stepped, tokensOf } from './stepped'

const shape = { d: 3, dv: 2, scale: 0.8 }

/** Sight of a rule when `count` + some tokens are there: places in stream order, and shares of query rows to tokens. */
interface Sight {
  readonly places: readonly number[]
  readonly groups: number
  /** The last token whose query was seen. */
  readonly now: number
  /** Share of the whole softmax that goes from one query head of token i, or from all added up, to token j; 0 where j came later. */
  readonly share: (i: number, j: number, head?: number) => number
  /** When token j came to the policy. */
  readonly came: (j: number) => number
}
type Rule = (sight: Sight) => readonly number[]

/** The places without the `leaving` ones of the least score; of equals the earlier leave. */
const without = (
  places: readonly number[],
  among: readonly number[],
  leaving: number,
  score: (j: number) => number,
) => {
  const gone = new Set(among.toSorted((a, b) => score(a) - score(b) || a - b).slice(0, leaving))
  return places.filter((j) => !gone.has(j))
}

const heavyHitters =
  (count: number, recent: number): Rule =>
  ({ places, share, now, came }) => {
    const received = (j: number) => {
      let total = 0
      for (let i = came(j); i <= now; i++) total += share(i, j)
      return total
    }
    return without(places, places.slice(0, places.length - recent), places.length - count, received)
  }
const attendedLast =
  (count: number): Rule =>
  ({ places, share, now }) =>
    without(places, places, places.length - count, (j) => share(now, j))
const largest = (near: readonly number[]) => Math.max(...near)
/** Smoothed head by head, then added up over the heads. */
const snap =
  (count: number, windowed: number, pool: number, smooth: (near: readonly number[]) => number = largest): Rule =>
  ({ places, share, now, groups }) => {
    const before = places.slice(0, places.length - windowed)
    const reach = (pool - 1) / 2
    const total = before.map(() => 0)
    for (let head = 0; head < groups; head++) {
      const votes = before.map((j) => {
        let votes = 0
        for (let i = Math.max(0, now - windowed + 1); i <= now; i++) votes += share(i, j, head)
        return votes
      })
      for (const k of before.keys()) total[k] += smooth(votes.slice(Math.max(0, k - reach), k + reach + 1))
    }
    return without(places, before, places.length - count, (j) => total[before.indexOf(j)])
  }

/**
 * The stream by definition. 64 tokens wait; when the next one comes they pass `first` sinks and a window of `last` tokens, and what is left
 * goes to the policy; what leaves the policy is seen on where `keepsAll`.
 */
function held(
  rule: Rule,
  count: number,
  { block, queries }: ReturnType<typeof tokensOf>,
  groups: number,
  stack?: { first: number; last: number },
) {
  const { keys, weights } = block
  const n = keys.rows
  const score = (q: number, j: number) => {
    let product = 0
    for (let c = 0; c < 3; c++) product += queries.data[q * 3 + c] * keys.data[j * 3 + c]
    return Math.exp(0.8 * product) * (weights?.[j] ?? 1)
  }
  const mass = new Float64Array(n * groups)
  const share = (i: number, j: number, head?: number) => {
    const [first, end] = head === undefined ? [0, groups] : [head, head + 1]
    let total = 0
    if (i >= j) for (let q = i * groups + first; q < i * groups + end; q++) total += score(q, j) / mass[q]
    return total
  }
  const arrival = new Map<number, number>()
  let places: readonly number[] = []
  for (let i = 0; i < n; i++) {
    const settled = Math.floor(i / 64) * 64
    if (i > 0 && i === settled) {
      // Without tiers before it, the policy is told of tokens that wait.
      const fresh: number[] = []
      for (let j = stack ? stack.first : 0; j < settled - (stack?.last ?? 0); j++)
        if (!arrival.has(j)) {
          arrival.set(j, stack ? i : j)
          fresh.push(j)
        }
      places = [...places, ...fresh]
      if (places.length > count) places = rule({ places, groups, now: i - 1, share, came: (j) => arrival.get(j)! })
    }
    for (let q = i * groups; q < (i + 1) * groups; q++) {
      for (let j = 0; j <= i; j++) {
        const isSeen = stack !== undefined || j >= settled || places.includes(j)
        if (isSeen) mass[q] += score(q, j)
      }
    }
  }
  return places
}

const placesOf = (tier: TokenTier) =>
  [...tier.read().values.data].filter((_, i) => i % 2 === 0).toSorted((a, b) => a - b)

const policies: [string, (shape: { d: number; dv: number; scale: number }) => TokenTier, Rule, number][] = [
  ['h2o', h2o({ count: 40 }), heavyHitters(40, 20), 40],
  ['h2o without recent tokens', h2o({ count: 64, recent: 0 }), heavyHitters(64, 0), 64],
  ['h2o of one', h2o({ count: 1 }), heavyHitters(1, 0), 1],
  ['tova', tova({ count: 50 }), attendedLast(50), 50],
  ['tova of one', tova({ count: 1 }), attendedLast(1), 1],
  ['snapKv', snapKv({ count: 40 }), snap(40, 20, 7), 40],
  [
    'snapKv, window 8, no pool',
    snapKv({ count: 100, window: 8, pool: { kind: 'none', size: 1 } }),
    snap(100, 8, 1),
    100,
  ],
  [
    'snapKv, the average of 5',
    snapKv({ count: 60, window: 9, pool: { kind: 'average', size: 5 } }),
    snap(60, 9, 5, (near) => near.reduce((a, b) => a + b) / 5),
    60,
  ],
  ['pyramidKv, the first of 4 layers', pyramidKv({ layers: 4, layer: 0, count: 30 }), snap(51, 8, 7), 51],
]
const cases = [
  { n: 65, groups: 1, weighted: false },
  { n: 129, groups: 2, weighted: true },
  { n: 321, groups: 1, weighted: true },
  { n: 449, groups: 3, weighted: false },
]

/** Snapshots in the same bits for four cuts, and on from a snapshot. */
function sameHoweverCut(make: TierSpec): void {
  const groups = 2
  const data = tokensOf(300, 11, groups, true)
  const whole = make(shape)
  const answers = stepped(whole, data, groups, [300])
  for (const cut of [[1], [63, 2], [5, 64, 100]]) {
    const tier = make(shape)
    const again = stepped(tier, data, groups, cut)
    expect(tier.toBytes()).toEqual(whole.toBytes())
    expect(Math.max(...again.map((x, i) => Math.abs(x - answers[i])))).toBeLessThan(300e-6)
  }
  const stream = tiers({ ...shape, parts: [make] })
  stepped(stream, { block: part(data.block, 0, 130), queries: rowsOf(data.queries, 0, 260) }, groups, [7])
  const copy = restoreTiers(stream.toBytes(), openPart(taylorFeatures({ d: 3, degree: 1, scale: 0.8 })))
  const rest = { block: part(data.block, 130, 300), queries: rowsOf(data.queries, 260, 600) }
  stepped(stream, rest, groups, [31])
  stepped(copy, rest, groups, [170])
  expect(copy.toBytes()).toEqual(stream.toBytes())
  expect(copy.parts[0].bytes).toBe(stream.parts[0].bytes)
}

describe.each(policies)('%s', (_, make, rule, count) => {
  it.each(cases)('holds the tokens of its paper’s rule: %o', ({ n, groups, weighted }) => {
    const data = tokensOf(n, 7 * n, groups, weighted)
    const tier = make(shape)
    stepped(tier, data, groups, [n])
    expect(placesOf(tier)).toEqual(held(rule, count, data, groups))
  })

  it.each(cases)('also behind sinks and a window: %o', ({ n, groups, weighted }) => {
    const data = tokensOf(n, 5 * n, groups, weighted)
    const parts: [...TierSpec[], StreamSpec] = [sinks({ count: 3 }), window({ count: 9 }), make, exactStream]
    const stream = tiers({ ...shape, parts })
    stepped(stream, data, groups, [n])
    expect(placesOf(stream.parts[2] as TokenTier)).toEqual(held(rule, count, data, groups, { first: 3, last: 9 }))
  })

  it('is the same bit for bit however its steps are cut, and after a snapshot', () => sameHoweverCut(make))

  it('learns nothing from later tokens: a prefix answers and holds as the whole does', () => {
    const data = tokensOf(300, 13, 1, false)
    const other = tokensOf(300, 14, 1, false)
    for (const known of [70, 128, 200]) {
      const changed = {
        block: {
          keys: spliced(data.block.keys, other.block.keys, known),
          values: spliced(data.block.values, other.block.values, known),
        },
        queries: spliced(data.queries, other.queries, known),
      }
      const [a, b] = [stepped(make(shape), data, 1, [300]), stepped(make(shape), changed, 1, [300])]
      expect(b.slice(0, 4 * known)).toEqual(a.slice(0, 4 * known))
    }
  })

  it('never holds more bytes than it says, nor more tokens than it may', () => {
    const data = tokensOf(300, 15, 2, true)
    const tier = make(shape)
    const most = 4 * 7 * (Math.max(64, count) + 64) + 16 * count + 8 * 64 + 2 * 32 * 24
    for (let i = 0; i < 300; i += 10) {
      tier.step(part(data.block, i, i + 10), rowsOf(data.queries, 2 * i, 2 * i + 20))
      expect(tier.read().keys.rows).toBeLessThanOrEqual(count)
      expect(tier.bytes).toBeLessThanOrEqual(most)
    }
  })

  it('gives constant values back', () => {
    const data = tokensOf(300, 17, 1, true)
    const values = { ...data.block.values, data: data.block.values.data.map((_, i) => (i % 2 ? 3.7 : -0.3)) }
    const averages = stepped(make(shape), { ...data, block: { ...data.block, values } }, 1, [50]).filter(
      (_, i) => i % 2 === 0,
    )
    for (const [i, x] of averages.entries()) expect(Math.abs(x - (i % 2 ? 3.7 : -0.3))).toBeLessThan(1e-5)
  })
})

const part = ({ keys, values, weights }: KvBlock, from: number, to: number): KvBlock => ({
  keys: rowsOf(keys, from, to),
  values: rowsOf(values, from, to),
  ...(weights && { weights: weights.subarray(from, to) }),
})
const spliced = (one: Matrix, other: Matrix, row: number): Matrix => {
  const data = one.data.slice()
  data.set(other.data.subarray(row * one.cols), row * one.cols)
  return { ...one, data }
}

const store = quantised({ keyBits: 8, valueBits: 7, seed: 3 })
it.each<[string, TierSpec]>([
  ['h2o', h2o({ count: 40, store })],
  ['tova', tova({ count: 40, store })],
  ['snapKv', snapKv({ count: 40, store })],
])('%s in few bits is the same however its steps are cut, and after a snapshot', (_, make) => sameHoweverCut(make))
