// Scores and budgets of cache policies against fixtures/policies.json: what published rules keep of a prompt in one piece, recorded by a NumPy
// script that shares nothing with the package. No cut stands where float64 could turn it. The attention given to the scores is taken here.
// Kills, tried one by one (each fails 1 to 6 tests): the longest keys, the highest cosine, an anchor of unnormalised keys, a product for the cosine, weights not
// in the anchor; the sum for the mean of attention; leverage of keys or of values alone, their sum, norms not squared, no blocks, one block, blocks of the keys
// alone or counted from the end, no sinks; ranges of the own partition or none, a deviation over n, a variance, no softmax, keys alone, no ranks, the last
// partition or one token of it not seen, partitions that begin with the sinks, a range of 0 divided by; recent tokens off by one or none; one query head of two;
// the last token forced, two queries for one; no pooling, heads added before they are pooled, an average over those there, the largest for the average, a pool or
// window off by one, the window's own shares pooled; budgets without safeguard, with it the other way round or as a floor, over the window, of the least
// scores, rounded otherwise, an empty head; received attention handed out to be changed.
import { readFileSync } from 'node:fs'
import type { Matrix } from '@sublinear/core'
import { describe, expect, it } from 'vitest'
import { pyramidCounts } from '../src'
import { adaKvCounts } from '../src/policies/ada-kv'
import { cur as curTiers } from '../src/policies/cur'
import { h2o as h2oTiers } from '../src/policies/h2o'
import { keyDiff as keyDiffTiers } from '../src/policies/key-diff'
import { keyNorm as keyNormTiers } from '../src/policies/key-norm'
import { lagKv as lagKvTiers } from '../src/policies/lag-kv'
import { observedAttention as observedAttentionTiers } from '../src/policies/observed-attention'
import type { ScorePolicy, Scoring } from '../src/scoring'
import { snapKv as snapKvTiers } from '../src/policies/snap-kv'
import { tova as tovaTiers } from '../src/policies/tova'

const [cur, h2o, keyDiff, keyNorm, lagKv, observedAttention, snapKv, tova] = [
  curTiers.policy,
  h2oTiers.policy,
  keyDiffTiers.policy,
  keyNormTiers.policy,
  lagKvTiers.policy,
  observedAttentionTiers.policy,
  snapKvTiers.policy,
  tovaTiers.policy,
] as const

interface Fixture {
  readonly n: number
  readonly d: number
  readonly dv: number
  readonly heads: number
  readonly unit: number
  readonly scale: number
  readonly keys: readonly number[]
  readonly values: readonly number[]
  readonly queries: readonly number[]
  readonly rules: Record<string, readonly { options: object; cases: readonly { count: number; kept: number[] }[] }[]>
  readonly pyramidKv: readonly { layers: number; count: number; window: number; beta: number; budgets: number[] }[]
  readonly adaKv: {
    readonly scores: readonly number[][]
    readonly cases: readonly { count: number; window: number; safeguard: number; budgets: number[]; counts: number[] }[]
  }
}
const fixture = JSON.parse(readFileSync(new URL('fixtures/policies.json', import.meta.url), 'utf8')) as Fixture
const { n, d, dv, heads, unit, scale } = fixture
const matrix = (cols: number, integers: readonly number[]): Matrix => ({
  rows: integers.length / cols,
  cols,
  data: Float32Array.from(integers, (x) => x / unit),
})
const [keys, values, queries] = [matrix(d, fixture.keys), matrix(dv, fixture.values), matrix(d, fixture.queries)]

/** Shares that query i of a head gives to the tokens 0 … i. */
const attention = (head: number, i: number): number[] => {
  const powers = Array.from({ length: i + 1 }, (_, j) => {
    let product = 0
    for (let c = 0; c < d; c++) product += queries.data[(i * heads + head) * d + c] * keys.data[j * d + c]
    return Math.exp(scale * product)
  })
  const mass = powers.reduce((a, b) => a + b)
  return powers.map((power) => power / mass)
}
/** The attention that tokens receive from the queries of tokens `from` … n − 1, summed. */
const shares = (head: number, from: number) => {
  const out = new Float64Array(n)
  for (let i = from; i < n; i++) for (const [j, share] of attention(head, i).entries()) out[j] += share
  return out
}
const perHead = (from: number) => Array.from({ length: heads }, (_, head) => shares(head, from))
const whole = perHead(0)

// oxlint-disable-next-line typescript/no-explicit-any
type AnyPolicy = ScorePolicy<any, any>
const blank: Scoring = { count: n, seen: n, scale, keys: () => keys, values: () => values, weights: undefined }

/** Sight of the prompt that the policy may have. */
function sight({ learns, asks }: AnyPolicy, settled: { count: number }): Scoring {
  if (learns === 'nothing') return blank
  if (learns === 'lastQueries') return { ...blank, shares: () => perHead(n - (asks?.(settled) ?? 1)) }
  return {
    ...blank,
    received: whole[0].map((_, j) => whole.reduce((sum, head) => sum + head[j], 0)),
    watched: Float64Array.from({ length: n }, (_, j) => heads * (n - j)),
  }
}

/** The tokens that stay, ascending: the first and the recent ones, then those of the largest score, of equals the later. */
function kept(policy: AnyPolicy, options: { count: number; [option: string]: unknown }, tokens?: Scoring): number[] {
  const settled = policy.settle?.(options) ?? options
  const seen = tokens ?? sight(policy, settled)
  const { first = 0, recent = 0 } = policy.stays?.(settled) ?? {}
  const scores = policy.score(seen, settled)
  const places = Array.from({ length: seen.count }, (_, j) => j)
  const between = places.slice(first, seen.count - recent)
  const best = between.toSorted((a, b) => scores[b] - scores[a] || b - a).slice(0, settled.count - first - recent)
  return [...places.slice(0, first), ...best, ...places.slice(seen.count - recent)].toSorted((a, b) => a - b)
}

const zeros = (cols: number): Matrix => ({ rows: n, cols, data: new Float32Array(n * cols) })
const last = (count: number) => Array.from({ length: count }, (_, i) => n - count + i)

const policies: AnyPolicy[] = [keyNorm, keyDiff, lagKv, observedAttention, cur, h2o, tova, snapKv]
const cases = policies.flatMap((policy) =>
  (fixture.rules[policy.name] ?? []).map(({ options, cases }) => ({
    policy,
    name: policy.name,
    options,
    expected: cases,
  })),
)

describe('the tokens that the published rule keeps', () => {
  it('are recorded for every policy, and for no other', () => {
    expect(policies.map(({ name }) => name).toSorted()).toEqual(Object.keys(fixture.rules).toSorted())
  })
  it.each(cases)('$name $options', ({ policy, options, expected }) => {
    for (const { count, kept: places } of expected) expect(kept(policy, { count, ...options })).toEqual(places)
  })
})

describe('a score', () => {
  it.each(policies.map((policy) => ({ name: policy.name, policy })))(
    'of $name is a number a token, the same again, and changes nothing',
    ({ policy }) => {
      const settled = policy.settle?.({ count: 40 }) ?? { count: 40 }
      const tokens = sight(policy, settled)
      const before = [keys, values].map(({ data }) => data.slice())
      const received = tokens.received?.slice()
      const scores = policy.score(tokens, settled)
      expect(scores).toHaveLength(n)
      expect(scores.some(Number.isNaN)).toBe(false)
      scores.fill(7)
      expect(policy.score(tokens, settled)).not.toEqual(scores)
      expect([keys.data, values.data, tokens.received]).toEqual([...before, received])
    },
  )

  it('keeps the latest where nothing tells tokens apart: no queries, keys and values of zeros', () => {
    const [noKeys, noValues] = [zeros(d), zeros(dv)]
    const received = new Float64Array(n)
    const tokens = { ...blank, keys: () => noKeys, values: () => noValues, received, shares: () => [] }
    for (const policy of [keyNorm, keyDiff, observedAttention, h2o, tova, snapKv] as AnyPolicy[])
      expect(kept(policy, { count: 30 }, tokens)).toEqual(last(30))
    expect(kept(cur, { count: 30 }, tokens)).toEqual([0, 1, 2, 3, ...last(26)])
    const even = kept(lagKv, { count: 30 }, tokens) // 4 first, 15 partitions of 6 whose last stays with 3 after it
    expect(even).toHaveLength(30)
    expect(even.slice(0, 4)).toEqual([0, 1, 2, 3])
    expect(even.slice(-9)).toEqual(last(9))
  })

  it('of lagKv passes over a coordinate that does not vary, whatever it is', () => {
    const flat = (level: number) => {
      const data = values.data.map((x, i) => (i % dv === 2 ? level : x))
      return kept(lagKv, { count: 38, lag: 16 }, { ...blank, values: () => ({ ...values, data }) })
    }
    const nothingTells = kept(
      lagKv,
      { count: 38, lag: 16 },
      { ...blank, keys: () => zeros(d), values: () => zeros(dv) },
    )
    expect(flat(3.5)).toEqual(flat(0))
    expect(flat(3.5)).not.toEqual(nothingTells)
  })

  it('of keyDiff takes a token of weight w for w tokens', () => {
    const weights = Float32Array.from({ length: n }, (_, j) => 1 + (j % 3))
    const times = [...weights].flatMap((w, j) => Array.from({ length: w }, () => j))
    const copies: Matrix = {
      rows: times.length,
      cols: d,
      data: Float32Array.from(times.flatMap((j) => [...keys.data.subarray(j * d, (j + 1) * d)])),
    }
    const each = keyDiff.score({ ...blank, count: copies.rows, keys: () => copies }, { count: 1 })
    const once = keyDiff.score({ ...blank, weights }, { count: 1 })
    for (const [i, j] of times.entries()) expect(Math.abs(each[i] - once[j])).toBeLessThan(1e-12 * n)
  })
})

describe('options', () => {
  it('left out are the published ones, or what the count allows', () => {
    expect(h2o.settle!({ count: 9 })).toEqual({ count: 9, recent: 4 })
    expect(cur.settle!({ count: 2 })).toEqual({ count: 2, block: 16, first: 2 })
    expect(snapKv.settle!({ count: 100 })).toEqual({ count: 100, window: 32, pool: { kind: 'max', size: 7 } })
    expect(snapKv.settle!({ count: 2 }).window).toBe(1)
    expect(lagKv.settle!({ count: 1000 })).toEqual({ count: 1000, lag: 128, first: 4 })
    for (let count = 1; count < 40; count++) for (let first = 0; first < count; first++) lagKv.settle!({ count, first })
  })
  it.each<[string, () => unknown, string]>([
    ['h2o', () => h2o.settle!({ count: 4, recent: 5 }), 'h2o: recent must be an integer from 0 to 4, got 5'],
    ['cur, block', () => cur.settle!({ count: 4, block: 0 }), 'cur: block must be an integer >= 1, got 0'],
    ['cur, first', () => cur.settle!({ count: 4, first: 5 }), 'cur: first must be an integer from 0 to 4, got 5'],
    ['lagKv', () => lagKv.settle!({ count: 10, lag: 6, first: 0 }), 'lagKv: lag must be an integer from 1 to 5, got 6'],
    ['snapKv', () => snapKv.settle!({ count: 4, window: 4 }), 'snapKv: window must be an integer from 1 to 3, got 4'],
    [
      'an even pool',
      () => snapKv.settle!({ count: 9, pool: { kind: 'max', size: 4 } }),
      'snapKv: pool.size must be odd, got 4',
    ],
    [
      'another pool',
      () => snapKv.settle!({ count: 9, pool: { kind: 'sum' } as never }),
      'snapKv: pool must have a kind, one of average, max, none, and a size',
    ],
  ])('of %s that cannot be are refused', (_, call, message) => expect(call).toThrow(message))
})

describe('pyramidCounts', () => {
  it.each(fixture.pyramidKv)(
    '$layers layers, $count on average, beta $beta: within 1 of the sequence, exact where it is whole',
    ({ budgets, ...options }) => {
      const counts = pyramidCounts(options)
      for (const [layer, budget] of budgets.entries()) expect(Math.abs(counts[layer] - budget)).toBeLessThan(1)
      if (budgets.every(Number.isInteger)) expect(counts).toEqual(budgets)
      expect(counts.reduce((a, b) => a + b)).toBe(options.layers * options.count)
    },
  )
})

describe('adaKvCounts', () => {
  const scores = fixture.adaKv.scores.map((own) => Float64Array.from(own))
  it.each(fixture.adaKv.cases)(
    '$count on average, window $window, safeguard $safeguard: $counts',
    ({ counts, budgets, ...options }) => {
      expect(adaKvCounts(scores, options)).toEqual(counts)
      for (const [head, budget] of budgets.entries()) expect(Math.abs(counts[head] - budget)).toBeLessThan(1)
    },
  )
  it('guards a fifth where nothing is said, and leaves no head empty', () => {
    expect(adaKvCounts(scores, { count: 12 })).toEqual(fixture.adaKv.cases[0].counts)
    const one = [Float64Array.of(9, 8, 7, 6), Float64Array.of(1, 1, 1, 1), Float64Array.of(2, 2, 2, 2)]
    expect(adaKvCounts(one, { count: 2, safeguard: 0 })).toEqual([3, 1, 2])
    expect(adaKvCounts(one, { count: 9, window: 2, safeguard: 0 })).toEqual([9, 9, 9])
    expect(adaKvCounts(one, { count: 2, safeguard: 1 })).toEqual([2, 2, 2])
  })
  it('refuses what it cannot share out', () => {
    expect(() => adaKvCounts([], { count: 4 })).toThrow('adaKv: the number of heads must be an integer >= 1, got 0')
    expect(() => adaKvCounts(scores, { count: 8, window: 8 })).toThrow('adaKv: count must be an integer >= 9, got 8')
    expect(() => adaKvCounts(scores, { count: 8, safeguard: 1.5 })).toThrow(
      'adaKv: safeguard must be from 0 to 1, got 1.5',
    )
  })
})
