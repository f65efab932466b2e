import { balanceKv, halvingCache, mergeReduce, momentCoreset, softmaxBalance } from '@sublinear/balance-kv'
import type { AttentionStream, Shape } from '@sublinear/core'
import { exactStream } from '@sublinear/exact-attention'
import {
  clusters,
  farKeys,
  h2o,
  pyramidKv,
  quantisedStream,
  reservoir,
  sinks,
  snapKv,
  streamingLlm,
  tiers,
  tova,
  window,
  type Stack,
} from '@sublinear/kv-cache'
import { anisotropicFeatures, taylorFeatures } from '@sublinear/poly-features'
import { closureStream, featureStream, meanStream } from '@sublinear/streaming-attention'
import { quantised } from '@sublinear/token-store'
import { autoStream } from '../../src'
import { tokens } from './digest'

export const SHAPE: Shape = { d: 16, dv: 12, scale: 0.25 }
const store = quantised({ keyBits: 6, valueBits: 4 })
const rough = quantised({ keyBits: 4, valueBits: 3, seed: 5 })
const pilot = tokens({ n: 300, ...SHAPE })
const centre = new Float32Array(16).fill(0.2)
const auto =
  (budgetBytes: number, length: number, stack?: Stack, weighted = false) =>
  (): AttentionStream => {
    return autoStream({ ...SHAPE, budgetBytes, tokens: length, weighted, ...(stack && { stack }) })
  }
const far = (share: number, keyBits: number, valueBits: number) => ({ by: 'farKeys', share, keyBits, valueBits })

/** Every stream as it was before the catalogue, in options that its users gave. */
export const streams: Readonly<Record<string, () => AttentionStream>> = {
  exact: () => exactStream(SHAPE),
  window: () => window({ count: 100 })(SHAPE),
  'window in few bits': () => window({ count: 300, store })(SHAPE),
  sinks: () => sinks({ count: 20 })(SHAPE),
  'sinks in few bits': () => sinks({ count: 400, store: rough })(SHAPE),
  streamingLlm: () => streamingLlm({ count: 90, sinks: 5 })(SHAPE),
  'streamingLlm in few bits': () => streamingLlm({ count: 310, store })(SHAPE),
  reservoir: () => reservoir({ count: 80, seed: 7 })(SHAPE),
  'reservoir in few bits': () => reservoir({ count: 300, seed: 7, store: rough })(SHAPE),
  h2o: () => h2o({ count: 70 })(SHAPE),
  'h2o, few recent, few bits': () => h2o({ count: 320, recent: 20, store })(SHAPE),
  tova: () => tova({ count: 75 })(SHAPE),
  'tova in few bits': () => tova({ count: 330, store: rough })(SHAPE),
  snapKv: () => snapKv({ count: 96 })(SHAPE),
  'snapKv, narrow': () => snapKv({ count: 340, window: 9, pool: { kind: 'max', size: 3 }, store })(SHAPE),
  pyramidKv: () => pyramidKv({ layers: 4, layer: 1, count: 60 })(SHAPE),
  clusters: () => clusters({ count: 48 })(SHAPE),
  farKeys: () => farKeys({ count: 110 })(SHAPE),
  'farKeys in few bits': () => farKeys({ count: 280, store })(SHAPE),
  quantised: () => quantisedStream({ keyBits: 6, valueBits: 4 })(SHAPE),
  'quantised, 3 and 2 bits': () => quantisedStream({ keyBits: 3, valueBits: 2 })(SHAPE),
  'sinks, window, exact': () =>
    tiers({ ...SHAPE, parts: [sinks({ count: 4 }), window({ count: 100 }), exactStream], buffer: 10 }),
  'far keys, closure': () => tiers({ ...SHAPE, parts: [farKeys({ count: 128 }), closureStream] }),
  'far keys in few bits, closure': () =>
    tiers({ ...SHAPE, parts: [farKeys({ count: 300, store }), closureStream], buffer: 17 }),
  'snapKv, h2o, tova, quantised': () =>
    tiers({
      ...SHAPE,
      parts: [
        snapKv({ count: 40 }),
        h2o({ count: 50, store: rough }),
        tova({ count: 20 }),
        quantisedStream({ keyBits: 5, valueBits: 3 }),
      ],
      buffer: 32,
    }),
  'streamingLlm, clusters': () => tiers({ ...SHAPE, parts: [streamingLlm({ count: 60 }), clusters({ count: 40 })] }),
  'window, reservoir': () =>
    tiers({ ...SHAPE, parts: [window({ count: 33, store: rough }), reservoir({ count: 60, seed: 3 })], buffer: 1 }),
  closure: () => closureStream(SHAPE),
  'closure, four clusters, a buffer of 8': () => closureStream({ ...SHAPE, clusters: 4, buffer: 8 }),
  mean: () => meanStream(SHAPE),
  'feature, Taylor': () =>
    featureStream({ features: taylorFeatures({ d: 16, degree: 2, scale: 0.25, centre }), dv: 12 }),
  'feature, anisotropic': () =>
    featureStream({
      features: anisotropicFeatures({ pilotKeys: pilot.block.keys, pilotQueries: pilot.queries, t: 100, scale: 0.25 }),
      dv: 12,
    }),
  balanceKv: () => balanceKv({ ...SHAPE, seed: 4, budget: 16_000 }),
  mergeReduce: () =>
    mergeReduce({ ...SHAPE, halving: softmaxBalance({ mode: 'greedy', seed: 2 }), blockSize: 32, levels: 3 }),
  'mergeReduce with a capacity': () =>
    mergeReduce({
      ...SHAPE,
      halving: softmaxBalance({ mode: 'pairs', seed: 2 }),
      blockSize: 16,
      levels: 2,
      capacity: 90,
    }),
  halvingCache: () => halvingCache({ target: 40, halving: softmaxBalance({ mode: 'greedy', seed: 9 }) })(SHAPE),
  momentCoreset: () =>
    momentCoreset({ features: taylorFeatures({ d: 16, degree: 1, scale: 0.25 }), dv: 12, seed: 1, budget: 12_000 }),
  'auto, all in 8 and 6 bits': auto(80_000, 1500),
  'auto, 1/4': auto(42_000, 1500, undefined, true),
  'auto, 1/16': auto(10_500, 1500),
  'auto, any length': auto(20_000, Number.MAX_SAFE_INTEGER),
  'auto, closure': auto(24_000, 1500, { window: 16, kept: [far(0.4, 8, 6), far(0.6, 4, 3)], rest: 'closure' }),
  'auto, clusters': auto(24_000, 1500, {
    window: 0,
    kept: [{ by: 'h2o', share: 0.3, keyBits: 8, valueBits: 6 }, far(0.6, 5, 3)],
    rest: 'clusters',
  }),
  'auto, halving': auto(24_000, 1500, {
    window: 0,
    kept: [{ by: 'window', share: 0.15, keyBits: 8, valueBits: 6 }, far(0.55, 5, 3)],
    rest: 'balanceKv',
  }),
  'auto, moments': auto(24_000, 1500, { window: 0, kept: [far(0.7, 4, 2)], rest: 'momentCoreset' }),
  'auto, none': auto(24_000, 1500, { window: 8, kept: [far(1, 6, 4)], rest: 'none' }),
}
