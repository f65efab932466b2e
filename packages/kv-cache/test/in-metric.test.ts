// Tiers in a metric. Truth: the laws of streams, the float64 oracle of attention, distances in float64, and heads whose queries look at two of twelve directions. Kills, each tried by
// hand: keys times Cᵀ, queries as they come, a unit that is left out on one side, no check of what is out of range in the metric, or one of keys as they come, bytes or snapshots
// without the metric.
import {
  decodeSnapshot,
  encodeSnapshot,
  matrix,
  type AttentionStream,
  type Matrix,
  type StreamSpec,
} from '@sublinear/core'
import { exactStream, normalise } from '@sublinear/exact-attention'
import { attentionStreamLaws, compositionLaws, distance, random, softmaxOracle } from '@sublinear/laws'
import { taylorFeatures } from '@sublinear/poly-features'
import { closureStream } from '@sublinear/streaming-attention'
import { quantised } from '@sublinear/token-store'
import { describe, expect, test } from 'vitest'
import { clusters, farKeys, queryMetric, restoreTiers, tiers, window, type TiersOptions, type TokenTier } from '../src'
import { narrow, rowOf, squared, valuesOf } from './metric-heads'
import { openPart } from './open-part'

const shape = { d: 3, dv: 2, scale: 0.5 }
const metric = queryMetric({ queries: random(20, 3, 5) })
const other = queryMetric({ queries: random(20, 3, 6) })
const openOne = openPart(taylorFeatures({ d: 3, degree: 2, scale: 0.5 }))
const few = quantised({ keyBits: 6, valueBits: 4 })
/** Tiers of these parts. */
const held = (...parts: readonly StreamSpec[]) => ({ parts: parts as TiersOptions['parts'], buffer: 16 })
const [far, clustered] = [
  held(farKeys({ count: 20, store: few }), closureStream),
  held(clusters({ count: 30, store: few })),
]
type Held = typeof far

describe.each<[string, Held, number | undefined]>([
  ['all tokens', held(exactStream), undefined],
  ['a window before all tokens', held(window({ count: 9 }), exactStream), undefined],
  ['clusters in few bits', clustered, 0.4],
  ['far keys and a closure', far, 0.4],
])('tiers in a metric, %s', (_, own, error) => {
  const laws = attentionStreamLaws({
    name: 'tiers',
    make: () => tiers({ ...shape, ...own, metric }),
    restore: (bytes) => restoreTiers(bytes, openOne),
    ...(error === undefined ? { differs: { metric: () => tiers({ ...shape, ...own, metric: other }) } } : { error }),
  })
  for (const law of laws) test(law.name, law.run)
})

describe('tiers in a metric, around parts', () => {
  const laws = compositionLaws({
    name: 'tiers',
    make: (part) => tiers({ ...shape, ...held((own) => part(window({ count: 9 })(own)), (own) => part(closureStream(own))), metric }), // prettier-ignore
    restore: (bytes) => restoreTiers(bytes, openOne),
    shape,
  })
  for (const law of laws) test(law.name, law.run)
})

const [keys, values, queries] = [random(300, 3, 1, 3), random(300, 2, 2), random(40, 3, 3, 3)]
const filled = <S extends AttentionStream>(stream: S): S => {
  stream.push({ keys, values })
  return stream
}

const made = (own: unknown) => () => tiers({ ...shape, ...far, metric: own as number[] })

describe('tiers in a metric', () => {
  test('answers as the oracle does where it holds all tokens', () => {
    const stream = filled(tiers({ ...shape, ...held(exactStream), metric }))
    const truth = softmaxOracle(queries, keys, values, shape.scale, () => 300)
    expect(distance(normalise(stream.attend(queries)).data, truth)).toBeLessThan(3e-6)
    expect(stream.bytes).toBe(filled(tiers({ ...shape, ...held(exactStream) })).bytes + 6)
  })

  test.each([1, 90, 127])('changes no bit where the metric is %i times the plain one', (times) => {
    const plain = [times, 0, times, 0, 0, times]
    for (const own of [far, clustered]) {
      const [stream, alone] = [filled(tiers({ ...shape, ...own, metric: plain })), filled(tiers({ ...shape, ...own }))]
      const [{ parameters, tensors }, wanted] = [stream, alone].map((one) => decodeSnapshot(one.toBytes()))
      expect(tensors).toEqual(wanted.tensors)
      expect(parameters).toEqual({ ...wanted.parameters, crc32: parameters['crc32'], metric: plain.join(',') })
      expect(stream.attend(queries)).toEqual(alone.attend(queries))
    }
  })

  test('keeps the keys that lie farthest in the metric', () => {
    const stream = tiers({ ...shape, parts: [farKeys({ count: 30 })], buffer: 1, metric })
    const block = {
      keys,
      values: matrix(
        300,
        2,
        Float32Array.from({ length: 600 }, (_, i) => i >> 1),
      ),
    } // each token has its place as value
    for (let at = 0; at < 300; at++) stream.push({ keys: rowOf(block.keys, at), values: rowOf(block.values, at) })
    const centre = Float64Array.from({ length: 3 }, (_, c) =>
      keys.data.reduce((sum, x, i) => sum + (i % 3 === c ? x / 300 : 0), 0),
    )
    const m = squared(metric, 3)
    const apart = Array.from({ length: 300 }, (_, r) => {
      const off = Float64Array.from({ length: 3 }, (_, c) => keys.data[3 * r + c] - centre[c])
      return m.reduce((sum, entry, at) => sum + entry * off[Math.floor(at / 3)] * off[at % 3], 0)
    })
    const wanted = new Set(
      apart
        .map((_, r) => r)
        .toSorted((a, b) => apart[b] - apart[a])
        .slice(0, 30),
    )
    const places = (stream.parts[0] as TokenTier).read().values.data.filter((_, i) => i % 2 === 0)
    expect([...places].filter((place) => wanted.has(place)).length).toBeGreaterThanOrEqual(28) // the running mean moves a little
    const plainly = new Set(Array.from({ length: 300 }, (_, r) => r).toSorted((a, b) => lengthOf(keys, b) - lengthOf(keys, a)).slice(0, 30)) // prettier-ignore
    expect([...plainly].filter((place) => wanted.has(place)).length).toBeLessThan(28)
  })

  test('errs less where queries look at two of twelve directions', () => {
    const wide = { d: 12, dv: 4, scale: 1 / Math.sqrt(12) }
    const [own, block] = [narrow(600, 7), { keys: random(3000, 12, 8, 4), values: valuesOf(random(3000, 12, 8, 4)) }]
    const asked = narrow(200, 9)
    const exact = exactStream(wide)
    exact.push(block)
    const truth = normalise(exact.attend(asked)).data
    const errorOf = (stream: AttentionStream) => {
      stream.push(block)
      return distance(normalise(stream.attend(asked)).data, truth)
    }
    const seen = queryMetric({ queries: own, plain: 0.05 })
    for (const part of [clusters({ count: 60 }), clusters({ count: 150, store: few })])
      expect(errorOf(tiers({ ...wide, ...held(part), metric: seen }))).toBeLessThan(0.6 * errorOf(tiers({ ...wide, ...held(part) }))) // prettier-ignore
  })

  test('refuses what is no metric, and heads that turn', () => {
    expect(made(metric)).not.toThrow()
    expect(made('metric')).toThrow('tiers: metric must have d·(d + 1)/2 entries, got 0')
    expect(made([])).toThrow(RangeError)
    expect(made([1, 0, 1])).toThrow('tiers: metric must have d·(d + 1)/2 entries, got 3')
    expect(made([1, 0, 1, 0, 0, 0])).toThrow('tiers: metric[5] must be an integer from 1 to 127, got 0')
    expect(made([1, -128, 1, 0, 0, 1])).toThrow('tiers: metric[1] must be an integer from -127 to 127, got -128')
    expect(made([1, 0.5, 1, 0, 0, 1])).toThrow(RangeError)
    expect(made([1, 0, NaN, 0, 0, 1])).toThrow(RangeError)
    const turned = { ...shape, d: 2, rotary: { base: 10, pairing: 'halves' } } as const
    expect(() => tiers({ ...turned, ...far, metric: [1, 0, 1] })).toThrow('tiers: metric cannot be had with rotary')
  })

  test('keeps its metric when the list that it was given changes', () => {
    const list = [...metric]
    const stream = tiers({ ...shape, ...far, metric: list })
    list.fill(1)
    expect(filled(stream).toBytes()).toEqual(filled(tiers({ ...shape, ...far, metric })).toBytes())
  })

  test('refuses keys that are out of range in the metric, and stays as it was', () => {
    const steep = [127, 0, 1, 0, 0, 1]
    const stream = filled(tiers({ ...shape, ...far, metric: steep }))
    const before = stream.toBytes()
    const large = { keys: matrix(1, 3, new Float32Array([2 ** 50, 0, 0])), values: matrix(1, 2) }
    expect(() => stream.check.push(large, true)).toThrow(RangeError)
    expect(() => stream.push(large)).toThrow(RangeError)
    const asked = matrix(1, 3, new Float32Array([0, 2 ** 50, 0]))
    const block = { keys: matrix(1, 3), values: matrix(1, 2) }
    for (const call of [
      () => stream.attend(asked),
      () => stream.step(block, asked),
      () => stream.check.step(block, asked),
    ])
      // prettier-ignore
      expect(call).toThrow('tiers: rows in the metric must')
    expect(stream.toBytes()).toEqual(before)
  })

  test.each(['0,0,1,0,0,1', '1,0,1', '1,0,1,0,0,x', '1,0,1,0,0,1,'])(
    'refuses a snapshot whose metric is %s',
    (text) => {
      const { tensors, parameters, ...rest } = decodeSnapshot(filled(tiers({ ...shape, ...far, metric })).toBytes())
      const changed = (own: string) =>
        encodeSnapshot({ ...rest, parameters: { ...parameters, metric: own }, tensors: Object.fromEntries(tensors) })
      expect(restoreTiers(changed(metric.join(',')), openOne).tokens).toBe(300)
      expect(() => restoreTiers(changed(text), openOne)).toThrow(RangeError)
    },
  )
})

const lengthOf = ({ data }: Matrix, r: number) => Math.hypot(...data.slice(3 * r, 3 * r + 3))
