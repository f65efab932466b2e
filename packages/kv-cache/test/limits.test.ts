// At the limits of what push accepts: keys of 2^50, values of 2^64, weights of 2^53; and snapshots that name more than they hold.
// Kills: rounding of a store that leaves entries above the limits (what comes next refuses them, in the middle of a push), costs of clusters
// beyond float32 (the closest two are then looked for without end), weights that add up to more than a snapshot may bring, a rotation made
// for a width that only a snapshot names (a minute and a gigabyte at 2^31), a count that is not the kind's own, scores of more tokens than wait.
import { decodeSnapshot, encodeSnapshot, type Snapshot, type Tensor, type TierSpec } from '@sublinear/core'
import { exactStream } from '@sublinear/exact-attention'
import { random } from '@sublinear/laws'
import { taylorFeatures } from '@sublinear/poly-features'
import { quantised } from '@sublinear/token-store'
import { describe, expect, test } from 'vitest'
import {
  clusters,
  farKeys,
  h2o,
  quantisedStream,
  reservoir,
  restoreQuantisedStream,
  restoreTiers,
  restoreWindow,
  sinks,
  snapKv,
  streamingLlm,
  tiers,
  tova,
  window,
} from '../src'
import { openPart } from './open-part'

const shape = { d: 3, dv: 2, scale: 0.5 }
const store = quantised({ keyBits: 2, valueBits: 2 })
const signs = (rows: number, cols: number, seed: number, size: number) => {
  const { data } = random(rows, cols, seed)
  return { rows, cols, data: data.map((x) => (x < 0 ? -size : size)) }
}
const restore = (bytes: Uint8Array) => restoreTiers(bytes, openPart(taylorFeatures({ d: 3, degree: 2, scale: 0.5 })))

/** Snapshot with other parameters and tensors. */
const changed = (bytes: Uint8Array, change: (snapshot: Snapshot) => Partial<Snapshot>): Uint8Array => {
  const snapshot = decodeSnapshot(bytes)
  const { tensors, ...rest } = { ...snapshot, ...change(snapshot) }
  return encodeSnapshot({ ...rest, tensors: Object.fromEntries(tensors) })
}
const withTensor =
  (name: string, tensor: (old: Tensor) => Tensor) =>
  ({ tensors }: Snapshot) => ({ tensors: new Map([...tensors, [name, tensor(tensors.get(name)!)]]) })

describe.each<[string, TierSpec]>([
  ['sinks', sinks({ count: 20, store })],
  ['window', window({ count: 20, store })],
  ['streamingLlm', streamingLlm({ count: 20, store })],
  ['far keys', farKeys({ count: 20, store })],
  ['reservoir', reservoir({ count: 20, seed: 1, store })],
  ['h2o', h2o({ count: 20, store })],
  ['tova', tova({ count: 20, store })],
  ['snapKv', snapKv({ count: 20, store })],
  ['clusters', clusters({ count: 20 })],
])('%s', (_, tier) => {
  test('takes the largest keys, values and weights, hands them on and comes back', () => {
    const stream = tiers({ ...shape, parts: [tier, window({ count: 30 }), exactStream], buffer: 8 })
    for (let i = 0; i < 6; i++) {
      const block = {
        keys: signs(50, 3, 2 * i, 2 ** 50),
        values: signs(50, 2, 2 * i + 1, 2 ** 64),
        weights: new Float32Array(50).fill(2 ** 53),
      }
      const { mass, sum } = stream.step(block, random(50, 3, i))
      expect(mass.every((x) => x > 0) && sum.data.every(Number.isFinite)).toBe(true)
    }
    expect(restore(stream.toBytes()).toBytes()).toEqual(stream.toBytes())
  })
})

describe('a snapshot', () => {
  test('without tokens can name any width', () => {
    const bytes = changed(window({ count: 20, store })(shape).toBytes(), ({ parameters }) => ({
      parameters: { ...parameters, d: String(2 ** 40), dv: String(2 ** 40) },
    }))
    expect(restoreWindow(bytes).d).toBe(2 ** 40)
  })

  test('of a quantised stream names no count of its own', () => {
    const stream = quantisedStream({ keyBits: 4, valueBits: 4 })(shape)
    stream.push({ keys: random(10, 3, 1), values: random(10, 2, 2) })
    const bytes = changed(stream.toBytes(), ({ parameters }) => ({ parameters: { ...parameters, count: '1' } }))
    expect(() => restoreQuantisedStream(bytes)).toThrow(/^quantised: count must be .* got 1$/)
  })

  test('has a centre that push would accept', () => {
    const stream = window({ count: 60, store })(shape)
    stream.push({ keys: random(200, 3, 1), values: random(200, 2, 2) })
    const far = withTensor('valueCentre', (old) => ({ ...old, data: Float32Array.of(0, 1e30) }))
    expect(() => restoreWindow(changed(stream.toBytes(), far))).toThrow(/^window: valueCentre must be at most 2\^64/)
  })

  test('of h2o with scores for more tokens than wait goes on', () => {
    const stream = h2o({ count: 20 })(shape)
    stream.step({ keys: random(10, 3, 1), values: random(10, 2, 2) }, random(10, 3, 3))
    const more = withTensor('waited', () => ({ dtype: 'F64', shape: [500], data: new Float64Array(500) }))
    const back = h2o.open(changed(stream.toBytes(), more))
    back.step({ keys: random(90, 3, 1), values: random(90, 2, 2) }, random(90, 3, 3))
    expect(back.tokens).toBe(100)
  })
})
