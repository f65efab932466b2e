// Streams in a metric, and the metric of queries. Truth: the laws of streams, the float64 oracle of attention, distances and moments written out in float64, and heads whose queries
// look at two of twelve directions. Kills, each tried by hand: keys times Cᵀ or C⁻¹, queries not solved or solved by C instead of Cᵀ, a unit that is left out on one side, the plain
// metric not mixed in, moments not divided by the trace, a diagonal that is rounded to 0, bytes or snapshots without the metric, a merge that takes another metric, a fork without it,
// a check that looks at keys before they are in the metric, a budget from which the metric's bytes are not taken.
import {
  decodeSnapshot,
  encodeSnapshot,
  matrix,
  nestedSnapshot,
  type AttentionStream,
  type Matrix,
  type StreamSpec,
} from '@sublinear/core'
import { exactStream, normalise } from '@sublinear/exact-attention'
import { attentionStreamLaws, compositionLaws, distance, random, softmaxOracle } from '@sublinear/laws'
import { taylorFeatures } from '@sublinear/poly-features'
import { closureMethod, closureStream, meanMethod } from '@sublinear/streaming-attention'
import { quantised } from '@sublinear/token-store'
import { describe, expect, test } from 'vitest'
import { autoMethod, autoStream, clusters, clustersMethod, farKeys, farKeysMethod, h2oMethod, inMetric, observedAttentionMethod, queryMetric, restoreAutoStream, restoreInMetric, restoreTiers, tiers, window, windowMethod, type Stack, type TokenTier } from '../src' // prettier-ignore
import { openPart } from './open-part'

const shape = { d: 3, dv: 2, scale: 0.5 }
const metric = queryMetric({ queries: random(20, 3, 5) })
const other = queryMetric({ queries: random(20, 3, 6) })
const openOne = openPart(taylorFeatures({ d: 3, degree: 2, scale: 0.5 }))
const open = (bytes: Uint8Array): AttentionStream =>
  decodeSnapshot(bytes).kind === 'tiers' ? restoreTiers(bytes, openOne) : openOne(bytes)
const restore = (bytes: Uint8Array) => restoreInMetric(bytes, open)
const few = quantised({ keyBits: 6, valueBits: 4 })
const far: StreamSpec = (own) =>
  tiers({ ...own, parts: [farKeys({ count: 20, store: few }), closureStream], buffer: 16 })

describe.each<[string, StreamSpec, number | undefined]>([
  ['all tokens', exactStream, undefined],
  ['clusters in few bits', clusters({ count: 30, store: few, buffer: 16 }), 0.4],
  ['far keys and a closure', far, 0.4],
])('in a metric, %s', (_, of, error) => {
  const make = () => inMetric({ of, metric })(shape)
  const laws = attentionStreamLaws({
    name: 'inMetric',
    make,
    restore,
    ...(error === undefined ? { differs: { metric: () => inMetric({ of, metric: other })(shape) } } : { error }),
  })
  for (const law of laws) test(law.name, law.run)
})

type Around = (part: <S extends AttentionStream>(stream: S) => S) => StreamSpec
describe.each<[string, Around]>([
  ['a closure', (part) => (own) => part(closureStream(own))],
  ['tiers', (part) => (own) => tiers({ ...own, parts: [window({ count: 9 }), (rest) => part(closureStream(rest))], buffer: 16 })], // prettier-ignore
])('in a metric, around %s', (_, of) => {
  const make = (part: <S extends AttentionStream>(stream: S) => S) => inMetric({ of: of(part), metric })(shape)
  for (const law of compositionLaws({ name: 'inMetric', make, restore, shape })) test(law.name, law.run)
})

const [keys, values, queries] = [random(300, 3, 1, 3), random(300, 2, 2), random(40, 3, 3, 3)]
const filled = <S extends AttentionStream>(stream: S): S => {
  stream.push({ keys, values })
  return stream
}

const made =
  (own: unknown, of: unknown = exactStream) =>
  () =>
    inMetric({ of: of as StreamSpec, metric: own as number[] })(shape)

const used = filled(exactStream(shape))

describe('a stream in a metric', () => {
  test('answers as the oracle does where it holds all tokens', () => {
    const stream = filled(inMetric({ of: exactStream, metric })(shape))
    const truth = softmaxOracle(queries, keys, values, shape.scale, () => 300)
    expect(distance(normalise(stream.attend(queries)).data, truth)).toBeLessThan(3e-6)
    expect(stream.bytes).toBe(filled(exactStream(shape)).bytes + 6)
  })

  test.each([1, 90, 127])('changes no bit where the metric is %i times the plain one', (times) => {
    const plain = [times, 0, times, 0, 0, times]
    for (const of of [far, clusters({ count: 30, store: few })]) {
      const [stream, alone] = [filled(inMetric({ of, metric: plain })(shape)), filled(of(shape))]
      expect(nestedSnapshot(decodeSnapshot(stream.toBytes()), 'of')).toEqual(alone.toBytes())
      expect(stream.attend(queries)).toEqual(alone.attend(queries))
    }
  })

  test('keeps the keys that lie farthest in the metric', () => {
    const stream = inMetric({ of: farKeys({ count: 30, buffer: 1 }), metric })(shape)
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
    const held = (stream.parts[0] as TokenTier).read().values.data.filter((_, i) => i % 2 === 0)
    expect([...held].filter((place) => wanted.has(place)).length).toBeGreaterThanOrEqual(28) // the running mean moves a little
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
    const seen = queryMetric({ queries: own })
    for (const of of [clusters({ count: 60 }), clusters({ count: 150, store: few })])
      expect(errorOf(inMetric({ of, metric: seen })(wide))).toBeLessThan(0.75 * errorOf(of(wide)))
  })

  test('refuses what is no metric, no stream, and heads that turn', () => {
    expect(made(metric)).not.toThrow()
    expect(made(metric, 3)).toThrow('inMetric: of must be a stream of a shape, got number')
    expect(made('metric')).toThrow('inMetric: metric must be a list of d·(d + 1)/2 integers, d = any, got 0')
    expect(made([1, 0, 1, 0])).toThrow('inMetric: metric must be a list of d·(d + 1)/2 integers, d = any, got 4')
    expect(made([])).toThrow(RangeError)
    expect(made([1, 0, 1])).toThrow('inMetric: metric must be a list of d·(d + 1)/2 integers, d = 3, got 3')
    expect(made([1, 0, 1, 0, 0, 0])).toThrow('inMetric: metric[5] must be an integer from 1 to 127, got 0')
    expect(made([1, -128, 1, 0, 0, 1])).toThrow('inMetric: metric[1] must be an integer from -127 to 127, got -128')
    expect(made([1, 0.5, 1, 0, 0, 1])).toThrow(RangeError)
    expect(made([1, 0, NaN, 0, 0, 1])).toThrow(RangeError)
    expect(() =>
      inMetric({ of: exactStream, metric })({ ...shape, d: 4, rotary: { base: 10, pairing: 'halves' } }),
    ).toThrow(RangeError)
    expect(() =>
      inMetric({ of: exactStream, metric: [1, 0, 1] })({ ...shape, d: 2, rotary: { base: 10, pairing: 'halves' } }),
    ).toThrow('inMetric: cannot do rotary')
    expect(() => inMetric({ of: () => used, metric })(shape)).toThrow(
      'inMetric: of must be empty, got one with 300 tokens',
    )
  })

  test('refuses keys that are out of range in the metric, and stays as it was', () => {
    const steep = [127, 0, 1, 0, 0, 1]
    const stream = filled(inMetric({ of: far, metric: steep })(shape))
    const before = stream.toBytes()
    const large = { keys: matrix(1, 3, new Float32Array([2 ** 50, 0, 0])), values: matrix(1, 2) }
    expect(() => stream.check.push(large, true)).toThrow(RangeError)
    expect(() => stream.push(large)).toThrow(RangeError)
    expect(() => stream.attend(matrix(1, 3, new Float32Array([0, 2 ** 50, 0])))).toThrow(RangeError)
    expect(stream.toBytes()).toEqual(before)
  })

  test('refuses a snapshot whose metric is none', () => {
    const { tensors, ...rest } = decodeSnapshot(filled(inMetric({ of: far, metric })(shape)).toBytes())
    const changed = (data: Uint8Array) =>
      encodeSnapshot({
        ...rest,
        tensors: { ...Object.fromEntries(tensors), metric: { dtype: 'U8', shape: [data.length], data } },
      })
    const own = tensors.get('metric')!.data as Uint8Array
    expect(restore(changed(own)).metric).toEqual(metric)
    expect(() => restore(changed(own.slice(1)))).toThrow(RangeError)
    expect(() => restore(changed(own.with(0, 128)))).toThrow(
      'inMetric: metric[0] must be an integer from 1 to 127, got 0',
    )
    expect(() => restore(changed(own.with(1, 0)))).toThrow(RangeError)
  })
})

describe('the metric of queries', () => {
  test.each([0, 0.3, 1])('is the mean of q·qᵀ with a share of %f of the plain one', (plain) => {
    const d = 5
    const asked = random(50, d, 11, 2)
    const moments = new Float64Array(d * d)
    for (let r = 0; r < 50; r++)
      for (let i = 0; i < d; i++)
        for (let j = 0; j < d; j++) moments[i * d + j] += (asked.data[r * d + i] * asked.data[r * d + j]) / 50
    const trace = moments.reduce((sum, x, at) => sum + (at % (d + 1) === 0 ? x : 0), 0)
    const wanted = moments.map((x, at) => ((1 - plain) * x) / trace + (at % (d + 1) === 0 ? plain / d : 0))
    const got = squared(queryMetric({ queries: asked, plain }), d)
    const total = got.reduce((sum, x, at) => sum + (at % (d + 1) === 0 ? x : 0), 0)
    expect(
      distance(
        got.map((x) => x / total),
        wanted,
      ),
    ).toBeLessThan(0.004)
    expect(queryMetric({ moments: matrix(d, d, Float32Array.from(moments)), plain })).toEqual(
      queryMetric({ queries: asked, plain }),
    )
  })

  test('keeps a direction that no query has, by the share of the plain one', () => {
    const one = matrix(2, 2, new Float32Array([1, 0, -3, 0]))
    expect(queryMetric({ queries: one, plain: 1e-6 })).toEqual([127, 0, 1])
    expect(queryMetric({ queries: one, plain: 1 })).toEqual([127, 0, 127])
    expect(() => queryMetric({ queries: one, plain: 0 })).toThrow('queryMetric: the metric must be positive definite')
  })

  test.each<[string, object, string]>([
    ['no queries', { queries: matrix(0, 2) }, 'queries must have at least one row, got 0'],
    ['queries that are all 0', { queries: matrix(3, 2) }, 'the trace of the moments must be above 0, got 0'],
    ['a query that is no number', { queries: matrix(1, 2, new Float32Array([NaN, 1])) }, 'queries'],
    ['moments that are not square', { moments: matrix(2, 3) }, 'moments'],
    ['moments that are not finite', { moments: matrix(1, 1, new Float32Array([Infinity])) }, 'moments'],
    [
      'moments that are not symmetric',
      { moments: matrix(2, 2, new Float32Array([1, 1, 0, 1])) },
      'moments must be symmetric',
    ],
    [
      'moments that are not positive',
      { moments: matrix(2, 2, new Float32Array([1, 3, 3, 1])) },
      'must be positive definite',
    ],
    ['a share above 1', { queries: random(3, 2, 1), plain: 1.5 }, 'plain must be from 0 to 1, got 1.5'],
    ['a share below 0', { queries: random(3, 2, 1), plain: -0.1 }, 'plain must be from 0 to 1'],
  ])('refuses %s', (_, options, message) => {
    expect(() => queryMetric(options)).toThrow(RangeError)
    expect(() => queryMetric(options)).toThrow(message)
  })

  test('refuses neither and both', () => {
    expect(() => queryMetric({})).toThrow(TypeError)
    expect(() => queryMetric({ queries: random(3, 2, 1), moments: random(2, 2, 1) })).toThrow(TypeError)
  })
})

const tier = (by: string, share: number) => ({ by, share, keyBits: 6, valueBits: 4 })

describe('a stack in a metric', () => {
  const methods = [
    clustersMethod,
    farKeysMethod,
    h2oMethod,
    observedAttentionMethod,
    windowMethod,
    closureMethod,
    meanMethod,
  ]
  const stack: Stack = { window: 0, kept: [tier('farKeys', 0.5), tier('clusters', 0.5)], rest: 'none', metric }
  const make = (own: Stack, budgetBytes = 3000) =>
    autoStream({ ...shape, budgetBytes, tokens: 5000, stack: own }, methods)
  const { metric: _, ...plain } = stack

  test('counts its bytes within the budget: the same counts as a plain stack in so many bytes less', () => {
    const [own, less] = [make(stack, 3006), make(plain, 3000)]
    for (const stream of [own, less]) for (let seed = 1; seed < 9; seed++) stream.step({ keys: random(300, 3, seed), values: random(300, 2, 2) }, random(300, 3, 3)) // prettier-ignore
    expect(own.bytes).toBe(less.bytes + 6)
    expect(own.bytes).toBeLessThanOrEqual(3006)
    expect(own.parts.map(({ tokens }) => tokens)).toEqual(less.parts.map(({ tokens }) => tokens))
  })

  test('goes on from its snapshot, which no other metric fits', () => {
    const stream = filled(make(stack))
    const again = restoreAutoStream(stream.toBytes(), openOne, methods)
    expect(again.stack).toEqual(stack)
    for (const one of [stream, again]) filled(one)
    expect(again.toBytes()).toEqual(stream.toBytes())
    expect(stream.fork().attend(queries)).toEqual(again.attend(queries))
    const { tensors, parameters, ...rest } = decodeSnapshot(stream.toBytes())
    const limits = JSON.parse(parameters['limits']) as { stack: Stack }
    const changed = (own: object) => encodeSnapshot({ ...rest, parameters: { ...parameters, limits: JSON.stringify({ ...limits, stack: own }) }, tensors: Object.fromEntries(tensors) }) // prettier-ignore
    expect(restoreAutoStream(changed(stack), openOne, methods).tokens).toBe(600)
    for (const own of [
      { ...stack, metric: other },
      { ...stack, metric: [1, 0, 1] },
      { ...stack, metric: [0] },
      { ...stack, metric: 'none' },
      plain,
    ])
      expect(() => restoreAutoStream(changed(own), openOne, methods)).toThrow(RangeError)
  })

  test('is refused where its metric is none, of another width, or its head turns', () => {
    expect(() => make({ ...stack, metric: [1, 2] })).toThrow(
      'autoStream: stack.metric must be a list of d·(d + 1)/2 integers, d = any, got 2',
    )
    expect(() => make({ ...stack, metric: [1] })).toThrow('must be a list of d·(d + 1)/2 integers, d = 3, got 1')
    const turned = { ...shape, d: 2, rotary: { base: 10, pairing: 'halves' } } as const
    expect(() => autoStream({ ...turned, budgetBytes: 3000, tokens: 500, stack: { ...stack, metric: [1, 0, 1] } }, methods)).toThrow('inMetric: cannot do rotary') // prettier-ignore
  })

  test('is tried on a pilot beside the plain one, and made anew from the queries that it is given', () => {
    const auto = autoMethod(methods)
    const pilot = { queries: random(300, 3, 21), keys, values }
    const all = auto.variants!(shape, 3000, { tokens: 5000 }, pilot)
    const [own, others] = [all.filter((one) => one.stack!.metric), all.filter((one) => !one.stack!.metric)]
    expect(own.map((one) => ({ ...one, stack: { ...one.stack!, metric: undefined } }))).toEqual(others.map((one) => ({ ...one, stack: { ...one.stack!, metric: undefined } }))) // prettier-ignore
    expect(own[0].stack!.metric).toEqual(queryMetric({ queries: pilot.queries }))
    expect(auto.taught!(own[0], queries)).toEqual({
      ...own[0],
      stack: { ...own[0].stack!, metric: queryMetric({ queries }) },
    })
    expect(auto.taught!(others[0], queries)).toBe(others[0])
    const near = (from: (typeof all)[number], given = pilot) => auto.refine!(shape, from, 3000, { tokens: 5000 }, given)
    expect(
      near(own[0])
        .filter((one) => !one.stack!.metric)
        .map((one) => one.stack),
    ).toEqual([others[0].stack])
    expect(
      near(others[0])
        .filter((one) => one.stack!.metric)
        .map((one) => one.stack),
    ).toEqual([own[0].stack])
    expect(auto.variants!(shape, 3000, { tokens: 5000 }, { ...pilot, queries: matrix(300, 3) })).toEqual(others)
    expect(auto.variants!(shape, 3000, { tokens: 5000 })).toEqual(others)
  })
})

const rowOf = ({ cols, data }: Matrix, at: number) => matrix(1, cols, data.slice(at * cols, (at + 1) * cols))
const lengthOf = ({ data }: Matrix, r: number) => Math.hypot(...data.slice(3 * r, 3 * r + 3))

/** C·Cᵀ of a metric, d × d. */
function squared(own: readonly number[], d: number): Float64Array {
  const entry = (i: number, j: number) => (j > i ? 0 : own[(i * (i + 1)) / 2 + j])
  return Float64Array.from({ length: d * d }, (_, at) => {
    let sum = 0
    for (let k = 0; k < d; k++) sum += entry(Math.floor(at / d), k) * entry(at % d, k)
    return sum
  })
}

/** Queries of 12 columns that look along two directions, which are no axes. */
function narrow(rows: number, seed: number): Matrix {
  const two = random(rows, 2, seed, 3)
  return matrix(rows, 12, Float32Array.from({ length: rows * 12 }, (_, i) => two.data[2 * Math.floor(i / 12)] * Math.cos(i % 12) + two.data[2 * Math.floor(i / 12) + 1] * Math.sin(2 * (i % 12)))) // prettier-ignore
}

/** Values that follow the scores of such queries. */
function valuesOf({ rows, data }: Matrix): Matrix {
  const along = (r: number, c: number) => data.slice(12 * r, 12 * r + 12).reduce((sum, x, i) => sum + x * (c % 2 === 0 ? Math.cos(i) : Math.sin(2 * i)), 0) // prettier-ignore
  return matrix(
    rows,
    4,
    Float32Array.from({ length: rows * 4 }, (_, i) => Math.tanh(along(i >> 2, i & 3) / 4 + (i & 2) / 4)),
  )
}
