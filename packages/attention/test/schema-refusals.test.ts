// Snapshots of exact and feature streams, auto, one-pass and cross-attention are refused by the field that is wrong, before anything is made of them.
// Kills: a range that is wider than what push takes, a rule that always holds, a size that is not compared, fields that are read after a factory ran.
import { decodeSnapshot, encodeSnapshot, matrix, type Tensor } from '@sublinear/core'
import { describe, expect, it } from 'vitest'
import {
  amsSketch,
  autoStream,
  crossAttention,
  exactStream,
  featureStream,
  onePass,
  openCrossAttention,
  openOnePass,
  openStream,
  randomFeatures,
  taylorFeatures,
} from '../src'

const shape = { d: 3, dv: 2, scale: 0.5 }
const rows = (count: number, cols: number) =>
  matrix(
    count,
    cols,
    Float32Array.from({ length: count * cols }, (_, i) => Math.sin(i)),
  )
const block = (count: number) => ({ keys: rows(count, 3), values: rows(count, 2) })
const weighted = (count: number) => ({
  ...block(count),
  weights: Float32Array.from({ length: count }, (_, i) => 1 + (i % 3)),
})
const features = taylorFeatures({ d: 3, degree: 2, scale: 0.5 })

interface Change {
  readonly parameters?: Readonly<Record<string, string>>
  readonly tensors?: Readonly<Record<string, (data: Float64Array, tensor: Tensor) => Tensor | undefined>>
}

/** A snapshot in which something is another. */
function changed(bytes: Uint8Array, { parameters = {}, tensors = {} }: Change): Uint8Array {
  const from = decodeSnapshot(bytes)
  const all = [...from.tensors].flatMap(([name, tensor]) => {
    const other = Object.hasOwn(tensors, name) ? tensors[name](tensor.data.slice() as Float64Array, tensor) : tensor
    return other ? [[name, other] as const] : []
  })
  return encodeSnapshot({
    ...from,
    parameters: { ...from.parameters, ...parameters },
    tensors: Object.fromEntries(all),
  })
}
const first =
  (value: number) =>
  (data: Float64Array, tensor: Tensor): Tensor => {
    data[0] = value
    return { ...tensor, data }
  }
const shorter = (data: Float64Array, tensor: Tensor): Tensor => {
  const less = data.slice(0, data.length - tensor.shape.slice(1).reduce((all, one) => all * one, 1))
  return { ...tensor, shape: [tensor.shape[0] - 1, ...tensor.shape.slice(1)], data: less }
}

const exact = () => {
  const stream = exactStream(shape)
  stream.push(weighted(20))
  return stream.toBytes()
}
const feature = () => {
  const stream = featureStream({ features, dv: 2 })
  stream.push(weighted(90))
  return stream.toBytes()
}
const oneOf = () => {
  const state = onePass({ features, dv: 2, psi: amsSketch({ m: 8, seed: 1 }) })
  state.pushKeys(rows(9, 3))
  state.pushValues(rows(9, 2))
  return state.toBytes()
}
const cross = () => {
  const state = crossAttention({ wq: rows(4, 3), wk: rows(5, 3), wv: rows(5, 2), features })
  state.pushContext(rows(9, 5))
  return state.toBytes()
}
const auto = (learn = false) => {
  const stream = autoStream({ ...shape, budgetBytes: 8000, tokens: 4000, learn })
  stream.step(block(30), rows(30, 3))
  return stream.toBytes()
}
const limits = (change: object) => ({
  limits: JSON.stringify({ ...(JSON.parse(decodeSnapshot(auto()).parameters['limits']) as object), ...change }),
})

const CASES: readonly [string, () => Uint8Array, (bytes: Uint8Array) => unknown, Change, string][] = [
  [
    'exact: a key',
    exact,
    openStream,
    { tensors: { keys: first(2 ** 51) } },
    'exact: keys must be a number from -2^50 to 2^50',
  ],
  ['exact: a value', exact, openStream, { tensors: { values: first(-(2 ** 65)) } }, 'exact: values must be'],
  ['exact: NaN', exact, openStream, { tensors: { values: first(NaN) } }, 'exact: values must be'],
  [
    'exact: a weight',
    exact,
    openStream,
    { tensors: { logWeights: first(100) } },
    'exact: logWeights must be a number from -70 to 37',
  ],
  [
    'exact: too few keys',
    exact,
    openStream,
    { tensors: { keys: shorter } },
    'exact: keys must have 60 entries, as many as held · d',
  ],
  ['exact: too many tokens', exact, openStream, { parameters: { tokens: '21' } }, 'exact: keys must have 63 entries'],
  ['feature: a sum', feature, openStream, { tensors: { state: first(Infinity) } }, 'state must be a finite number'],
  ['feature: a total', feature, openStream, { tensors: { totals: first(NaN) } }, 'totals must be a finite number'],
  [
    'feature: no total',
    feature,
    openStream,
    { tensors: { totals: shorter } },
    'totals must have 10 entries, as many as t',
  ],
  ['feature: a weight', feature, openStream, { tensors: { weights: first(0) } }, 'weights must be a number from'],
  ['feature: a row less', feature, openStream, { tensors: { values: shorter } }, 'They have a row of `values` each'],
  ['feature: the weight of all', feature, openStream, { parameters: { weight: '1e200' } }, 'The weight is at most'],
  ['feature: fewer tokens than wait', feature, openStream, { parameters: { tokens: '3' } }, 'At most 64 tokens wait'],
  [
    'feature: none waits',
    feature,
    openStream,
    { tensors: { keys: (_, t) => ({ ...t, shape: [0, 3], data: new Float32Array(0) }) } },
    'At most 64 tokens wait',
  ],
  ['feature: dv', feature, openStream, { parameters: { dv: '0' } }, 'dv must be an integer >= 1'],
  [
    'feature: a rest of few tokens',
    () => {
      const from = decodeSnapshot(feature())
      return encodeSnapshot({
        ...from,
        tensors: { ...Object.fromEntries(from.tensors), rest: from.tensors.get('state')! },
      })
    },
    openStream,
    {},
    'There is a `rest` only where',
  ],
  ['one-pass: a sum', oneOf, openOnePass, { tensors: { 'sum(V)': first(Infinity) } }, 'sum(V) must be a finite number'],
  ['one-pass: a total less', oneOf, openOnePass, { tensors: { 'prod(U2)': shorter } }, 'prod(U2) must have 10 entries'],
  ['one-pass: a ledger', oneOf, openOnePass, { parameters: { keys: '1,2,3' } }, '`keys` and `values` are ledgers'],
  [
    'one-pass: no sketch',
    oneOf,
    openOnePass,
    { tensors: { 'sk(V)': () => undefined } },
    'sk(V) must be a tensor of U8',
  ],
  [
    'cross-attention: no keys',
    cross,
    openCrossAttention,
    { tensors: { wk: () => undefined } },
    'wk must be a tensor of F32',
  ],
  [
    'cross-attention: a weight',
    cross,
    openCrossAttention,
    { tensors: { wq: first(NaN) } },
    'wq must be a finite number',
  ],
  [
    'cross-attention: half a row',
    cross,
    openCrossAttention,
    { tensors: { wq: (data, t) => ({ ...t, shape: [11], data: data.slice(0, 11) as unknown as Float32Array }) } },
    'Rows of `wq`',
  ],
  [
    'cross-attention: no context',
    cross,
    openCrossAttention,
    { tensors: { context: () => undefined } },
    'With Ψ there is a `one-pass`',
  ],
  [
    'auto: no bytes',
    auto,
    openStream,
    { parameters: limits({ budgetBytes: 0 }) },
    'auto: budgetBytes must be an integer >= 1',
  ],
  ['auto: weighted', auto, openStream, { parameters: limits({ weighted: 1 }) }, '`weighted` is `true` or `false`'],
  [
    'auto: a stack that nothing chose',
    auto,
    openStream,
    { parameters: limits({ chosen: {} }) },
    'There is a `chosen` only',
  ],
  [
    'auto: neither tiers nor first tokens',
    auto,
    openStream,
    { parameters: { tiers: '' } },
    'There is a snapshot of its own under `tiers`',
  ],
  ['auto: both', auto, openStream, { parameters: { held: '{}' } }, 'There is a snapshot of its own under `tiers`'],
]

describe('a snapshot is refused by its field', () => {
  it.each(CASES)('%s', (_, make, open, change, message) => {
    const bytes = changed(make(), change)
    expect(() => open(bytes)).toThrow(RangeError)
    expect(() => open(bytes)).toThrow(message)
  })

  it('and opens as it was written', () => {
    for (const make of [exact, feature, auto, () => auto(true)]) expect(openStream(make()).toBytes()).toEqual(make())
    expect(openOnePass(oneOf()).toBytes()).toEqual(oneOf())
    expect(openCrossAttention(cross()).toBytes()).toEqual(cross())
  })
})

const spec = (kind: string, fields: object) => JSON.stringify({ kind, ...fields })

describe('a map of features whose parts would cost far more than its snapshot', () => {
  it.each([
    [
      'orthogonal',
      spec('random', { d: 1024, t: 1024, scale: 0.5, seed: '1', orthogonal: true }),
      'd · t · min(d, t) is at most 2^28',
    ],
    [
      'random',
      spec('random', { d: 2 ** 20, t: 32, scale: 0.5, seed: '1', orthogonal: false }),
      'd · t is at most 2^24',
    ],
    [
      'tensor sketch',
      spec('tensor-sketch', { d: 2048, degree: 2, t: 4096, scale: 0.5, seed: '1' }),
      'd · t is at most 2^20',
    ],
  ])('%s is refused', (_, own, message) => {
    const bytes = changed(feature(), { parameters: { features: own } })
    expect(() => openStream(bytes)).toThrow(RangeError)
    expect(() => openStream(bytes)).toThrow(message)
  })

  it('a wide one takes no d × d numbers', () => {
    const map = randomFeatures({ d: 2 ** 20, t: 1, scale: 0.5, seed: 1 })
    const out = matrix(1, 1)
    map.mapKeys(matrix(1, 2 ** 20), out)
    expect(out.data[0]).toBe(1) // e^0, of a key of zeros
  })
})
