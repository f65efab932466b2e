// Heads against one stream a head, and snapshots by kind. Kills: groups of the wrong kv-head, columns of a neighbour, rows of a
// partial head by head instead of row by row, weights for the first head only, snapshots that restore another kind or nothing.
import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import {
  attend,
  closureStream,
  clusters,
  decodeSnapshot,
  encodeSnapshot,
  exactStream,
  farKeys,
  featureStream,
  h2o,
  heads,
  matrix,
  normalise,
  open,
  reservoir,
  restoreHeads,
  sinks,
  snapKv,
  streamingLlm,
  taylorFeatures,
  tiers,
  tova,
  window,
  type AttentionStream,
  type HeadStreams,
  type KvBlock,
  type Matrix,
} from '../src'
import { distance, random } from '@sublinear/laws'

const [d, dv] = [3, 2]
const features = taylorFeatures({ d, degree: 2, scale: 0.5 })
const makers: Record<string, () => AttentionStream> = {
  exact: () => exactStream({ d, dv, scale: 0.5 }),
  feature: () => featureStream({ features, dv }),
  closure: () => closureStream({ d, dv, scale: 0.5 }),
  sinks: () => sinks({ count: 5 })({ d, dv, scale: 0.5 }),
  window: () => window({ count: 5 })({ d, dv, scale: 0.5 }),
  'far-keys': () => farKeys({ count: 5 })({ d, dv, scale: 0.5 }),
  'streaming-llm': () => streamingLlm({ count: 5 })({ d, dv, scale: 0.5 }),
  reservoir: () => reservoir({ count: 5, seed: 1 })({ d, dv, scale: 0.5 }),
  h2o: () => h2o({ count: 5 })({ d, dv, scale: 0.5 }),
  tova: () => tova({ count: 5 })({ d, dv, scale: 0.5 }),
  'snap-kv': () => snapKv({ count: 5 })({ d, dv, scale: 0.5 }),
  clusters: () => clusters({ count: 5 })({ d, dv, scale: 0.5 }),
  tiers: () => tiers({ d, dv, scale: 0.5, parts: [sinks({ count: 2 }), farKeys({ count: 9 }), closureStream] }),
}
const head = (m: Matrix, h: number, width: number): Matrix =>
  matrix(
    m.rows,
    width,
    Float32Array.from(
      { length: m.rows * width },
      (_, i) => m.data[Math.floor(i / width) * m.cols + h * width + (i % width)]!,
    ),
  )

/** The snapshot of a window of tokens so wide that no buffer for them can exist. */
const emptyWindow = (width: number) =>
  encodeSnapshot({
    kind: 'window',
    version: '1',
    parameters: {
      d: String(width),
      dv: '1',
      scale: '1',
      count: '5',
      store: '{"kind":"float32"}',
      next: '0',
      tokens: '0',
    },
    tensors: Object.fromEntries(
      ['keys', 'values', 'weights'].map((name) => [name, { dtype: 'F32', shape: [0], data: new Float32Array(0) }]),
    ),
  })

const uneven = (h: number) => exactStream({ d, dv: dv + h, scale: 0.5 })

describe('heads', () => {
  const shape = fc.constantFrom([1, 1], [2, 2], [4, 1], [6, 2], [6, 3])
  test.prop([shape, fc.constantFrom('exact', 'feature'), fc.nat(80), fc.nat(80), fc.boolean(), fc.nat()], {
    seed: 1,
    numRuns: 40,
  })('are head by head what the streams answer alone', ([queryHeads, kvHeads], kind, before, n, weighted, seed) => {
    const groups = queryHeads! / kvHeads!
    const all = heads({ queryHeads: queryHeads!, kvHeads: kvHeads!, make: makers[kind]! })
    const alone = Array.from({ length: kvHeads! }, makers[kind]!)
    const block = (rows: number, salt: number): KvBlock => ({
      keys: random(rows, kvHeads! * d, seed + salt),
      values: random(rows, kvHeads! * dv, seed + salt + 1),
      ...(weighted && { weights: random(rows, 1, seed + salt + 2).data.map((x) => 1.5 + x) }),
    })
    const [past, now] = [block(before, 0), block(n, 10)]
    const queries = random(n, queryHeads! * d, seed + 20)
    const part = ({ keys, values, weights }: KvBlock, h: number): KvBlock => ({
      keys: head(keys, h, d),
      values: head(values, h, dv),
      ...(weights && { weights }),
    })
    all.push(past)
    const stepped = all.step(now, queries)
    const asked = all.attend(queries)
    expect([stepped.sum.rows, stepped.sum.cols]).toEqual([n * queryHeads!, dv])
    for (const [h, stream] of alone.entries()) {
      stream.push(part(past, h))
      const own = matrix(n * groups, d, head(queries, h, groups * d).data)
      for (const [got, wanted] of [
        [stepped, stream.step(part(now, h), own)],
        [asked, stream.attend(own)],
      ] as const) {
        for (let r = 0; r < n; r++) {
          for (let g = 0; g < groups; g++) {
            const [at, from] = [r * queryHeads! + h * groups + g, r * groups + g]
            expect([got.max[at], got.mass[at]]).toEqual([wanted.max[from], wanted.mass[from]])
            expect(got.sum.data.slice(at * dv, (at + 1) * dv)).toEqual(
              wanted.sum.data.slice(from * dv, (from + 1) * dv),
            )
          }
        }
      }
    }
    expect(all.tokens).toBe(before + n)
    expect(all.bytes).toBe(alone.reduce((sum, { bytes }) => sum + bytes, 0))
    const copy = restoreHeads(all.toBytes(), open)
    expect(copy.toBytes()).toEqual(all.toBytes())
    expect(copy.attend(queries)).toEqual(all.attend(queries))
  })

  it('run in attend: a row of heads in, a row of heads out', async () => {
    const all = heads({ queryHeads: 4, kvHeads: 2, make: makers['exact']! })
    const input = { queries: random(9, 12, 1), keys: random(9, 6, 2), values: random(9, 4, 3) }
    const parts: Matrix[] = []
    for await (const part of attend({ ...input, stream: all, causal: true })) parts.push(part)
    const whole = heads({ queryHeads: 4, kvHeads: 2, make: makers['exact']! }).step(input, input.queries)
    expect(parts.map(({ rows, cols }) => [rows, cols])).toEqual([[9, 8]])
    expect(distance(parts[0]!.data, normalise(whole).data)).toBeLessThan(1e-6)
  })

  it('refuse what does not fit, and stay as they were', () => {
    expect(() => heads({ queryHeads: 3, kvHeads: 2, make: makers['exact']! })).toThrow(
      'heads: queryHeads must be a multiple of kvHeads = 2, got 3',
    )
    expect(() => heads({ queryHeads: 0, kvHeads: 1, make: makers['exact']! })).toThrow(
      'heads: queryHeads must be an integer >= 1, got 0',
    )
    expect(() => heads({ queryHeads: 2, kvHeads: 2, make: uneven })).toThrow(
      'heads: stream 1 differs from stream 0 in d, dv, scale or tokens',
    )
    const all = heads({ queryHeads: 4, kvHeads: 2, make: makers['exact']! })
    all.push({ keys: random(5, 6, 1), values: random(5, 4, 2) })
    const kept = all.toBytes()
    const nan = random(2, 6, 1)
    nan.data[7] = NaN
    const block = { keys: random(2, 6, 1), values: random(2, 4, 2) }
    const calls: [(h: HeadStreams) => void, string][] = [
      [(h) => h.push({ ...block, keys: random(2, 3, 1) }), 'heads: keys must have 6 columns, got 3'],
      [(h) => h.push({ ...block, keys: nan }), 'heads: keys must be finite, got NaN at row 1, column 1'],
      [
        (h) => h.push({ ...block, weights: Float32Array.of(1, 0) }),
        'heads: weights must be > 0 and at most 2^53, got 0 at row 1',
      ],
      [(h) => h.attend(random(2, 6, 1)), 'heads: queries must have 12 columns, got 6'],
      [(h) => h.step(block, random(3, 12, 1)), 'heads: queries must have 2 rows, got 3'],
    ]
    for (const [call, message] of calls) {
      expect(() => call(all)).toThrow(message)
      expect(all.toBytes()).toEqual(kept)
    }
  })
})

describe('open', () => {
  it.each(Object.entries(makers))('brings back a stream of kind %s, bit for bit', (_, make) => {
    const stream = make()
    stream.push({ keys: random(150, d, 1), values: random(150, dv, 2), weights: new Float32Array(150).fill(2) })
    const copy = open(stream.toBytes())
    expect(copy.toBytes()).toEqual(stream.toBytes())
    expect(copy.attend(random(5, d, 3))).toEqual(stream.attend(random(5, d, 3)))
    if (copy.merging !== 'none') copy.merge(stream)
    expect(copy.tokens).toBe(copy.merging === 'none' ? 150 : 300)
  })

  it('refuses what it does not know, and what is hostile', () => {
    const feature = decodeSnapshot(makers['feature']!().toBytes())
    const made = (kind: string, parameters: Record<string, string>) =>
      encodeSnapshot({ kind, version: '1', parameters, tensors: Object.fromEntries(feature.tensors) })
    const hostile = [
      made('nothing', {}),
      made('constructor', {}),
      made('__proto__', {}),
      made('exact', {}),
      made('feature', {}),
      made('feature', { ...feature.parameters, features: '{"kind":"taylor","d":67108863,"degree":1,"scale":1}' }),
      made('feature', { ...feature.parameters, features: '{"kind":"other"}' }),
      made('closure', { d: '67108863', dv: '1', scale: '1', clusters: '1', tokens: '0' }),
      made('tiers', {
        d: '2',
        dv: '1',
        scale: '1',
        buffer: '64',
        tokens: '0',
        'part-0': '{"kind":"tiers","version":"1","parameters":{}}',
      }),
      heads({ queryHeads: 1, kvHeads: 1, make: makers['exact']! }).toBytes(),
      new Uint8Array(0),
      new Uint8Array(1000),
    ]
    for (const bytes of hostile) expect(() => open(bytes)).toThrow(RangeError)
    expect(open(emptyWindow(2 ** 40)).tokens).toBe(0) // allocates nothing before a token comes
    expect(() => open(made('constructor', {}))).toThrow(
      'open: no stream of kind "constructor", known: auto, balance-kv, closure, clusters, exact, far-keys, feature, h2o, reservoir, mean, merge-reduce, quantised, moment-coreset, sinks, snap-kv, streaming-llm, tiers, tova, window',
    )
    for (const bytes of [undefined, 'text', [1]]) expect(() => open(bytes as never)).toThrow(TypeError)
  })

  it('restoreHeads refuses counts that the streams do not bear out', () => {
    const bytes = heads({ queryHeads: 4, kvHeads: 2, make: makers['exact']! }).toBytes()
    const { tensors } = decodeSnapshot(bytes)
    const made = (queryHeads: string, kvHeads: string, kind = 'heads') =>
      encodeSnapshot({ kind, version: '1', parameters: { queryHeads, kvHeads }, tensors: Object.fromEntries(tensors) })
    for (const bytes of [
      made('4', '1'),
      made('4', '3'),
      made('3', '2'),
      made('1e9', '1e9'),
      made('4', ''),
      made('', '2'),
      made('4', '2', 'exact'),
    ]) {
      expect(() => restoreHeads(bytes, open)).toThrow(RangeError)
    }
    expect(restoreHeads(made('2', '2'), open).queryHeads).toBe(2)
  })
})
