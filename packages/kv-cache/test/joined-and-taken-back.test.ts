// Streams that go on as if all tokens had come to them, and streams that give tokens back. Truth: one stream that was given all of them; the snapshot before.
// Kills: tokens of a later stream's tiers, or those that wait in it, that are lost or come twice, the younger handed on before the older, a number of spare tokens that is more than can be
// taken back or fewer, tokens that learn and go back all the same.
import { tokensOf, type AttentionStream, type TierSpec } from '@sublinear/core'
import { exactStream, normalise } from '@sublinear/exact-attention'
import { distance, random } from '@sublinear/laws'
import { describe, expect, it, test } from 'vitest'
import {
  clusters,
  entropyCoded,
  farKeys,
  h2o,
  keyDiff,
  quantisedStream,
  reservoir,
  sinks,
  snapKv,
  streamingLlm,
  tiers,
  tova,
  window,
  type TokenTier,
} from '../src'

const shape = { d: 3, dv: 2, scale: 0.5 }
const block = { keys: random(500, 3, 1), values: random(500, 2, 2) }
const queries = random(4, 3, 3)
const answers = (stream: AttentionStream) => normalise(stream.attend(queries)).data

test.each([
  [0, 0],
  [0, 90],
  [3, 2],
  [70, 3],
  [64, 64],
  [200, 300],
  [130, 130],
])('tiers of %i tokens joined by tiers of %i are those of all', (first, more) => {
  for (const buffer of [1, 16, 64]) {
    const make = () => tiers({ ...shape, parts: [sinks({ count: 5 }), window({ count: 20 }), exactStream], buffer })
    const [one, other, whole] = [make(), make(), make()]
    one.push(tokensOf(block, 0, first))
    other.push(tokensOf(block, first, first + more))
    whole.push(tokensOf(block, 0, first + more))
    one.merge(other)
    expect([one.tokens, other.tokens]).toEqual([first + more, more])
    if (first + more > 0) expect(distance(answers(one), Float64Array.from(answers(whole)))).toBeLessThan(1e-6)
    const waiting = one.tokens - one.parts.reduce((sum, { merging, tokens }, i) => sum + (merging === 'ordered' && i < 2 ? (one.parts[i] as TokenTier).read().keys.rows : tokens), 0) // prettier-ignore
    expect(waiting).toBeLessThanOrEqual(buffer)
    const [begun, newest] = one.parts.map((part) => part as TokenTier)
    const settled = one.tokens - waiting
    expect([...begun.read().keys.data]).toEqual([...block.keys.data.subarray(0, 3 * Math.min(5, settled))])
    expect([...newest.read().keys.data]).toEqual([...block.keys.data.subarray(3 * Math.max(Math.min(5, settled), settled - 20), 3 * settled)]) // prettier-ignore
  }
})

describe.each<[string, TierSpec]>([
  ['sinks', sinks({ count: 20, buffer: 16 })],
  ['window', window({ count: 20, buffer: 16 })],
  ['streamingLlm', streamingLlm({ count: 20, buffer: 16 })],
  ['quantisedStream', quantisedStream({ keyBits: 4, valueBits: 4, buffer: 16 })],
])('%s alone', (_, make) => {
  it('goes on bit for bit, where the tokens of the later one all wait', () => {
    for (const first of [0, 5, 16, 17, 40, 100])
      for (const more of [0, 1, 7, 16]) {
        const [one, other, whole] = [make(shape), make(shape), make(shape)]
        one.push(tokensOf(block, 0, first))
        other.push(tokensOf(block, first, first + more))
        whole.push(tokensOf(block, 0, first + more))
        one.merge(other)
        expect(one.toBytes()).toEqual(whole.toBytes())
      }
  })
})

interface Back {
  readonly spare: number
  takeBack(count: number): void
}
const TAKES_BACK: readonly (readonly [string, TierSpec])[] = [
  ['sinks', sinks({ count: 20, buffer: 16 })],
  ['window', window({ count: 20, buffer: 16 })],
  ['streamingLlm', streamingLlm({ count: 20, buffer: 1 })],
  ['farKeys', farKeys({ count: 20 })],
  ['keyDiff', keyDiff({ count: 20, buffer: 5 })],
  ['reservoir', reservoir({ count: 20, seed: 1, buffer: 16 })],
  ['clusters', clusters({ count: 20, buffer: 16 })],
  ['quantisedStream', quantisedStream({ keyBits: 4, valueBits: 4, buffer: 16 })],
  ['entropyCoded', entropyCoded({ count: 20, bits: 4, buffer: 16 }) as never],
  ['tiers', (own) => tiers({ ...own, parts: [window({ count: 9 }), exactStream], buffer: 16 }) as never],
]
describe.each(TAKES_BACK)('%s', (name, make) => {
  it('takes back as many tokens as it says that it spares, and no more', () => {
    let most = 0
    for (const before of [0, 1, 4, 15, 16, 17, 31, 32, 40, 64, 65, 100]) {
      const stream = make(shape) as TokenTier & Back
      stream.push(tokensOf(block, 0, before))
      const { spare } = stream
      most = Math.max(most, spare)
      const bytes = stream.toBytes()
      stream.push(tokensOf(block, before, before + spare))
      stream.takeBack(spare)
      expect(stream.toBytes()).toEqual(bytes)
      stream.push(tokensOf(block, before, before + spare + 1))
      if (before > 0) expect(() => stream.takeBack(spare + 1)).toThrow(RangeError)
      expect(() => stream.takeBack(spare + 101)).toThrow(/can take back at most \d+ tokens now, got/)
    }
    expect(most).toBeGreaterThanOrEqual({ farKeys: 64, streamingLlm: 1, keyDiff: 5 }[name as string] ?? 16)
  })
})

test.each<[string, TierSpec]>([
  ['h2o', h2o({ count: 20 })],
  ['tova', tova({ count: 20 })],
  ['snapKv', snapKv({ count: 20 })],
])('%s has learned from its tokens and takes none back', (_, make) => {
  const stream = make(shape) as TokenTier
  expect(stream.spare).toBe(0)
  stream.push(tokensOf(block, 0, 10))
  expect(stream.spare).toBe(0)
})
