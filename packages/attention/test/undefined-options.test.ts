// An option that is `undefined` is an option that is not given: same answers, same snapshots, same plans, bit for bit. The types of this file hold the lists complete.
// Kills: a default that undefined overwrites ({ ...defaults, ...given }), a feature that is there because its name is, a head in a snapshot that has none,
// `'x' in options`, an option handed on to a check of whole numbers.
import {
  balanceKvMethod,
  mergeReduce,
  mergeReduceMethod,
  momentCoreset,
  momentCoresetMethod,
  softmaxBalance,
  type MergeReduceOptions,
  type MomentCoresetOptions,
} from '@sublinear/balance-kv'
import type { CompareOptions } from '@sublinear/board'
import { HEAD_FEATURES, matrix, type AttentionStream, type FeatureMap, type Method, type Shape } from '@sublinear/core'
import { exactAttention, exactMethod, normalise } from '@sublinear/exact-attention'
import * as cache from '@sublinear/kv-cache'
import { randomFeatures, taylorFeatures } from '@sublinear/poly-features'
import { frequentItems, heavyHitters } from '@sublinear/sparse-recovery'
import {
  closureMethod,
  firstOrderMethod,
  featureStream,
  meanMethod,
  taylorMethod,
  type FeatureStreamOptions,
} from '@sublinear/streaming-attention'
import { describe, expect, test } from 'vitest'
import {
  attend,
  autoStream,
  catalogue,
  compare,
  decodeNpy,
  encodeNpy,
  plan,
  tiers,
  type Attend,
  type PlanOptions,
} from '../src'
import { endlessMethod } from '../src/endless'
import { momentKvMethod } from '../src/moment-kv'
import { farClosureMethod } from '../src/far-closure'
import { tokens } from './unchanged/digest'

/** The optional names of a type, each undefined. */
type None<T> = T extends unknown
  ? { [Name in keyof T as object extends Pick<T, Name> ? Name : never]-?: undefined }
  : never
type OptionsOf<M> = M extends Method<infer Options> ? Options : never

const shape = { d: 4, dv: 4, scale: 0.5 }
const n = 200
const { block, queries } = tokens({ n, d: 4, dv: 4 })
const features = Object.fromEntries(HEAD_FEATURES.map((name) => [name, undefined])) as None<Shape>
const kept = { store: undefined, buffer: undefined }

/** The optional names of each method's options. */
const none: Readonly<Record<string, object>> = {
  exact: {} satisfies None<OptionsOf<typeof exactMethod>>,
  quantised: { buffer: undefined, seed: undefined, first: undefined } satisfies None<
    OptionsOf<typeof cache.quantisedMethod>
  >,
  sinks: kept satisfies None<OptionsOf<typeof cache.sinksMethod>>,
  window: kept satisfies None<OptionsOf<typeof cache.windowMethod>>,
  streamingLlm: { sinks: undefined, ...kept } satisfies None<OptionsOf<typeof cache.streamingLlmMethod>>,
  h2o: { recent: undefined, ...kept } satisfies None<OptionsOf<typeof cache.h2oMethod>>,
  tova: kept satisfies None<OptionsOf<typeof cache.tovaMethod>>,
  snapKv: { window: undefined, pool: undefined, ...kept } satisfies None<OptionsOf<typeof cache.snapKvMethod>>,
  pyramidKv: { window: undefined, beta: undefined, pool: undefined, ...kept } satisfies None<
    OptionsOf<typeof cache.pyramidKvMethod>
  >,
  observedAttention: kept satisfies None<OptionsOf<typeof cache.observedAttentionMethod>>,
  keyNorm: kept satisfies None<OptionsOf<typeof cache.keyNormMethod>>,
  keyDiff: kept satisfies None<OptionsOf<typeof cache.keyDiffMethod>>,
  lagKv: { lag: undefined, first: undefined, ...kept } satisfies None<OptionsOf<typeof cache.lagKvMethod>>,
  cur: { block: undefined, first: undefined, ...kept } satisfies None<OptionsOf<typeof cache.curMethod>>,
  reservoir: kept satisfies None<OptionsOf<typeof cache.reservoirMethod>>,
  clusters: kept satisfies None<OptionsOf<typeof cache.clustersMethod>>,
  misfit: kept satisfies None<OptionsOf<typeof cache.misfitMethod>>,
  farKeys: { halvedAfter: undefined, crowd: undefined, ...kept } satisfies None<OptionsOf<typeof cache.farKeysMethod>>,
  entropyCoded: { buffer: undefined } satisfies None<OptionsOf<typeof cache.entropyCodedMethod>>,
  farClosure: { keyBits: undefined, valueBits: undefined, buffer: undefined } satisfies None<
    OptionsOf<typeof farClosureMethod>
  >,
  momentKv: { buffer: undefined } satisfies None<OptionsOf<typeof momentKvMethod>>,
  endless: {
    window: undefined,
    sinks: undefined,
    far: undefined,
    halvedAfter: undefined,
    crowd: undefined,
    store: undefined,
    near: undefined,
    clamp: undefined,
    most: undefined,
    buffer: undefined,
  } satisfies None<OptionsOf<typeof endlessMethod>>,
  mean: { buffer: undefined } satisfies None<OptionsOf<typeof meanMethod>>,
  firstOrder: { buffer: undefined } satisfies None<OptionsOf<typeof firstOrderMethod>>,
  closure: { clusters: undefined, buffer: undefined, most: undefined } satisfies None<OptionsOf<typeof closureMethod>>,
  taylor: {} satisfies None<OptionsOf<typeof taylorMethod>>,
  anisotropic: {},
  balanceKv: { mode: undefined, sums: undefined } satisfies None<OptionsOf<typeof balanceKvMethod>>,
  momentCoreset: { mode: undefined } satisfies None<OptionsOf<typeof momentCoresetMethod>>,
  mergeReduce: { capacity: undefined } satisfies None<OptionsOf<typeof mergeReduceMethod>>,
  auto: { stack: undefined, learn: undefined, errorBars: undefined, weighted: undefined },
}

/** Answers of a stream to all tokens, one at a time and at the end, and its snapshot. */
function saidBy(stream: AttentionStream) {
  const answers: number[] = []
  for (let i = 0; i < n; i++) {
    const row = (of: { cols: number; data: Float32Array }) =>
      matrix(1, of.cols, of.data.slice(i * of.cols, (i + 1) * of.cols))
    const step = stream.step({ keys: row(block.keys), values: row(block.values) }, row(queries))
    answers.push(...normalise(step).data)
  }
  return { answers, all: normalise(stream.attend(queries)).data, bytes: stream.bytes, snapshot: stream.toBytes() }
}

describe('a method of the catalogue', () => {
  test.each(catalogue)('$name', ({ name, make, within }) => {
    const options = within(shape, 6000, { tokens: n }, { queries, ...block })!
    const missing = Object.fromEntries(Object.entries(none[name]).filter(([option]) => !Object.hasOwn(options, option)))
    expect(saidBy(make({ ...shape, ...features }, { ...options, ...missing }))).toEqual(saidBy(make(shape, options)))
  })
  test('is in the list', () => {
    expect(Object.keys(none).toSorted()).toEqual(catalogue.map(({ name }) => name).toSorted())
  })
})

/** Results of a call with every other option undefined, and without. */
function both<Options extends object, Found>(
  call: (options: Options) => Found,
  given: NoInfer<Options>,
  others: NoInfer<None<Options>>,
) {
  return [call({ ...others, ...given }), call(given)]
}
const { sinkLogit, rotary } = features

async function read(options: Omit<Attend, 'stream'>): Promise<number[]> {
  const found: number[] = []
  const stream = cache.window({ count: 30 })(shape)
  for await (const { data } of attend({ ...options, stream })) found.push(...data)
  return found
}

function mapped(map: FeatureMap): Float32Array {
  const out = matrix(n, map.t)
  map.mapKeys(block.keys, out)
  return out.data
}

describe('a stream', () => {
  const map = taylorFeatures({ d: 4, degree: 2, scale: 0.5 })
  const halving = softmaxBalance({ mode: 'greedy', seed: 1 })
  const parts = [cache.sinks({ count: 2 }), cache.window({ count: 40 })] as const
  test.each([
    [
      'tiers',
      () =>
        both(
          (options: Parameters<typeof tiers>[0]) => saidBy(tiers(options)),
          { ...shape, parts },
          { ...features, buffer: undefined, waiting: undefined, metric: undefined, name: undefined },
        ),
    ],
    [
      'autoStream',
      () =>
        both(
          (options: Parameters<typeof autoStream>[0]) => saidBy(autoStream(options)),
          { ...shape, budgetBytes: 6000, tokens: n },
          { ...features, stack: undefined, learn: undefined, errorBars: undefined, weighted: undefined },
        ),
    ],
    [
      'featureStream',
      () =>
        both(
          (options: FeatureStreamOptions) => saidBy(featureStream(options)),
          { features: map, dv: 4 },
          { sinkLogit, rotary, name: undefined },
        ),
    ],
    [
      'mergeReduce',
      () =>
        both(
          (options: MergeReduceOptions) => saidBy(mergeReduce(options)),
          { ...shape, halving, blockSize: 32, levels: 4 },
          { ...features, capacity: undefined, replaced: undefined, name: undefined },
        ),
    ],
    [
      'momentCoreset',
      () =>
        both(
          (options: MomentCoresetOptions) => saidBy(momentCoreset(options)),
          { features: map, dv: 4, seed: 1, budget: 6000 },
          { sinkLogit, rotary, mode: undefined },
        ),
    ],
  ])('%s', (_, found) => {
    const [one, other] = found()
    expect(one).toEqual(other)
  })
})

describe('a function', () => {
  test('exactAttention', () => {
    const { values: _, positions: __, ...head } = features
    const given = { ...block, queries, scale: 0.5 }
    const [one, other] = both(exactAttention, given, { ...head, dv: undefined, causal: undefined, valid: undefined })
    expect(one).toEqual(other)
  })
  test('attend', async () => {
    const others: None<Attend> = { groups: undefined, onPartial: undefined, signal: undefined, onProgress: undefined }
    const [one, other] = both(read, { ...block, queries, causal: true }, others)
    expect((await one).length).toBe(4 * n)
    expect(await one).toEqual(await other)
  })
  test('plan', async () => {
    const methods = catalogue.filter(({ name }) => name === 'closure')
    const given = { tokens: 500, ...shape, pilot: { queries, ...block }, epsilon: 0.3 }
    const others: Omit<None<PlanOptions>, 'epsilon' | 'pilot' | 'radius'> = {
      softcap: undefined,
      sinkLogit: undefined,
      budgetBytes: undefined,
      task: undefined,
      k: undefined,
      keysAndValuesTogether: undefined,
      weighted: undefined,
      slow: undefined,
      exhaustive: undefined,
      delta: undefined,
      seed: undefined,
      signal: undefined,
      onProgress: undefined,
    }
    expect(await plan({ ...given, ...others, radius: undefined, methods })).toEqual(await plan({ ...given, methods }))
    const bounded = { ...given, pilot: undefined, radius: 1 }
    expect(await plan({ ...bounded, ...others, methods: undefined })).toEqual(await plan(bounded))
  })
  test('compare', async () => {
    const methods = catalogue.filter(({ name }) => name === 'window')
    const heads = [{ name: 'one', ...block, queries, scale: undefined, softcap: undefined, sinkLogit: undefined }]
    const given = { heads, methods, budgets: ['1/4'], prefix: 100, now: () => 0 }
    const others: Omit<None<CompareOptions>, 'now'> = {
      queries: undefined,
      block: undefined,
      seed: undefined,
      pilot: undefined,
      errorBars: undefined,
      onProgress: undefined,
      onCall: undefined,
      signal: undefined,
      reproduce: undefined,
    }
    expect(await compare({ ...given, ...others })).toEqual(await compare(given))
  })
  test('features, items, files', () => {
    const pairs = [
      both(
        (options: Parameters<typeof taylorFeatures>[0]) => mapped(taylorFeatures(options)),
        { d: 4, degree: 2, scale: 0.5 },
        { centre: undefined },
      ),
      both(
        (options: Parameters<typeof randomFeatures>[0]) => mapped(randomFeatures(options)),
        { d: 4, t: 8, scale: 0.5, seed: 3 },
        { orthogonal: undefined },
      ),
      both(
        (options: Parameters<typeof heavyHitters>[0]) => heavyHitters(options).toBytes(),
        { k: 4, n: 1000, epsilon: 0.1, seed: 1 },
        { keyBytes: undefined },
      ),
      both(
        (options: Parameters<typeof frequentItems>[0]) => frequentItems(options).toBytes(),
        { count: 10 },
        { keyBytes: undefined },
      ),
      both((options: { dtype?: 'f4' | undefined }) => encodeNpy(block.keys, options), {}, { dtype: undefined }),
      both(
        (options: { bfloat16?: boolean | undefined }) => decodeNpy(encodeNpy(block.keys), options),
        {},
        { bfloat16: undefined },
      ),
    ]
    for (const [one, other] of pairs) expect(one).toEqual(other)
  })
})
