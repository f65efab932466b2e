// The records of tiers of tokens: names, bytes, budgets, options, snapshots, and the laws of the stream that a roomy budget makes.
// Kills, over the mistakes that the laws list: room that doubles not counted, weights or query heads left out of bytes, a budget overstepped.
import type { AttentionStream, Method } from '@sublinear/core'
import { exactStream } from '@sublinear/exact-attention'
import { methodLaws } from '@sublinear/laws'
import { taylorFeatures } from '@sublinear/poly-features'
import { quantised } from '@sublinear/token-store'
import { describe, test } from 'vitest'
import {
  clustersMethod,
  curMethod,
  farKeysMethod,
  h2oMethod,
  keyDiffMethod,
  keyNormMethod,
  misfitMethod,
  lagKvMethod,
  observedAttentionMethod,
  pyramidKvMethod,
  quantisedMethod,
  reservoirMethod,
  sinksMethod,
  snapKvMethod,
  streamingLlmMethod,
  tiers,
  tovaMethod,
  windowMethod,
} from '../src'
import { openPart } from './open-part'

const store = quantised({ keyBits: 5, valueBits: 3 })
const open = openPart(taylorFeatures({ d: 3, degree: 2, scale: 0.5 })) as (bytes: Uint8Array) => AttentionStream

const held: readonly [Method<any>, readonly object[]][] = [
  [sinksMethod, [{ count: 100, store }]],
  [
    windowMethod,
    [
      { count: 100, store },
      { count: 300, buffer: 7 },
    ],
  ],
  [streamingLlmMethod, [{ count: 90, sinks: 9, store }]],
  [h2oMethod, [{ count: 70, recent: 3, store }]],
  [tovaMethod, [{ count: 70 }]],
  [snapKvMethod, [{ count: 70, window: 9, pool: { kind: 'average', size: 3 } }]],
  [pyramidKvMethod, [{ count: 70, layer: 1, layers: 3 }]],
  [observedAttentionMethod, [{ count: 70 }]],
  [keyNormMethod, []],
  [keyDiffMethod, []],
  [misfitMethod, [{ count: 70, store }]],
  [
    lagKvMethod,
    [
      { count: 90, lag: 12 },
      { count: 90, first: 20 },
    ],
  ],
  [curMethod, [{ count: 90, first: 9 }]],
  [reservoirMethod, [{ count: 70, seed: 3, store }]],
  [clustersMethod, []],
  [farKeysMethod, [{ count: 70, store }]],
]

describe.each(held.map(([method, options]) => ({ method, options, name: method.name })))(
  '$name',
  ({ method, options }) => {
    const laws = methodLaws(method, {
      open,
      options,
      slack: method === clustersMethod ? 1 / 8 : 0, // what merges last frees
      inTiers: (spec, shape, buffer) => tiers({ ...shape, parts: [spec, exactStream], buffer }),
    })
    for (const law of laws) test(law.name, law.run)
  },
)

describe('quantised', () => {
  for (const law of methodLaws(quantisedMethod, { error: 0.1 })) test(law.name, law.run)
})
