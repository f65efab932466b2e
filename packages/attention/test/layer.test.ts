// A layer against one stream a head, and snapshots by kind. Kills: groups of the wrong kv-head, columns of a neighbour, rows of a
// partial head by head instead of row by row, weights for the first head only, a head that takes before another refuses, merging with what has
// other heads, snapshots that restore another kind or nothing.
import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { decodeSnapshot, encodeSnapshot } from '@sublinear/core'
import { distance, random } from '@sublinear/laws'
import {
  attend,
  catalogue,
  closureStream,
  exactStream,
  featureStream,
  layer,
  matrix,
  normalise,
  openStream,
  policies,
  restoreLayer,
  taylorFeatures,
  tiers,
  type AttentionStream,
  type KvBlock,
  type Layer,
  type Matrix,
} from '../src'

const [d, dv] = [3, 2]
const shape = { d, dv, scale: 0.5 }
const features = taylorFeatures({ d, degree: 2, scale: 0.5 })
const { clusters, farKeys, h2o, reservoir, sinks, snapKv, streamingLlm, tova, window } = policies
const makers: Record<string, () => AttentionStream> = {
  exact: () => exactStream(shape),
  feature: () => featureStream({ features, dv }),
  closure: () => closureStream(shape),
  sinks: () => sinks({ count: 5 })(shape),
  window: () => window({ count: 5 })(shape),
  farKeys: () => farKeys({ count: 5 })(shape),
  streamingLlm: () => streamingLlm({ count: 5 })(shape),
  reservoir: () => reservoir({ count: 5, seed: 1 })(shape),
  h2o: () => h2o({ count: 5 })(shape),
  tova: () => tova({ count: 5 })(shape),
  snapKv: () => snapKv({ count: 5 })(shape),
  clusters: () => clusters({ count: 5 })(shape),
  tiers: () => tiers({ ...shape, parts: [sinks({ count: 2 }), farKeys({ count: 9 }), closureStream] }),
}
const head = (m: Matrix, h: number, width: number): Matrix =>
  matrix(
    m.rows,
    width,
    Float32Array.from(
      { length: m.rows * width },
      (_, i) => m.data[Math.floor(i / width) * m.cols + h * width + (i % width)],
    ),
  )

/** A snapshot with other parameters; what is undefined is not there. */
function altered(bytes: Uint8Array, change: Readonly<Record<string, string | undefined>>): Uint8Array {
  const { kind, version, parameters, tensors } = decodeSnapshot(bytes)
  const all = Object.entries({ ...parameters, ...change }).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  )
  return encodeSnapshot({ kind, version, parameters: Object.fromEntries(all), tensors: Object.fromEntries(tensors) })
}

const ofKind = (kind: string) => encodeSnapshot({ kind, version: '2', parameters: {}, tensors: {} })
const refuse = () => {
  throw new RangeError('no room')
}
const uneven = (h: number) => exactStream({ d, dv: dv + h, scale: 0.5 })

describe('a layer', () => {
  const counts = fc.constantFrom([1, 1], [2, 2], [4, 1], [6, 2], [6, 3])
  test.prop([counts, fc.constantFrom('exact', 'feature'), fc.nat(80), fc.nat(80), fc.boolean(), fc.nat()], {
    seed: 1,
    numRuns: 40,
  })('is head by head what the streams answer alone', ([queryHeads, kvHeads], kind, before, n, weighted, seed) => {
    const groups = queryHeads / kvHeads
    const all = layer({ queryHeads: queryHeads, kvHeads: kvHeads, make: makers[kind] })
    const alone = Array.from({ length: kvHeads }, makers[kind])
    const block = (rows: number, salt: number): KvBlock => ({
      keys: random(rows, kvHeads * d, seed + salt),
      values: random(rows, kvHeads * dv, seed + salt + 1),
      ...(weighted && { weights: random(rows, 1, seed + salt + 2).data.map((x) => 1.5 + x) }),
    })
    const [past, now] = [block(before, 0), block(n, 10)]
    const queries = random(n, queryHeads * d, seed + 20)
    const part = ({ keys, values, weights }: KvBlock, h: number): KvBlock => ({
      keys: head(keys, h, d),
      values: head(values, h, dv),
      ...(weights && { weights }),
    })
    all.push(past)
    const stepped = all.step(now, queries)
    const asked = all.attend(queries)
    expect([stepped.sum.rows, stepped.sum.cols]).toEqual([n * queryHeads, dv])
    for (const [h, stream] of alone.entries()) {
      stream.push(part(past, h))
      const own = matrix(n * groups, d, head(queries, h, groups * d).data)
      for (const [got, wanted] of [
        [stepped, stream.step(part(now, h), own)],
        [asked, stream.attend(own)],
      ] as const) {
        for (let r = 0; r < n; r++) {
          for (let g = 0; g < groups; g++) {
            const [at, from] = [r * queryHeads + h * groups + g, r * groups + g]
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
    const copy = restoreLayer(all.toBytes(), openStream)
    expect(copy.toBytes()).toEqual(all.toBytes())
    expect(copy.attend(queries)).toEqual(all.attend(queries))
  })

  it('runs in attend: a row of heads in, a row of heads out', async () => {
    const all = layer({ queryHeads: 4, kvHeads: 2, make: makers['exact'] })
    const input = { queries: random(9, 12, 1), keys: random(9, 6, 2), values: random(9, 4, 3) }
    const parts: Matrix[] = []
    for await (const part of attend({ ...input, stream: all, causal: true })) parts.push(part)
    const whole = layer({ queryHeads: 4, kvHeads: 2, make: makers['exact'] }).step(input, input.queries)
    expect(parts.map(({ rows, cols }) => [rows, cols])).toEqual([[9, 8]])
    expect(distance(parts[0].data, normalise(whole).data)).toBeLessThan(1e-6)
  })

  it('refuses what does not fit, and stays as it was', () => {
    expect(() => layer({ queryHeads: 3, kvHeads: 2, make: makers['exact'] })).toThrow(
      'layer: queryHeads must be a multiple of kvHeads = 2, got 3',
    )
    expect(() => layer({ queryHeads: 0, kvHeads: 1, make: makers['exact'] })).toThrow(
      'layer: queryHeads must be an integer >= 1, got 0',
    )
    expect(() => layer({ queryHeads: 2, kvHeads: 2, make: uneven })).toThrow(
      'layer: stream 1 differs from stream 0 in d, dv, scale or tokens',
    )
    const all = layer({ queryHeads: 4, kvHeads: 2, make: makers['exact'] })
    all.push({ keys: random(5, 6, 1), values: random(5, 4, 2) })
    const kept = all.toBytes()
    const nan = random(2, 6, 1)
    nan.data[7] = NaN
    const block = { keys: random(2, 6, 1), values: random(2, 4, 2) }
    const calls: [(h: Layer) => void, string][] = [
      [(h) => h.push({ ...block, keys: random(2, 3, 1) }), 'layer: keys must have 6 columns, got 3'],
      [(h) => h.push({ ...block, keys: nan }), 'layer: keys must be finite, got NaN at row 1, column 1'],
      [
        (h) => h.push({ ...block, weights: Float32Array.of(1, 0) }),
        'layer: weights must be > 0 and at most 2^53, got 0 at row 1',
      ],
      [(h) => h.attend(random(2, 6, 1)), 'layer: queries must have 12 columns, got 6'],
      [(h) => h.step(block, random(3, 12, 1)), 'layer: queries must have 2 rows, got 3'],
    ]
    for (const [call, message] of calls) {
      expect(() => call(all)).toThrow(message)
      expect(all.toBytes()).toEqual(kept)
    }
  })
})

describe('heads that cannot go on together', () => {
  const ask = { queries: random(3, 12, 3) }
  const block = { keys: random(3, 6, 1), values: random(3, 4, 2) }

  it('none takes where another refuses', () => {
    const streams: AttentionStream[] = []
    const all = layer({
      queryHeads: 4,
      kvHeads: 2,
      make(h) {
        const inner = exactStream(shape)
        const check = h === 0 ? inner.check! : { push: refuse, step: refuse, merge: refuse }
        const stream = {
          ...inner,
          check,
          get tokens() {
            return inner.tokens
          },
          get bytes() {
            return inner.bytes
          },
        }
        streams.push(stream)
        return stream
      },
    })
    const before = all.toBytes()
    const other = layer({ queryHeads: 4, kvHeads: 2, make: makers['exact'] })
    other.push(block)
    for (const call of [() => all.push(block), () => all.step(block, ask.queries), () => all.merge(other)])
      expect(call).toThrow('no room')
    expect(all.toBytes()).toEqual(before)
    expect(streams.map(({ tokens }) => tokens)).toEqual([0, 0])
  })

  it('a head that fails after all have agreed leaves a layer that says so', () => {
    const all = layer({
      queryHeads: 4,
      kvHeads: 2,
      make(h) {
        const inner = exactStream(shape)
        if (h === 0) return inner
        return {
          ...inner,
          get tokens() {
            return inner.tokens
          },
          push() {
            throw new Error('disk on fire')
          },
        }
      },
    })
    expect(() => all.push(block)).toThrow('disk on fire')
    for (const call of [() => all.push(block), () => all.attend(ask.queries), () => all.toBytes()])
      expect(call).toThrow(/layer: .*broken/)
  })

  it('merging is head by head, and refuses other heads', () => {
    const [whole, first, later] = [0, 1, 2].map(() => layer({ queryHeads: 4, kvHeads: 2, make: makers['exact'] })) as [
      Layer,
      Layer,
      Layer,
    ]
    const blocks = [0, 1].map((at) => ({ keys: random(40, 6, at), values: random(40, 4, at + 5) })) as [
      KvBlock,
      KvBlock,
    ]
    for (const one of blocks) whole.push(one)
    first.push(blocks[0])
    later.push(blocks[1])
    first.merge(later)
    expect(first.tokens).toBe(80)
    expect(first.attend(ask.queries)).toEqual(whole.attend(ask.queries))
    const before = first.toBytes()
    const other = layer({ queryHeads: 2, kvHeads: 2, make: makers['exact'] })
    expect(() => first.merge(other)).toThrow('layer: heads differ: 4 and 2 here, 2 and 2 there')
    expect(() => first.merge(exactStream(shape) as never)).toThrow(RangeError)
    expect(() => first.merge({} as never)).toThrow(TypeError)
    expect(first.toBytes()).toEqual(before)
  })
})

describe('openStream', () => {
  it.each(Object.entries(makers))('brings back a stream of kind %s, bit for bit', (_, make) => {
    const stream = make()
    stream.push({ keys: random(150, d, 1), values: random(150, dv, 2), weights: new Float32Array(150).fill(2) })
    const copy = openStream(stream.toBytes())
    expect(copy.toBytes()).toEqual(stream.toBytes())
    expect(copy.attend(random(5, d, 3))).toEqual(stream.attend(random(5, d, 3)))
    if (copy.merging !== 'none') copy.merge(stream)
    expect(copy.tokens).toBe(copy.merging === 'none' ? 150 : 300)
  })

  it('refuses what it does not know, and what is hostile', () => {
    const made = (kind: string, change: Readonly<Record<string, string | undefined>>) =>
      altered(makers[kind]().toBytes(), change)
    const none = (kind: string) =>
      made(
        kind,
        Object.fromEntries(
          Object.keys(decodeSnapshot(makers[kind]().toBytes()).parameters).map((name) => [name, undefined]),
        ),
      )
    const hostile = [
      ofKind('nothing'),
      ofKind('constructor'),
      ofKind('__proto__'),
      none('exact'),
      none('feature'),
      none('tiers'),
      made('feature', { features: '{"kind":"taylor","d":67108863,"degree":1,"scale":1}' }),
      made('feature', { features: '{"kind":"other"}' }),
      made('closure', { d: '67108863' }),
      made('tiers', { 'part-0': '{"kind":"tiers","version":"2","parameters":{}}' }),
      layer({ queryHeads: 1, kvHeads: 1, make: makers['exact'] }).toBytes(),
      new Uint8Array(0),
      new Uint8Array(1000),
    ]
    for (const bytes of hostile) {
      expect(() => openStream(bytes)).toThrow(RangeError)
      expect(() => openStream(bytes)).not.toThrow('version') // it is not the version that is refused
    }
    expect(openStream(made('window', { d: String(2 ** 40) })).tokens).toBe(0) // allocates nothing before a token comes
    expect(() => openStream(ofKind('constructor'))).toThrow(
      `openStream: no stream of kind "constructor", known: ${catalogue.map(({ name }) => name).join(', ')}, tiers, feature`,
    )
    for (const bytes of [undefined, 'text', [1]]) expect(() => openStream(bytes as never)).toThrow(TypeError)
  })

  it('restoreLayer refuses counts that the streams do not bear out', () => {
    const bytes = layer({ queryHeads: 4, kvHeads: 2, make: makers['exact'] }).toBytes()
    const made = (queryHeads: string, kvHeads: string) => altered(bytes, { queryHeads, kvHeads })
    for (const bytes of [
      made('4', '1'),
      made('4', '3'),
      made('3', '2'),
      made('1e9', '1e9'),
      made('4', ''),
      made('', '2'),
      makers['exact']().toBytes(),
    ]) {
      expect(() => restoreLayer(bytes, openStream)).toThrow(RangeError)
      expect(() => restoreLayer(bytes, openStream)).not.toThrow('version')
    }
    expect(restoreLayer(made('2', '2'), openStream).queryHeads).toBe(2)
  })
})
