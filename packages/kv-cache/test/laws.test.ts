// The laws of every attention stream, for tiers over all kinds of last parts and for each tier alone where it still holds everything.
// Kills, over the mistakes that the laws list: tokens handed on at the end of a call, a token in two tiers or in none, a snapshot
// without its buffer, weights lost on the way down, merged parts that lose what a tier displaced.
import { exactStream } from '@sublinear/exact-attention'
import { attentionStreamLaws } from '@sublinear/laws'
import { taylorFeatures } from '@sublinear/poly-features'
import { closureStream, featureStream } from '@sublinear/streaming-attention'
import { describe, test } from 'vitest'
import {
  clusters,
  farKeys,
  h2o,
  reservoir,
  restoreClusters,
  restoreFarKeys,
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
} from '../src'
import { openPart } from './open-part'
import type { StreamSpec, TierSpec } from '@sublinear/core'

const shape = { d: 3, dv: 2, scale: 0.5 }
const features = taylorFeatures({ d: 3, degree: 2, scale: 0.5 })
const feature: StreamSpec = ({ dv }) => featureStream({ features, dv })

const stacks: { name: string; parts: [...TierSpec[], StreamSpec]; buffer?: number; error?: number }[] = [
  { name: 'exact alone', parts: [exactStream] },
  { name: 'sinks, window, exact', parts: [sinks({ count: 4 }), window({ count: 50 }), exactStream] },
  {
    name: 'sinks, far keys, window, exact',
    parts: [sinks({ count: 3 }), farKeys({ count: 40 }), window({ count: 7 }), exactStream],
  },
  { name: 'sinks, window, features', parts: [sinks({ count: 4 }), window({ count: 20 }), feature], error: 0.1 },
  { name: 'far keys, closure', parts: [farKeys({ count: 70 }), closureStream], error: 0.2 },
  {
    name: 'snapKv, h2o, tova, exact',
    parts: [snapKv({ count: 30 }), h2o({ count: 20 }), tova({ count: 9 }), exactStream],
  },
  { name: 'sinks, clusters', parts: [sinks({ count: 4 }), clusters({ count: 100 })], error: 0.2 },
  { name: 'streamingLlm, closure', parts: [streamingLlm({ count: 10 }), closureStream], error: 0.2 },
  { name: 'window, closure', parts: [window({ count: 10 }), closureStream], error: 0.2 },
  {
    name: 'sinks, window, exact, a buffer of 1',
    parts: [sinks({ count: 4 }), window({ count: 50 }), exactStream],
    buffer: 1,
  },
  {
    name: 'far keys, window, exact, a buffer of 16',
    parts: [farKeys({ count: 40 }), window({ count: 7 }), exactStream],
    buffer: 16,
  },
]

describe.each(stacks)('tiers: $name', ({ parts, buffer, error }) => {
  const laws = attentionStreamLaws({
    name: 'tiers',
    make: () => tiers({ ...shape, parts, ...(buffer && { buffer }) }),
    restore: (bytes) => restoreTiers(bytes, openPart(features)),
    differs: {
      scale: () => tiers({ ...shape, scale: 0.25, parts: [exactStream] }),
      dv: () => tiers({ ...shape, dv: 3, parts: [exactStream] }),
      parts: () => tiers({ ...shape, parts: [sinks({ count: 9 }), ...parts], ...(buffer && { buffer }) }),
      buffer: () => tiers({ ...shape, parts, buffer: 30 }),
    },
    ...(error && { error }),
  })
  for (const law of laws) test(law.name, law.run)
})

describe.each([
  { name: 'sinks', make: sinks({ count: 1000 }), other: sinks({ count: 999 }), restore: restoreSinks },
  { name: 'window', make: window({ count: 1000 }), other: window({ count: 999 }), restore: restoreWindow },
  {
    name: 'streamingLlm',
    make: streamingLlm({ count: 1000 }),
    other: streamingLlm({ count: 999 }),
    restore: restoreStreamingLlm,
  },
  {
    name: 'reservoir',
    make: reservoir({ count: 1000, seed: 1 }),
    other: reservoir({ count: 999, seed: 1 }),
    restore: restoreReservoir,
  },
  { name: 'h2o', make: h2o({ count: 1000 }), other: h2o({ count: 999 }), restore: h2o.open },
  { name: 'tova', make: tova({ count: 1000 }), other: tova({ count: 999 }), restore: tova.open },
  { name: 'snapKv', make: snapKv({ count: 1000 }), other: snapKv({ count: 999 }), restore: snapKv.open },
  { name: 'clusters', make: clusters({ count: 1000 }), other: clusters({ count: 999 }), restore: restoreClusters },
  { name: 'farKeys', make: farKeys({ count: 1000 }), other: farKeys({ count: 999 }), restore: restoreFarKeys },
])('$name that holds all it is given', ({ name, make, other, restore }) => {
  const laws = attentionStreamLaws({
    name,
    make: () => make(shape),
    restore,
    differs: {
      count: () => other(shape),
      scale: () => make({ ...shape, scale: 0.25 }),
      dv: () => make({ ...shape, dv: 3 }),
    },
  })
  for (const law of laws) test(law.name, law.run)
})
