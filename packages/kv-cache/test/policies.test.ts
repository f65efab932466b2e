// Each policy against its definition over plain arrays. Kills: sinks that leave, a window off by one, a ring whose oldest is read from the
// wrong slot, a centre that does not follow the mean or follows it at call borders, held tokens not re-scored, the nearest kept for
// the farthest, weights left out of the mean, weights lost in a replaced slot.
import { rowsOf, type KvBlock, type Tier } from '@sublinear/core'
import { random, tierLaws } from '@sublinear/laws'
import { describe, expect, it, test } from 'vitest'
import {
  farKeys,
  h2o,
  quantisedStream,
  restoreFarKeys,
  restoreSinks,
  restoreStreamingLlm,
  restoreWindow,
  sinks,
  snapKv,
  streamingLlm,
  tova,
  window,
  type TokenTier,
} from '../src'

const shape = { d: 3, dv: 2, scale: 0.5 }
const places = (n: number) => Array.from({ length: n }, (_, i) => i)

/**
 * Far keys by definition, a token at a time over plain lists: while there is room a token stays; then the nearest of those held and the
 * new one leaves, the new one when it is not farther. Distances are from the mean as of the last token whose number is a power
 * of two up to 64 or a multiple of 64.
 */
function farthest(count: number, from = places(3).map(() => 0)) {
  return ({ keys, weights }: KvBlock): number[] => {
    let centre = from
    const distance = (i: number) => centre.reduce((sum, m, c) => sum + (keys.data[i * 3 + c] - m) ** 2, 0)
    let held: number[] = []
    for (let i = 0; i < keys.rows; i++) {
      held.push(i)
      if (held.length > count) {
        const nearest = held.reduce((a, b) => (distance(b) <= distance(a) ? b : a))
        held = held.filter((j) => j !== nearest)
      }
      const seen = i + 1
      if (seen % 64 !== 0 && !(seen < 64 && Number.isInteger(Math.log2(seen)))) continue
      let weight = 0
      const total = [0, 0, 0]
      for (let j = 0; j <= i; j++) {
        const w = weights?.[j] ?? 1
        weight += w
        for (let c = 0; c < 3; c++) total[c] += w * keys.data[j * 3 + c]
      }
      centre = total.map((x) => x / weight)
    }
    return held
  }
}

const lastOf =
  (count: number) =>
  ({ keys }: KvBlock): number[] =>
    places(keys.rows).slice(-count)
const firstAndLast =
  (sinks: number, last: number) =>
  ({ keys }: KvBlock): number[] =>
    places(keys.rows).filter((i) => i < sinks || i >= keys.rows - last)

const policies: [string, () => Tier, (bytes: Uint8Array) => Tier, (block: KvBlock) => number[]][] = [
  ['sinks of 1', () => sinks({ count: 1 })(shape), restoreSinks, ({ keys }) => places(keys.rows).slice(0, 1)],
  ['sinks of 70', () => sinks({ count: 70 })(shape), restoreSinks, ({ keys }) => places(keys.rows).slice(0, 70)],
  ['window of 1', () => window({ count: 1 })(shape), restoreWindow, ({ keys }) => places(keys.rows).slice(-1)],
  ['window of 64', () => window({ count: 64 })(shape), restoreWindow, ({ keys }) => places(keys.rows).slice(-64)],
  ['window of 100', () => window({ count: 100 })(shape), restoreWindow, ({ keys }) => places(keys.rows).slice(-100)],
  ['streamingLlm of 5', () => streamingLlm({ count: 5 })(shape), restoreStreamingLlm, firstAndLast(4, 1)],
  [
    'streamingLlm of 100, 9 sinks',
    () => streamingLlm({ count: 100, sinks: 9 })(shape),
    restoreStreamingLlm,
    firstAndLast(9, 91),
  ],
  ['streamingLlm without sinks', () => streamingLlm({ count: 30, sinks: 0 })(shape), restoreStreamingLlm, lastOf(30)],
  // Without queries the policies that learn from them keep the latest.
  ['h2o without queries', () => h2o({ count: 20, recent: 3 })(shape), h2o.open, lastOf(20)],
  ['tova without queries', () => tova({ count: 20 })(shape), tova.open, lastOf(20)],
  ['snapKv without queries', () => snapKv({ count: 20 })(shape), snapKv.open, lastOf(20)],
  ['far keys, 1', () => farKeys({ count: 1 })(shape), restoreFarKeys, farthest(1)],
  ['far keys, 20', () => farKeys({ count: 20 })(shape), restoreFarKeys, farthest(20)],
  ['far keys, 100', () => farKeys({ count: 100 })(shape), restoreFarKeys, farthest(100)],
]

describe.each(policies)('%s', (name, make, restore, stays) => {
  for (const law of tierLaws({ name, make, restore, stays })) test(law.name, law.run)

  test.each([0, 1, 63, 64, 65, 128, 130, 300])(
    'pushed %i tokens alone, up to 64 wait and the policy chose of the others',
    (n) => {
      const values = random(n, 2, 2)
      for (let i = 0; i < n; i++) values.data[2 * i] = i
      const block = { keys: random(n, 3, 1), values }
      const tier = make() as TokenTier
      for (let i = 0; i < n; i += 50) tier.push(part(block, i, Math.min(n, i + 50)))
      const settled = Math.max(0, Math.ceil(n / 64) - 1) * 64
      expect(placesIn(tier.waits())).toEqual(places(n).slice(settled))
      expect(placesIn(tier.read()).toSorted((a, b) => a - b)).toEqual(stays(part(block, 0, settled)))
    },
  )
})

function part({ keys, values, weights }: KvBlock, from: number, to: number): KvBlock {
  return {
    keys: rowsOf(keys, from, to),
    values: rowsOf(values, from, to),
    ...(weights && { weights: weights.subarray(from, to) }),
  }
}

/** Keys on a line. */
const line = (xs: readonly number[]): KvBlock => ({
  keys: { rows: xs.length, cols: 1, data: Float32Array.from(xs) },
  values: { rows: xs.length, cols: 1, data: Float32Array.from(xs) },
})
const tier = () => farKeys({ count: 2 })({ d: 1, dv: 1, scale: 1 })

describe('far keys', () => {
  it('follow the mean: what was far becomes near and leaves', () => {
    const far = tier()
    far.push(line(Array.from({ length: 65 }, (_, i) => (i === 10 ? 5 : 0)))) // mean near 0: 5 is the farthest
    expect([...far.read().keys.data]).toContain(5)
    far.push(line(Array.from({ length: 1023 }, () => 5)))
    far.push(line([0, 0.5, ...Array.from({ length: 63 }, () => 5)]))
    expect([...far.read().keys.data].toSorted()).toEqual([0, 0.5]) // the mean is near 5 now: 5 is what leaves
  })

  it('keep the earlier of equals', () => {
    const far = tier()
    const values = { rows: 65, cols: 1, data: Float32Array.from(places(65)) }
    const left = far.admit({ ...line(places(65).map(() => 1)), values })
    expect([...left!.values.data]).toEqual(places(65).slice(2))
  })
})

it.each([
  ['sinks', () => sinks({ count: 0 }), 'sinks: count must be an integer >= 1, got 0'],
  ['window', () => window({ count: 1.5 }), 'window: count must be an integer >= 1, got 1.5'],
  ['streamingLlm', () => streamingLlm({ count: 4 }), 'streamingLlm: count must be an integer >= 5, got 4'],
  ['h2o', () => h2o({ count: 4, recent: 5 }), 'h2o: recent must be an integer from 0 to 4, got 5'],
  ['tova', () => tova({ count: 0 }), 'tova: count must be an integer >= 1, got 0'],
  ['snapKv', () => snapKv({ count: 8, window: 8 }), 'snapKv: window must be an integer from 1 to 7, got 8'],
  ['snapKv', () => snapKv({ count: 8, pool: { kind: 'max', size: 2 } }), 'snapKv: pool.size must be odd, got 2'],
  ['quantisedStream', () => quantisedStream({ keyBits: 4.5, valueBits: 4 }), 'quantised: keyBits must be an integer'],
  ['farKeys', () => farKeys({ count: -1 }), 'farKeys: count must be an integer >= 1, got -1'],
])('%s refuses a count that is none', (_, make, message) => {
  expect(make).toThrow(message)
})

/** The places that the first values of tokens name. */
function placesIn(held?: KvBlock): number[] {
  return [...(held?.values.data ?? [])].filter((_, i) => i % 2 === 0)
}
