// Tiers by the laws of compositions: every part wrapped, refusing, failing; and the example that began it, a tier that forwards each member by hand.
// Kills, tried one by one: parts asked after the first took, parts known by a WeakMap, a stream that goes on after a part failed, a part that is
// absorbed without being asked, tokens counted before they are taken.
import type { Shape, StreamSpec, TierSpec } from '@sublinear/core'
import { exactStream } from '@sublinear/exact-attention'
import { compositionLaws } from '@sublinear/laws'
import { taylorFeatures } from '@sublinear/poly-features'
import { closureStream, featureStream } from '@sublinear/streaming-attention'
import { quantised } from '@sublinear/token-store'
import { describe, expect, test } from 'vitest'
import { farKeys, h2o, quantisedStream, restoreTiers, sinks, snapKv, streamingLlm, tiers, window } from '../src'
import { openPart } from './open-part'

const shape = { d: 3, dv: 2, scale: 0.5 }
const features = taylorFeatures({ d: 3, degree: 2, scale: 0.5 })
const restore = (bytes: Uint8Array) => restoreTiers(bytes, openPart(features))
const store = quantised({ keyBits: 5, valueBits: 4 })

const stacks: {
  readonly name: string
  readonly parts: readonly [...TierSpec[], StreamSpec]
  readonly buffer?: number
}[] = [
  { name: 'window, exact', parts: [window({ count: 8 }), exactStream] },
  { name: 'sinks, window, closure', parts: [sinks({ count: 4 }), window({ count: 70 }), closureStream], buffer: 16 },
  { name: 'streamingLlm, exact', parts: [streamingLlm({ count: 20 }), exactStream], buffer: 1 },
  {
    name: 'h2o, far keys, features',
    parts: [h2o({ count: 20 }), farKeys({ count: 9 }), ({ dv }) => featureStream({ features, dv })],
  },
  { name: 'snapKv, window', parts: [snapKv({ count: 30 }), window({ count: 12 })], buffer: 16 },
  {
    name: 'few bits',
    parts: [window({ count: 10, store }), farKeys({ count: 30, store }), quantisedStream({ keyBits: 4, valueBits: 4 })],
  },
]

describe.each(stacks)('tiers: $name', ({ parts, buffer }) => {
  const laws = compositionLaws({
    name: 'tiers',
    make: (part) =>
      tiers({
        ...shape,
        parts: parts.map((spec) => (own: Shape) => part(spec(own))) as unknown as typeof parts,
        ...(buffer && { buffer }),
      }),
    restore,
    shape,
  })
  for (const law of laws) test(law.name, law.run)
})

describe('a tier from outside', () => {
  /** Forwards every member to `window({ count: 8 })`. */
  const mine: TierSpec = (own) => {
    const inner = window({ count: 8 })(own)
    return {
      ...own,
      merging: inner.merging,
      get tokens() {
        return inner.tokens
      },
      get bytes() {
        return inner.bytes
      },
      push: (block) => inner.push(block),
      admit: (block) => inner.admit(block),
      absorb: (later) => inner.absorb(later),
      attend: (queries) => inner.attend(queries),
      step: (block, queries) => inner.step(block, queries),
      merge: (later) => inner.merge(later),
      toBytes: () => inner.toBytes(),
    }
  }

  test('stands as the tier does that it forwards to: merging, tokens, snapshots that open', () => {
    const [bare, wrapped] = [window({ count: 8 }), mine].map((part) => tiers({ ...shape, parts: [part, exactStream] }))
    expect(wrapped!.merging).toBe('ordered')
    const block = {
      keys: { rows: 200, cols: 3, data: Float32Array.from({ length: 600 }, (_, i) => Math.sin(i)) },
      values: { rows: 200, cols: 2, data: Float32Array.from({ length: 400 }, (_, i) => Math.cos(i)) },
    }
    for (const stream of [bare!, wrapped!]) stream.push(block)
    expect(wrapped!.parts.map(({ tokens }) => tokens)).toEqual(bare!.parts.map(({ tokens }) => tokens))
    expect(wrapped!.toBytes()).toEqual(bare!.toBytes())
    expect(restore(wrapped!.toBytes()).tokens).toBe(200)
    wrapped!.merge(bare!)
    bare!.merge(restore(bare!.toBytes()))
    expect(wrapped!.toBytes()).toEqual(bare!.toBytes())
  })
})
