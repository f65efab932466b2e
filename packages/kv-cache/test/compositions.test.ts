// Tiers by the laws of compositions: every part wrapped, refusing, failing; and the example that began it, a tier that forwards each member by hand.
// Kills, tried one by one: parts asked after the first took, parts known by a WeakMap, a stream that goes on after a part failed, a part that is
// absorbed without being asked, tokens counted before they are taken.
import { emptyPartial, type Shape, type StreamSpec, type Tier, type TierSpec } from '@sublinear/core'
import { exactStream } from '@sublinear/exact-attention'
import { compositionLaws, random } from '@sublinear/laws'
import { taylorFeatures } from '@sublinear/poly-features'
import { closureStream, featureStream } from '@sublinear/streaming-attention'
import { float32, quantised, type TokenStore } from '@sublinear/token-store'
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

/** Forwards every member to `window({ count: 8 })`. */
const mine: TierSpec = (own) => forwarded(window({ count: 8 })(own))

function forwarded(inner: ReturnType<ReturnType<typeof window>>): Tier {
  const { d, dv, scale } = inner
  return {
    d,
    dv,
    scale,
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
    fork: () => forwarded(inner.fork()),
    reset: () => inner.reset(),
  }
}

describe('a tier from outside', () => {
  test('stands as the tier does that it forwards to: merging, tokens, snapshots that open', () => {
    const [bare, wrapped] = [window({ count: 8 }), mine].map((part) => tiers({ ...shape, parts: [part, exactStream] }))
    expect(wrapped.merging).toBe('ordered')
    const block = {
      keys: { rows: 200, cols: 3, data: Float32Array.from({ length: 600 }, (_, i) => Math.sin(i)) },
      values: { rows: 200, cols: 2, data: Float32Array.from({ length: 400 }, (_, i) => Math.cos(i)) },
    }
    for (const stream of [bare, wrapped]) stream.push(block)
    expect(wrapped.parts.map(({ tokens }) => tokens)).toEqual(bare.parts.map(({ tokens }) => tokens))
    expect(wrapped.toBytes()).toEqual(bare.toBytes())
    expect(restore(wrapped.toBytes()).tokens).toBe(200)
    wrapped.merge(bare)
    bare.merge(restore(bare.toBytes()))
    expect(wrapped.toBytes()).toEqual(bare.toBytes())
  })
})

describe('a tier alone whose memory fails', () => {
  /** A store that fails at its second writing. */
  const failing: TokenStore = {
    ...float32,
    make(options) {
      let writes = 0
      return new Proxy(float32.make(options), {
        get(of, name) {
          if (name === 'write' && writes++ > 0)
            return () => {
              throw new RangeError('memory: there is none')
            }
          return Reflect.get(of, name)
        },
      })
    },
  }

  test('says that it is broken, whatever is asked of it', () => {
    const tier = h2o({ count: 20, store: failing })(shape)
    const block = { keys: random(200, 3, 1), values: random(200, 2, 2) }
    const queries = random(200, 3, 3)
    expect(() => tier.push(block)).toThrow('memory: there is none')
    const since = 'h2o: this stream is broken since push failed halfway: memory: there is none'
    for (const call of [
      () => tier.push(block),
      () => tier.step(block, queries),
      () => tier.attend(queries),
      () => tier.admit(block),
      () => tier.merge(h2o({ count: 20 })(shape)),
      () => tier.absorb(h2o({ count: 20 })(shape)),
      () => tier.observe!(queries, emptyPartial(200, 2)),
      () => tier.check.push(block),
      () => tier.check.step(block, queries),
      () => tier.toBytes(),
    ])
      expect(call).toThrow(since)
  })
})
