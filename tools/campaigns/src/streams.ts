import * as S from '@sublinear/attention'
import type { AttentionStream, Head, Shape } from '@sublinear/core'
import { halvingCache, mergeReduce, softmaxBalance, uniformHalving } from '@sublinear/balance-kv'
import { randomOf } from './random.ts'

const { policies, quantised } = S
const [d, dv, scale] = [4, 3, 0.5]
/** The shape of every stream here, unless its name says otherwise. */
export const SHAPE: Shape = { d, dv, scale }
/** Budgets in bytes of the methods that are made by one: so small that the methods compress. */
const BUDGETS = [3000, 12_000]
const few = quantised({ keyBits: 4, valueBits: 3 })
const random = randomOf('the pilot')
const pilot = { queries: random.matrix(96, d), keys: random.matrix(96, d), values: random.matrix(96, dv) }
const taylor = (degree: number, centre?: Float32Array) =>
  S.taylorFeatures({ d, degree, scale, ...(centre && { centre }) })
const shaped = (head: Head): Shape => ({ ...SHAPE, ...head })

function ofCatalogue(): Record<string, () => AttentionStream> {
  const made: Record<string, () => AttentionStream> = {}
  for (const method of S.catalogue)
    for (const budget of BUDGETS) {
      const options = method.within(SHAPE, budget, { tokens: 1000, weighted: true }, pilot)
      if (options !== undefined) made[`${method.name}, ${budget} bytes`] = () => method.make(SHAPE, options)
    }
  return made
}

/** Streams by name: each method of the catalogue within budgets, and the variants that a budget does not choose. Each call makes a fresh one. */
export const STREAMS: Readonly<Record<string, () => AttentionStream>> = {
  ...ofCatalogue(),
  'all tokens in few bits': () =>
    S.catalogue
      .find(({ name }) => name === 'quantised')!
      .make(SHAPE, { keyBits: 4, valueBits: 3, buffer: 8, first: 16 }),
  'window in few bits': () => policies.window({ count: 70, store: few })(SHAPE),
  'sinks in few bits': () => policies.sinks({ count: 100, store: few })(SHAPE),
  'h2o in few bits': () => policies.h2o({ count: 40, recent: 10, store: few })(SHAPE),
  'reservoir in few bits': () => policies.reservoir({ count: 50, seed: 5, store: few })(SHAPE),
  'farKeys in few bits': () => policies.farKeys({ count: 40, store: few })(SHAPE),
  'snapKv, pooled': () => policies.snapKv({ count: 60, window: 9, pool: { kind: 'max', size: 3 } })(SHAPE),
  'closure, three clusters': () => S.closureStream({ ...SHAPE, clusters: 3, buffer: 20 }),
  'feature, Taylor with a centre': () =>
    S.featureStream({ features: taylor(4, Float32Array.of(0.1, 0.2, -0.1, 0)), dv }),
  'feature, minimax': () => S.featureStream({ features: S.minimaxFeatures({ d, degree: 4, radius: 2, scale }), dv }),
  'feature, random': () =>
    S.featureStream({ features: S.randomFeatures({ d, t: 32, scale, seed: 3, orthogonal: true }), dv }),
  'feature, tensor sketch': () =>
    S.featureStream({ features: S.tensorSketchFeatures({ d, degree: 3, t: 33, scale, seed: 3 }), dv }),
  'feature, trigonometric': () =>
    S.featureStream({ features: S.trigonometricFeatures({ d, t: 32, scale, seed: 3 }), dv }),
  'feature, landmarks': () =>
    S.featureStream({
      features: S.nystromFeatures({ t: 17, scale, pilotKeys: pilot.keys }),
      dv,
    }),
  'feature, anisotropic': () =>
    S.featureStream({
      features: S.anisotropicFeatures({ t: 40, scale, pilotQueries: pilot.queries, pilotKeys: pilot.keys }),
      dv,
    }),
  'mergeReduce, pairs': () =>
    mergeReduce({ ...SHAPE, halving: softmaxBalance({ mode: 'pairs', seed: 5 }), blockSize: 8, levels: 3 }),
  'mergeReduce, uniform': () =>
    mergeReduce({ ...SHAPE, halving: uniformHalving({ seed: 5 }), blockSize: 8, levels: 3, capacity: 64 }),
  'a halving cache': () => halvingCache({ target: 20, halving: softmaxBalance({ mode: 'greedy', seed: 9 }) })(SHAPE),
  'a measured closure': () => policies.measured({ of: (shape) => S.closureStream(shape), count: 40, seed: 3 })(SHAPE),
  'tiers, in a metric': () =>
    S.tiers({
      ...SHAPE,
      parts: [policies.farKeys({ count: 10, store: quantised({ keyBits: 4, valueBits: 4 }) }), S.meanStream],
      metric: policies.queryMetric({ queries: pilot.queries }),
    }),
  momentCoreset: () => S.momentCoreset({ features: taylor(2), dv, seed: 4, budget: 3000 }),
  tiers: () =>
    S.tiers({
      ...SHAPE,
      buffer: 32,
      parts: [
        policies.sinks({ count: 4 }),
        policies.window({ count: 20 }),
        policies.farKeys({ count: 10, store: quantised({ keyBits: 4, valueBits: 4 }) }),
        (shape) => S.closureStream(shape),
      ],
    }),
  'tiers in tiers': () =>
    S.tiers({
      ...SHAPE,
      parts: [
        policies.window({ count: 10 }),
        (shape) => S.tiers({ ...shape, parts: [policies.tova({ count: 9 }), S.meanStream] }),
      ],
    }),
  'exact, capped, with a sink': () => S.exactStream(shaped({ softcap: 5, sinkLogit: -1 })),
  'exact, with a slope in a window': () => S.exactStream(shaped({ slope: 0.25, window: 40 })),
  'exact, turned': () => S.exactStream(shaped({ rotary: { base: 100, pairing: 'halves' } })),
  'tiers, turned by the cache': () =>
    S.tiers({
      ...shaped({ rotary: { base: 100, pairing: 'interleaved' }, positions: 'cache' }),
      parts: [policies.sinks({ count: 4 }), policies.window({ count: 20 })] as never,
    }),
}
