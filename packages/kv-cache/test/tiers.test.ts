// What tiers add to their parts. Kills: counters of a part lost or rows counted twice, a negative mass of a last part handed out or not
// counted, observe left out, called with another softmax or before the answer, parts of another shape or not empty accepted, a snapshot
// whose parts do not fit, tokens that wait in a store whose centre comes after them.
import {
  decodeSnapshot,
  encodeSnapshot,
  matrix,
  type AttentionStream,
  type KvBlock,
  type Matrix,
  type PartialSoftmax,
  type StreamSpec,
  type Tier,
  type TierSpec,
} from '@sublinear/core'
import { exactStream, normalise } from '@sublinear/exact-attention'
import { distance, random, softmaxOracle } from '@sublinear/laws'
import { taylorFeatures } from '@sublinear/poly-features'
import { closureStream, featureStream } from '@sublinear/streaming-attention'
import { quantised } from '@sublinear/token-store'
import { describe, expect, it } from 'vitest'
import { farKeys, restoreTiers, sinks, tiers, window } from '../src'
import { openPart } from './open-part'

const shape = { d: 3, dv: 2, scale: 0.5 }
const tokens = (n: number, seed = 1): KvBlock => ({ keys: random(n, 3, seed), values: random(n, 2, seed + 1) })
const features = taylorFeatures({ d: 1, degree: 1, scale: 1 })

describe('counters', () => {
  it('add the parts’ up: negative masses are counted, and none is handed out', () => {
    const stream = tiers({
      d: 1,
      dv: 1,
      scale: 1,
      parts: [window({ count: 3 }), ({ dv }) => featureStream({ features, dv })],
    })
    stream.push({ keys: matrix(300, 1, new Float32Array(300).fill(-1)), values: random(300, 1, 2) })
    // Scores −3 and −0.5 in degree 1: masses −2 and 0.5 a token.
    const { mass } = stream.attend(matrix(2, 1, Float32Array.of(3, 0.5)))
    expect(mass.every((x) => x > 0)).toBe(true)
    expect(stream.counters).toMatchObject({ rows: 2, fallbacks: 1 })
    stream.step({ keys: matrix(1, 1), values: matrix(1, 1) }, matrix(1, 1, Float32Array.of(5)))
    expect(stream.counters).toMatchObject({ rows: 3, fallbacks: 2 })
  })

  it('are there without any that count', () => {
    const stream = tiers({ ...shape, parts: [sinks({ count: 2 }), exactStream] })
    stream.step(tokens(100), random(200, 3, 5))
    expect(stream.counters).toEqual({ rows: 200 })
  })
})

describe('observe', () => {
  it('sees every query with the softmax of all tiers, after its answer', () => {
    const seen: { queries: Matrix; total: PartialSoftmax; admitted: number }[] = []
    const watching: TierSpec = (own) => {
      const tier = window({ count: 10 })(own)
      const observe = (queries: Matrix, total: PartialSoftmax) =>
        void seen.push({ queries, total, admitted: tier.tokens })
      return Object.assign(tier, { observe }) satisfies Tier
    }
    const stream = tiers({ ...shape, parts: [sinks({ count: 4 }), watching, exactStream] })
    const [block, queries] = [tokens(200), random(200, 3, 9)]
    const answers = normalise(stream.step(block, queries))
    const rows = seen.flatMap((one) => [...normalise(one.total).data])
    expect(rows).toEqual([...answers.data])
    expect(seen.flatMap((one) => [...one.queries.data])).toEqual([...queries.data])
    expect(seen.map(({ admitted }) => admitted)).toEqual([0, 60, 124, 188])
    stream.attend(queries)
    expect(seen).toHaveLength(4)
  })
})

describe('answers', () => {
  it('are exact over sinks, far keys, window and rest together', () => {
    const parts: [...TierSpec[], StreamSpec] = [
      sinks({ count: 4 }),
      window({ count: 30 }),
      farKeys({ count: 50 }),
      exactStream,
    ]
    const stream = tiers({ ...shape, parts })
    const block = { ...tokens(700), weights: random(700, 1, 3).data.map((x) => 1.5 + x) }
    const queries = random(20, 3, 4)
    stream.push(block)
    const exact = softmaxOracle(queries, block.keys, block.values, 0.5, () => 700, block.weights)
    expect(distance(normalise(stream.attend(queries)).data, exact)).toBeLessThan(1e-5)
    const held = stream.parts.map((part) => (part as { read?: () => KvBlock }).read?.().keys.rows)
    expect(held).toEqual([4, 30, 50, undefined])
  })

  it('a window at the end forgets: sinks, the last tokens, and nothing else', () => {
    const stream = tiers({ ...shape, parts: [sinks({ count: 4 }), window({ count: 100 })] })
    const block = tokens(64 * 9)
    stream.push(block)
    // 64 in the buffer, 100 in the window, 4 sinks.
    const kept = Array.from({ length: 576 }, (_, i) => i).filter((i) => i < 4 || i >= 576 - 164)
    const pick = ({ cols, data }: Matrix): Matrix => ({
      rows: kept.length,
      cols,
      data: Float32Array.from(kept.flatMap((i) => [...data.subarray(i * cols, (i + 1) * cols)])),
    })
    const queries = random(9, 3, 4)
    const exact = softmaxOracle(queries, pick(block.keys), pick(block.values), 0.5, () => kept.length)
    expect(distance(normalise(stream.attend(queries)).data, exact)).toBeLessThan(1e-5)
    expect(stream.tokens).toBe(576)
  })
})

const open = (bytes: Uint8Array): AttentionStream => restoreTiers(bytes, openPart(features))

describe('what is refused', () => {
  const full: StreamSpec = (own) => {
    const stream = exactStream(own)
    stream.push(tokens(3))
    return stream
  }
  it.each<[string, () => unknown, string]>([
    ['no parts', () => tiers({ ...shape, parts: [] as never }), 'tiers: parts must be'],
    [
      'parts that are no functions',
      () => tiers({ ...shape, parts: [exactStream(shape)] as never }),
      'tiers: parts must be',
    ],
    [
      'a part that cannot hand on',
      () => tiers({ ...shape, parts: [exactStream, exactStream] as never }),
      'tiers: part 0 must be a tier',
    ],
    [
      'a part that is not empty',
      () => tiers({ ...shape, parts: [sinks({ count: 1 }), full] }),
      'tiers: part 1 must be empty',
    ],
    [
      'a part of another shape',
      () => tiers({ ...shape, parts: [({ d, scale }) => exactStream({ d, dv: 5, scale })] }),
      'tiers: part 0 must have dv = 2, got 5',
    ],
    ['one stream twice', () => tiers({ ...shape, parts: twice() as never }), 'tiers: every part'],
    ['d = 0', () => tiers({ ...shape, d: 0, parts: [exactStream] }), 'tiers: d must be an integer >= 1, got 0'],
  ])('%s', (_, make, message) => {
    expect(make).toThrow(message)
  })
  const twice = (): StreamSpec[] => {
    const one = sinks({ count: 2 })(shape)
    return [() => one, () => one]
  }

  const stream = tiers({ ...shape, parts: [sinks({ count: 2 }), farKeys({ count: 9 }), closureStream] })
  stream.push(tokens(200))
  const { version, parameters, tensors } = decodeSnapshot(stream.toBytes())
  const made = (change: Record<string, string>, without: readonly string[] = []) =>
    encodeSnapshot({
      kind: 'tiers',
      version,
      parameters: { ...parameters, ...change },
      tensors: Object.fromEntries([...tensors].filter(([name]) => !without.includes(name))),
    })
  const part = (index: number, change: object) => ({
    [`part-${index}`]: JSON.stringify({ ...JSON.parse(parameters[`part-${index}`]), ...change }),
  })
  it.each<[string, Uint8Array]>([
    ['d', made({ d: '4' })],
    ['tokens', made({ tokens: '5' })],
    ['a part without description', made({ 'part-1': 'no json' })],
    ['a part of no kind', made(part(1, { kind: 7 }))],
    ['a part without a tensor', made({}, ['part-1/keys'])],
    ['a part that cannot hand on', made({ 'part-0': parameters['part-2'], 'part-2': parameters['part-0'] })],
    ['no buffer', made({}, ['keys'])],
    ['way of waiting', made({ waiting: quantised({ keyBits: 8, valueBits: 8 }).spec })],
  ])('a snapshot with another %s', (_, bytes) => {
    expect(() => open(bytes)).toThrow(/^[a-zA-Z-]+: /)
  })
  it('but not one that fits', () => {
    expect(open(made({})).toBytes()).toEqual(stream.toBytes())
  })
})

describe('what waits in codes', () => {
  const bits = { keyBits: 8, valueBits: 8 }
  const made = (first?: number) =>
    tiers({ ...shape, parts: [window({ count: 8 })], waiting: quantised({ ...bits, first }) })

  it('is refused where its centre would come after it', () => {
    for (const first of [undefined, 1, 9])
      expect(() => made(first)).toThrow('tiers: waiting must be float32 or have first: 0')
  })

  it('gives answers that do not depend on what comes later in the call', () => {
    const { keys, values } = tokens(30)
    const later = {
      keys: keys.data.map((x, i) => (i < 9 ? x : 3 * x)),
      values: values.data.map((x, i) => (i < 6 ? x : 9 * x)),
    }
    const queries = random(30, 3, 5)
    const [one, two] = [
      { keys, values },
      { keys: { ...keys, data: later.keys }, values: { ...values, data: later.values } },
    ].map((block) => made(0).step(block, queries))
    expect(two.sum.data.slice(0, 6)).toEqual(one.sum.data.slice(0, 6))
    expect(two.max.slice(0, 3)).toEqual(one.max.slice(0, 3))
    expect(two.max.slice(3)).not.toEqual(one.max.slice(3))
  })
})
