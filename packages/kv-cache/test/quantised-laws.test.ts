// The laws of streams for what is held in few bits. Kills, over the mistakes that the laws list: a centre or a change into codes that depends
// on how the stream was cut, codes that are rounded anew by a snapshot, bits or a seed that merge and restore do not compare, weights
// or the tokens before the codes not counted, another rotation after restoring, a policy that moves codes and not what it knows of them.
import { attentionStreamLaws } from '@sublinear/laws'
import { taylorFeatures } from '@sublinear/poly-features'
import { closureStream } from '@sublinear/streaming-attention'
import { quantised } from '@sublinear/token-store'
import { describe, test } from 'vitest'
import {
  clusters,
  farKeys,
  h2o,
  quantisedStream,
  reservoir,
  restoreClusters,
  restoreFarKeys,
  restoreQuantisedStream,
  restoreReservoir,
  restoreSinks,
  restoreStreamingLlm,
  restoreTiers,
  restoreWindow,
  sinks,
  snapKv,
  streamingLlm,
  tiers,
  tova,
  window,
  type TokenOptions,
} from '../src'
import { openPart } from './open-part'
import type { StreamSpec, TierSpec } from '@sublinear/core'

const shape = { d: 5, dv: 3, scale: 0.5 }
const store = quantised({ keyBits: 8, valueBits: 7, seed: 3 })
const others = {
  keyBits: quantised({ keyBits: 7, valueBits: 7, seed: 3 }),
  seed: quantised({ keyBits: 8, valueBits: 7, seed: 4 }),
}
const features = taylorFeatures({ d: 5, degree: 2, scale: 0.5 })

describe.each([
  { name: 'sinks', tier: sinks, restore: restoreSinks },
  { name: 'window', tier: window, restore: restoreWindow },
  { name: 'farKeys', tier: farKeys, restore: restoreFarKeys },
  { name: 'streamingLlm', tier: streamingLlm, restore: restoreStreamingLlm },
  { name: 'h2o', tier: h2o, restore: h2o.open },
  { name: 'tova', tier: tova, restore: tova.open },
  { name: 'snapKv', tier: snapKv, restore: snapKv.open },
  { name: 'clusters', tier: clusters, restore: restoreClusters },
  { name: 'reservoir', tier: (own: TokenOptions) => reservoir({ ...own, seed: 1 }), restore: restoreReservoir },
])('$name in few bits', ({ name, tier, restore }) => {
  const laws = attentionStreamLaws({
    name,
    make: () => tier({ count: 500, store })(shape),
    restore,
    error: 0.03,
    differs: {
      store: () => tier({ count: 500 })(shape),
      keyBits: () => tier({ count: 500, store: others.keyBits })(shape),
      seed: () => tier({ count: 500, store: others.seed })(shape),
    },
  })
  for (const law of laws) test(law.name, law.run)
})

describe('every token in few bits', () => {
  const laws = attentionStreamLaws({
    name: 'quantised',
    make: () => quantisedStream({ keyBits: 8, valueBits: 7 })(shape),
    restore: restoreQuantisedStream,
    error: 0.03,
    differs: { valueBits: () => quantisedStream({ keyBits: 8, valueBits: 6 })(shape) },
  })
  for (const law of laws) test(law.name, law.run)
})

const stacks: { name: string; parts: [...TierSpec[], StreamSpec]; error: number; tolerance?: number }[] = [
  {
    name: 'window, far keys, all',
    parts: [window({ count: 10, store }), farKeys({ count: 30, store }), quantisedStream({ keyBits: 8, valueBits: 8 })],
    error: 0.05,
  },
  { name: 'far keys, closure', parts: [farKeys({ count: 70, store }), closureStream], error: 0.2 },
  {
    name: 'streamingLlm, reservoir',
    parts: [streamingLlm({ count: 20, store }), reservoir({ count: 500, seed: 1, store })],
    error: 0.05,
  },
  {
    name: 'snapKv, h2o, tova, all',
    parts: [
      snapKv({ count: 40, store }),
      h2o({ count: 20, store }),
      tova({ count: 9, store }),
      quantisedStream({ keyBits: 8, valueBits: 8 }),
    ],
    error: 0.05,
    tolerance: 0.02, // between step and push: what learns sends other tokens on, and each store rounds its own
  },
]

describe.each(stacks)('tiers: $name', ({ parts, error, tolerance }) => {
  const laws = attentionStreamLaws({
    name: 'tiers',
    make: () => tiers({ ...shape, parts, buffer: 16 }),
    restore: (bytes) => restoreTiers(bytes, openPart(features)),
    error,
    ...(tolerance && { tolerance }),
  })
  for (const law of laws) test(law.name, law.run)
})
