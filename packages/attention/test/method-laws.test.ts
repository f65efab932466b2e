// The records that the catalogue makes of others, by the laws of methods (the other records stand in their own packages' tests), and layers by the laws of
// compositions. Kills, over the mistakes that the laws list: a waiting buffer left out of bytes, a stack above its budget, variants that do not fit, a
// layer that takes head by head.
import type { Method } from '@sublinear/core'
import { exactStream } from '@sublinear/exact-attention'
import { h2o, window } from '@sublinear/kv-cache'
import { compositionLaws, methodLaws } from '@sublinear/laws'
import { closureStream } from '@sublinear/streaming-attention'
import { describe, test } from 'vitest'
import { catalogue, layer, openStream, restoreLayer, tiers } from '../src'

const named = (name: string): Method => catalogue.find((method) => method.name === name)!

describe('auto', () => {
  const stack = { window: 4, kept: [{ by: 'farKeys', share: 1, keyBits: 5, valueBits: 4 }], rest: 'mean' }
  const options = [{ budgetBytes: 3000, tokens: 600, stack, weighted: true }]
  const laws = methodLaws(named('auto'), { open: openStream, options, error: 0.1, slack: 1, tolerance: 0.01 }) // a budget, and no formula
  for (const law of laws) test(law.name, law.run)
})

describe('farClosure', () => {
  const laws = methodLaws(named('farClosure'), { open: openStream, options: [{ count: 40 }], error: 0.1 })
  for (const law of laws) test(law.name, law.run)
})

describe('momentKv', () => {
  const laws = methodLaws(named('momentKv'), {
    open: openStream,
    options: [{ count: 40 }, { count: 25, buffer: 9 }],
    error: 0.2,
  })
  for (const law of laws) test(law.name, law.run)
})

describe('endless', () => {
  const options = [
    { window: 30, sinks: 2, far: 20, buffer: 16, most: 50 },
    { window: 20, far: 9, near: 'float32', store: 'float32', most: 1000 },
    { window: 20, far: 9, store: { keyBits: 6, valueBits: 4 }, near: 'float32', halvedAfter: 90, crowd: 1 },
    { window: 20, far: 9, near: { keyBits: 8, valueBits: 8 } },
  ] as const
  const laws = methodLaws(named('endless'), { open: openStream, options, error: 0.1, long: 2500 })
  for (const law of laws) test(law.name, law.run)
})

describe('layers', () => {
  const heads = [
    () => exactStream(shape),
    () => tiers({ ...shape, parts: [window({ count: 9 }), closureStream], buffer: 16 }),
    () => h2o({ count: 20 })(shape),
  ] as const
  const shape = { d: 3, dv: 2, scale: 0.5 }
  describe.each([2, 3])('of %i heads', (kvHeads) => {
    const laws = compositionLaws({
      name: 'layer',
      make: (part) => layer({ queryHeads: kvHeads, kvHeads, make: (h) => part(heads[h]()) }),
      restore: (bytes) => restoreLayer(bytes, openStream),
      shape: { d: 3 * kvHeads, dv: 2 * kvHeads, scale: 0.5 },
      groups: 1,
    })
    for (const law of laws) test(law.name, law.run)
  })
})
