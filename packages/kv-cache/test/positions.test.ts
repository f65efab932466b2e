// Places of tokens behind a window, at one distance or in the cache, against scores in closed form: a key at distance Δ gives ⟨q, R(−Δ)k⟩, in float64, for one pair of coordinates.
// Kills: a key that leaves the window still turned, or turned by the places of another call, a distance off by one, first tokens that stand where the text has them, queries turned for one
// call and asked in the next, a part taken for the window that is none, places of a step counted from its end.
import { rowsOf, tokensOf, type Shape, type TierSpec } from '@sublinear/core'
import { exactStream, normalise } from '@sublinear/exact-attention'
import { distance, random } from '@sublinear/laws'
import { describe, expect, it } from 'vitest'
import { farKeys, restoreTiers, sinks, sinksMethod, streamingLlm, tiers, window, windowMethod } from '../src'
import { placedParts } from '../src/placed-parts'

const [d, dv, n, groups] = [2, 3, 70, 2]
const turned: Shape = { d, dv, scale: 0.7, rotary: { base: 50, pairing: 'halves' } }
const all = { keys: random(n, d, 1, 2), values: random(n, dv, 2) }
const queries = random(n * groups, d, 3, 2)

/** Answers of a token's queries over held tokens, each at its distance. */
function byDefinition(last: number, away: (j: number) => number | undefined): number[] {
  return Array.from({ length: groups }, (_, g) => {
    const [a, b] = queries.data.subarray((last * groups + g) * d)
    const out = new Float64Array(dv)
    let mass = 0
    for (let j = 0; j <= last; j++) {
      const angle = away(j)
      if (angle === undefined) continue
      const [x, y] = all.keys.data.subarray(j * d)
      const share = Math.exp(0.7 * ((a * x + b * y) * Math.cos(angle) + (a * y - b * x) * Math.sin(angle)))
      mass += share
      for (let c = 0; c < dv; c++) out[c] += share * all.values.data[j * dv + c]
    }
    return [...out].map((x) => x / mass)
  }).flat()
}
const asked = (from: number, to: number) => rowsOf(queries, from * groups, to * groups)
const cuts = [[1], [7], [n], [3, 20, 1]]

/** Compares answers of every step, and of questions after it, for some cuts. */
function compare(make: () => ReturnType<typeof tiers>, away: (last: number) => (j: number) => number | undefined) {
  for (const pieces of cuts) {
    const stream = make()
    for (let from = 0, i = 0; from < n; i++) {
      const to = Math.min(n, from + pieces[i % pieces.length])
      const got = normalise(stream.step(tokensOf(all, from, to), asked(from, to))).data
      const wanted = Array.from({ length: to - from }, (_, r) => byDefinition(from + r, away(from + r))).flat()
      expect(distance(got, Float64Array.from(wanted))).toBeLessThan(2e-6)
      const again = normalise(stream.attend(asked(to - 1, to))).data
      expect(distance(again, Float64Array.from(wanted.slice(-groups * dv)))).toBeLessThan(2e-6)
      from = to
    }
  }
}

describe.each([0, 5, 31])('behind a window, from a distance of %i', (clamp) => {
  it.each([
    [9, 4],
    [1, 1],
    [20, 16],
  ])('all tokens are asked, those of a window of %i and %i that wait at their own', (count, buffer) => {
    const parts: [TierSpec, typeof exactStream] = [window({ count }), exactStream]
    compare(
      () => tiers({ ...turned, positions: { clamp }, parts, buffer }),
      (last) => (j) => (last - j < count + (last % buffer) + 1 ? last - j : clamp),
    )
  })
  it('tokens of three parts are, too', () => {
    const parts: [TierSpec, TierSpec, typeof exactStream] = [window({ count: 5 }), farKeys({ count: 9 }), exactStream]
    compare(
      () => tiers({ ...turned, positions: { clamp }, parts, buffer: 2 }),
      (last) => (j) => (last - j < 5 + (last % 2) + 1 ? last - j : clamp),
    )
  })
})

it.each([
  [3, 8, 4],
  [1, 1, 1],
])('in the cache %i first tokens stand right behind a window of %i and %i that wait', (first, count, buffer) => {
  const shape: Shape = { ...turned, positions: 'cache' }
  compare(
    () => tiers({ ...shape, parts: [sinks({ count: first }), window({ count })], buffer }),
    (last) => {
      const near = Math.min(last + 1 - first, count + (last % buffer) + 1)
      return (j) => (last - j < near ? last - j : j < first ? near + first - 1 - j : undefined)
    },
  )
})

it('the places go on from a snapshot, and from a fork', () => {
  for (const positions of ['cache', 'text', { clamp: 4 }] as const) {
    const parts: [TierSpec, TierSpec] = positions === 'cache' ? [sinks({ count: 3 }), window({ count: 8 })] : [window({ count: 8 }), sinks({ count: 3 })] // prettier-ignore
    const stream = tiers({ ...turned, positions, parts, buffer: 4 })
    stream.push(tokensOf(all, 0, 41))
    const open = (bytes: Uint8Array) => [sinksMethod, windowMethod].find(({ name }) => new TextDecoder().decode(bytes).includes(`"kind":"${name}"`))!.open(bytes, open) // prettier-ignore
    for (const one of [restoreTiers(stream.toBytes(), open), stream.fork()])
      for (const [from, to] of [[41, 42], [42, 60]] as const) {
        const copy = stream.fork()
        if (from === 42) copy.push(tokensOf(all, 41, 42))
        expect(one.step(tokensOf(all, from, to), asked(from, to))).toEqual(copy.step(tokensOf(all, from, to), asked(from, to))) // prettier-ignore
      } // prettier-ignore
  }
})

describe('places are refused', () => {
  it.each<[string, [...TierSpec[], TierSpec]]>([
    ['without first tokens', [window({ count: 3 }), window({ count: 3 })]],
    ['without newest tokens', [sinks({ count: 3 }), sinks({ count: 3 })]],
    ['in another order', [window({ count: 3 }), sinks({ count: 3 })]],
    ['with a part more', [sinks({ count: 3 }), window({ count: 3 }), sinks({ count: 3 })]],
    ['with a part less', [sinks({ count: 3 })]],
    ['for first and newest tokens in one part', [streamingLlm({ count: 9 }), window({ count: 3 })]],
  ])('in the cache %s, in one message', (_, parts) => {
    expect(() => tiers({ ...turned, positions: 'cache', parts })).toThrow(new RangeError("tiers: positions 'cache' are for two parts, sinks and a window")) // prettier-ignore
  })
  it('from a distance without a window before', () => {
    for (const parts of [[sinks({ count: 3 }), exactStream], [farKeys({ count: 3 }), exactStream]] as const)
      expect(() => tiers({ ...turned, positions: { clamp: 6 }, parts, name: 'mine' })).toThrow(new RangeError('mine: positions { clamp: 6 } need a window as the first part')) // prettier-ignore
  })
  it('are none where nothing turns, or by the text', () => {
    expect(placedParts('x', { d, dv, scale: 1 }, [])).toBeUndefined()
    expect(placedParts('x', turned, [])).toBeUndefined()
    expect(placedParts('x', { ...turned, positions: 'text' }, [])).toBeUndefined()
  })
})
