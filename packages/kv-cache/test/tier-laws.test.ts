// The laws of tiers for the policies that policies.test.ts leaves out, each with its definition over plain lists; those that learn from queries get none here, and keep the latest.
// Kills, tried one by one (of 74 laws those that then fail): the longest keys for the shortest (1), the highest cosine (1), an anchor without weights (1), a partition off by one (2),
// the last partition let go (2), leverage over all tokens for blocks (2), first tokens that leave (1), means of the tokens held alone (1), recent tokens off by one (1),
// equal scores that let the latest go (4), a place not followed (6), a reservoir that hands on what is not held (2) or forgets weights (2), clusters whose weights are not added (2), or not those of tokens that join (2).
import type { KvBlock, Tier } from '@sublinear/core'
import { tierLaws } from '@sublinear/laws'
import { describe, test } from 'vitest'
import {
  clusters,
  cur,
  keyDiff,
  keyNorm,
  lagKv,
  misfit,
  observedAttention,
  pyramidKv,
  pyramidKvMethod,
  reservoir,
  restoreClusters,
  restoreReservoir,
  sinks,
} from '../src'

const shape = { d: 3, dv: 2, scale: 0.5 }

/** The rows of a matrix, as lists. */
const rowsIn = ({ rows, cols, data }: KvBlock['keys']) =>
  Array.from({ length: rows }, (_, i) => [...data.subarray(i * cols, (i + 1) * cols)])
const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, c) => sum + x * b[c], 0)
const total = (all: readonly number[]) => all.reduce((a, b) => a + b, 0)

interface Tokens {
  readonly keys: readonly number[][]
  readonly values: readonly number[][]
  readonly weights: readonly number[]
}
/** Scores of the tokens in these places, in stream order; `gone` are the places of those that left before. */
type Score = (tokens: Tokens, places: readonly number[], gone: readonly number[]) => readonly number[]

/** Tokens that stay by one score: 64 tokens come at a time; of those there the lowest leave, of equals the earlier, but not the first ones or the last. */
const chosenBy =
  (score: Score, count: number, { first = 0, last = 0 } = {}) =>
  ({ keys, values, weights }: KvBlock): readonly number[] => {
    const tokens = {
      keys: rowsIn(keys),
      values: rowsIn(values),
      weights: Array.from({ length: keys.rows }, (_, i) => weights?.[i] ?? 1),
    }
    let [held, gone]: [readonly number[], readonly number[]] = [[], []]
    for (let from = 0; from < keys.rows; from += 64) {
      const there = [...held, ...Array.from({ length: Math.min(64, keys.rows - from) }, (_, i) => from + i)]
      held = there
      if (there.length <= count) continue
      const scores = score(tokens, there, gone)
      const free = there.map((_, i) => i).slice(first, there.length - last)
      const leaving = new Set(free.toSorted((a, b) => scores[a] - scores[b] || a - b).slice(0, there.length - count))
      held = there.filter((_, i) => !leaving.has(i))
      gone = [...gone, ...there.filter((_, i) => leaving.has(i))]
    }
    return held
  }

const shortest: Score = ({ keys }, places) => places.map((i) => -dot(keys[i], keys[i]))

/** Least cosine to the mean direction. */
const unlike: Score = ({ keys, weights }, places) => {
  const length = (i: number) => Math.sqrt(dot(keys[i], keys[i]))
  const anchor = [0, 1, 2].map((c) => total(places.map((i) => (weights[i] * keys[i][c]) / length(i))))
  return places.map((i) => -dot(anchor, keys[i]) / length(i))
}

/** Ranks in partitions of `lag` after the `first` tokens, by the softmax of deviations scaled by the next partition's ranges. */
const lagged =
  (lag: number, first: number): Score =>
  ({ keys, values }, places) => {
    const scores = places.map(() => Infinity)
    for (let from = first; from + 2 * lag <= places.length; from += lag) {
      const own = places.slice(from, from + lag)
      const next = places.slice(from + lag, from + 2 * lag)
      const shares = [keys, values].map((side) => {
        const cols = side[0].map((_, c) => c)
        const [low, high] = [Math.min, Math.max].map((end) => cols.map((c) => end(...next.map((i) => side[i][c]))))
        const powers = own.map((i) => {
          const scaled = cols.map((c) => (side[i][c] - low[c]) / (high[c] - low[c] || Infinity))
          const mean = total(scaled) / cols.length
          return Math.exp(Math.sqrt(total(scaled.map((x) => (x - mean) ** 2)) / (cols.length - 1)))
        })
        return powers.map((power) => power / total(powers))
      })
      const both = own.map((_, i) => shares[0][i] + shares[1][i])
      for (const [i, x] of both.entries()) scores[from + i] = both.filter((y) => y < x).length
    }
    return scores
  }

/** Products of the shares that key and value have in the squared norms of their block of neighbours. */
const leverage =
  (block: number): Score =>
  ({ keys, values }, places) => {
    const shares = (side: readonly number[][]) =>
      places.map((i, at) => {
        const from = at - (at % block)
        return dot(side[i], side[i]) / total(places.slice(from, from + block).map((j) => dot(side[j], side[j])))
      })
    const [ofKeys, ofValues] = [shares(keys), shares(values)]
    return ofKeys.map((share, i) => share * ofValues[i])
  }

const off = (row: readonly number[], mean: readonly number[]) => total(row.map((x, c) => (x - mean[c]) ** 2))

/** ‖k − μ‖²·‖v − v̄‖ with the means over all that came. */
const misfits: Score = ({ keys, values, weights }, places, gone) => {
  const all = [...gone, ...places]
  const meanOf = (side: readonly number[][]) =>
    side[0].map((_, c) => total(all.map((i) => weights[i] * side[i][c])) / total(all.map((i) => weights[i])))
  const [key, value] = [meanOf(keys), meanOf(values)]
  return places.map((i) => off(keys[i], key) * Math.sqrt(off(values[i], value)))
}
const alike: Score = (_, places) => places.map(() => 0)

const opened = (bytes: Uint8Array) => pyramidKvMethod.open(bytes, () => sinks({ count: 1 })(shape)) as unknown as Tier

const policies: [string, () => Tier, (bytes: Uint8Array) => Tier, (block: KvBlock) => readonly number[]][] = [
  ['keyNorm', () => keyNorm({ count: 20 })(shape), keyNorm.open, chosenBy(shortest, 20)],
  ['keyDiff', () => keyDiff({ count: 20 })(shape), keyDiff.open, chosenBy(unlike, 20)],
  ['lagKv', () => lagKv({ count: 30 })(shape), lagKv.open, chosenBy(lagged(6, 4), 30, { first: 4 })],
  [
    'lagKv of 7',
    () => lagKv({ count: 7, lag: 2, first: 3 })(shape),
    lagKv.open,
    chosenBy(lagged(2, 3), 7, { first: 3 }),
  ],
  ['cur', () => cur({ count: 20 })(shape), cur.open, chosenBy(leverage(16), 20, { first: 4 })],
  ['cur of 1', () => cur({ count: 1, block: 5, first: 0 })(shape), cur.open, chosenBy(leverage(5), 1)],
  ['misfit', () => misfit({ count: 20 })(shape), misfit.open, chosenBy(misfits, 20, { last: 5 })],
  ['observedAttention without queries', () => observedAttention({ count: 20 })(shape), observedAttention.open, chosenBy(alike, 20)], // prettier-ignore
  ['pyramidKv without queries', () => pyramidKv({ layers: 4, layer: 0, count: 30 })(shape), opened, chosenBy(alike, 51)], // prettier-ignore
]

describe.each(policies)('%s', (name, make, restore, stays) => {
  for (const law of tierLaws({ name, make, restore, stays })) test(law.name, law.run)
})

describe.each<[string, () => Tier, (bytes: Uint8Array) => Tier]>([
  ['reservoir', () => reservoir({ count: 20, seed: 1 })(shape), restoreReservoir],
  ['reservoir of 100', () => reservoir({ count: 100, seed: 2n ** 64n - 1n })(shape), restoreReservoir],
  ['clusters', () => clusters({ count: 20 })(shape), restoreClusters],
  ['clusters of 100', () => clusters({ count: 100 })(shape), restoreClusters],
])('%s', (name, make, restore) => {
  for (const law of tierLaws({ name, make, restore, standsForAll: true })) test(law.name, law.run)
})
