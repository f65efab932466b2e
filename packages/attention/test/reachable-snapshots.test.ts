// What the campaigns of tools/campaigns found, by the right value. Kills: a layer that is broken by taking back what it cannot, a page that keeps weights which its
// snapshot has not (bytes then differ from those of the stream that was opened), tokens counted beyond 2^53 − 1, a part with more tokens than the whole,
// Ψ made before its m is compared, a spec refused by a TypeError, a sketch without room for one more row, an error that no count of items has, the weights of clusters
// as arguments of one call, arrays of the sizes that a snapshot only says, levels of a softmax that make NaN of scores, sums at the end of float64, draws counted beyond 2^53 − 1.
import { amsSketch } from '@sublinear/ams-sketch'
import { mergeReduce, uniformHalving } from '@sublinear/balance-kv'
import { decodeSnapshot, encodeSnapshot, restoreSketch, sketch, type AttentionStream } from '@sublinear/core'
import { random } from '@sublinear/laws'
import { frequentItems, restoreFrequentItems } from '@sublinear/sparse-recovery'
import { describe, expect, it } from 'vitest'
import {
  catalogue,
  exactStream,
  layer,
  meanStream,
  onePass,
  openOnePass,
  openStream,
  featureStream,
  policies,
  taylorFeatures,
  tiers,
} from '../src'
import { altered } from './altered-snapshot'

const shape = { d: 3, dv: 2, scale: 0.5 }
const block = (rows: number, seed = 1) => ({ keys: random(rows, 3, seed), values: random(rows, 2, seed + 1) })

describe('taking back', () => {
  it('more than can be is refused by a layer, which stays as it was', () => {
    const all = layer({ queryHeads: 2, kvHeads: 2, make: (h) => (h === 0 ? exactStream(shape) : meanStream(shape)) })
    all.push({ keys: random(70, 6, 1), values: random(70, 4, 2) })
    const before = all.toBytes()
    expect(() => all.takeBack(60)).toThrow(/^mean: can take back at most \d+ tokens now, got 60$/)
    expect(all.toBytes()).toEqual(before)
    expect(all.streams.map(({ tokens }) => tokens)).toEqual([70, 70])
    all.takeBack(1)
    expect(all.tokens).toBe(69)
  })

  it('tokens with weights leaves no weights behind', () => {
    const [stream, plain] = [exactStream(shape), exactStream(shape)]
    for (const one of [stream, plain]) one.push(block(10))
    stream.push({ ...block(5, 3), weights: new Float32Array(5).fill(2) })
    stream.takeBack!(5)
    expect(stream.toBytes()).toEqual(plain.toBytes())
    expect(stream.bytes).toBe(plain.bytes)
  })
})

it('a window that has let go of its weighted tokens is the same after a snapshot', () => {
  const stream = exactStream({ ...shape, window: 40 })
  stream.push(block(64))
  stream.push({ ...block(64, 3), weights: new Float32Array(64).fill(2) })
  stream.push(block(10, 5))
  const copy = openStream(stream.toBytes())
  for (const one of [stream, copy]) for (let i = 0; i < 3; i++) one.push(block(70, 7 + i))
  expect(copy.toBytes()).toEqual(stream.toBytes())
  expect(decodeSnapshot(stream.toBytes()).tensors.has('logWeights')).toBe(false)
})

describe('tokens near 2^53', () => {
  const most = Number.MAX_SAFE_INTEGER
  const near: Record<string, () => AttentionStream> = {
    mean: () => meanStream(shape),
    window: () => policies.window({ count: 20 })(shape),
    feature: () => featureStream({ features: taylorFeatures({ d: 3, degree: 2, scale: 0.5 }), dv: 2 }),
    tiers: () => tiers({ ...shape, parts: [policies.window({ count: 20 }), meanStream] }),
  }
  it.each(Object.keys(near))('%s: one more is refused, and the state stays one that opens', (name) => {
    const made = near[name]()
    made.push(block(90))
    const stream = openStream(altered(made.toBytes(), { tokens: String(most) }))
    const calls = [() => stream.push(block(1)), () => void stream.step(block(1), random(1, 3, 1))]
    if (stream.merging !== 'none') calls.push(() => stream.merge(made))
    for (const call of calls)
      expect(call).toThrow(/: tokens must stay at most 2\^53 - 1, got 9007199254740991 and \d+ more$/)
    expect(openStream(stream.toBytes()).tokens).toBe(most)
  })

  it('a part of tiers has no more than the whole', () => {
    const made = near['tiers']()
    made.push(block(90))
    const { parameters } = decodeSnapshot(made.toBytes())
    const part = JSON.parse(parameters['part-0']) as { parameters: Record<string, string> }
    part.parameters['tokens'] = '91'
    expect(() => openStream(altered(made.toBytes(), { 'part-0': JSON.stringify(part) }))).toThrow(RangeError)
  })
})

describe('widths that no tensor bears out are refused by a field, before anything is made of them', () => {
  const pilot = { queries: random(96, 3, 5), keys: random(96, 3, 6), values: random(96, 2, 7) }
  const made = catalogue.flatMap((method) => {
    const options = method.within(shape, 3000, { tokens: 300, weighted: false }, pilot)
    return options === undefined ? [] : [[method.name, method.make(shape, options)] as const]
  })
  it.each(made)('%s', (_, stream) => {
    stream.push(block(90))
    const bytes = stream.toBytes()
    const { parameters } = decodeSnapshot(bytes)
    for (const name of ['d', 'dv'].filter((one) => Object.hasOwn(parameters, one)))
      for (const width of ['4', '1028', '16777216', '9007199254740991']) {
        const before = performance.now()
        expect(() => openStream(altered(bytes, { [name]: width }))).toThrow(RangeError)
        expect(() => openStream(altered(bytes, { [name]: width }))).not.toThrow(
          /array (?:length|buffer|size)|alloc|memory/i,
        )
        expect(performance.now() - before).toBeLessThan(2000)
      }
  })
})

describe('one pass', () => {
  const features = taylorFeatures({ d: 3, degree: 2, scale: 0.5 })
  const state = onePass({ features, dv: 2, psi: amsSketch({ m: 16, seed: 1 }) })
  state.pushKeys(random(20, 3, 1))
  state.pushValues(random(20, 2, 2))

  it('Ψ of 2^28 rows is refused in no time: the sketch inside has 16', () => {
    const start = performance.now()
    const bytes = altered(state.toBytes(), { 'psi.m': String(2 ** 28) })
    expect(() => openOnePass(bytes)).toThrow(
      'openOnePass: psi.m must be the rows of the sketch inside, 16, got 268435456',
    )
    expect(performance.now() - start).toBeLessThan(2000)
    expect(openOnePass(state.toBytes()).toBytes()).toEqual(state.toBytes())
  })

  it('a spec with a number of another type is refused by a RangeError', () => {
    const spec = JSON.stringify({ ...(JSON.parse(features.spec) as object), scale: null })
    expect(() => openOnePass(altered(state.toBytes(), { features: spec }))).toThrow(RangeError)
  })
})

it('a sketch whose sums leave no room for a row is refused', () => {
  const matrix = amsSketch({ m: 4, seed: 1 })
  const made = sketch(matrix, 2)
  const { kind, version, parameters, tensors } = decodeSnapshot(made.toBytes())
  const state = (entry: number) =>
    encodeSnapshot({
      kind,
      version,
      parameters,
      tensors: {
        ...Object.fromEntries(tensors),
        state: { dtype: 'F32', shape: [4, 2], data: new Float32Array(8).fill(entry) },
      },
    })
  expect(() => restoreSketch(matrix, state(3e38))).toThrow(
    'restoreSketch: the tensors do not fit the parameters: Entries of `state` in F32 are from -2^127 to 2^127, with room for what comes.',
  )
  expect(restoreSketch(matrix, state(2 ** 126)).state.data.every(Number.isFinite)).toBe(true)
})

it('frequent items whose error no counts have are refused', () => {
  const made = frequentItems({ count: 12 })
  for (let i = 0; i < 300; i++) made.update((i * i) % 37, 1 + (i % 4))
  expect(restoreFrequentItems(made.toBytes()).toBytes()).toEqual(made.toBytes())
  const { parameters } = decodeSnapshot(made.toBytes())
  const total = Number(parameters['total'])
  expect(() => restoreFrequentItems(altered(made.toBytes(), { error: String(Math.floor((2 * total) / 12)) }))).toThrow(
    RangeError,
  )
})

it('clusters of more than an engine takes arguments go on', { timeout: 120_000 }, () => {
  const count = 140_000
  const stream = policies.clusters({ count: 200_000 })({ d: 1, dv: 1, scale: 1 })
  stream.push({ keys: random(70, 1, 1), values: random(70, 1, 2) })
  const { kind, version, parameters, tensors } = decodeSnapshot(stream.toBytes())
  const column = (seed: number) => ({ dtype: 'F32' as const, shape: [count, 1], data: random(count, 1, seed).data })
  const counts = { dtype: 'F64' as const, shape: [count], data: new Float64Array(count).fill(1) }
  const large = openStream(
    encodeSnapshot({
      kind,
      version,
      parameters: { ...parameters, tokens: String(count + 6) },
      tensors: { ...Object.fromEntries(tensors), keys: column(3), values: column(4), counts },
    }),
  )
  large.push({ keys: random(70, 1, 5), values: random(70, 1, 6) })
  expect(large.tokens).toBe(count + 76)
})

/** Snapshot of a stream that was stepped. */
function saved(stream: AttentionStream) {
  for (let i = 0; i < 6; i++) stream.step(block(30, i), random(30, 3, i + 9))
  return decodeSnapshot(stream.toBytes())
}

const changed = (stream: AttentionStream, parameters: Record<string, string>, tensor?: string, entry = 0) => {
  const { kind, version, tensors, ...own } = saved(stream)
  if (tensor) (tensors.get(tensor)!.data as Float64Array)[0] = entry
  const all = { ...own.parameters, ...parameters }
  return () => openStream(encodeSnapshot({ kind, version, parameters: all, tensors: Object.fromEntries(tensors) }))
}

describe('a policy is refused, by its field', () => {
  it('whose queries have levels that no softmax has', () => {
    const refusal = 'tova: the tensors do not fit the parameters: A mass is 0 or at least 2^-1000.'
    expect(changed(policies.tova({ count: 20 })(shape), {}, 'masses', 5e-324)).toThrow(refusal)
    expect(changed(policies.tova({ count: 20 })(shape), {})).not.toThrow()
  })
  it('whose sums the next token would bring to infinity', () => {
    const sample = () => policies.reservoir({ count: 20, seed: 1 })(shape)
    expect(changed(sample(), { threshold: '1e308' })).toThrow(
      'reservoir: the tensors do not fit the parameters: Together',
    )
    expect(changed(policies.farKeys({ count: 9 })(shape), {}, 'sum', 1e300)).toThrow(
      'farKeys: sum must be a number from',
    )
    expect(changed(policies.h2o({ count: 20, recent: 4 })(shape), {}, 'order', 77)).toThrow(
      'Each slot stands in `order`',
    )
  })
})

it('draws of halvings stay countable', () => {
  const stream = mergeReduce({ ...shape, halving: uniformHalving({ seed: 5 }), blockSize: 8, levels: 3, capacity: 64 })
  stream.push(block(150))
  const near = openStream(altered(stream.toBytes(), { draws: String(Number.MAX_SAFE_INTEGER) }))
  near.push(block(150, 4))
  expect(openStream(near.toBytes()).tokens).toBe(300)
})
