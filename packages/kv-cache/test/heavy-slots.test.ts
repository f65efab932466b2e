// Slots that stand for many tokens of the largest weight, 2^53, count more than a token may: their snapshots come back and go on bit for bit.
// Kills, tried one by one (tests of 8 that then fail): the weights of a snapshot bounded as those of a push (4), or not at all (2: clusters compare them with their own).
import { decodeSnapshot, encodeSnapshot, type AttentionStream, type KvBlock } from '@sublinear/core'
import { random } from '@sublinear/laws'
import { taylorFeatures } from '@sublinear/poly-features'
import { describe, expect, it } from 'vitest'
import { clusters, quantised, reservoir, restoreClusters, restoreReservoir, restoreTiers, sinks, tiers } from '../src'
import { openPart } from './open-part'

const LARGEST = 2 ** 53
const shape = { d: 3, dv: 2, scale: 0.5 }
const heavy = (rows: number, seed: number): KvBlock => ({
  keys: random(rows, 3, seed),
  values: random(rows, 2, seed + 1),
  weights: new Float32Array(rows).fill(LARGEST),
})

const store = quantised({ keyBits: 6, valueBits: 4 })
const open = openPart(taylorFeatures({ d: 3, degree: 1, scale: 0.5 }))
describe.each<[string, () => AttentionStream, (bytes: Uint8Array) => AttentionStream]>([
  ['a reservoir', () => reservoir({ count: 20, seed: 1 })(shape), restoreReservoir],
  ['a reservoir in few bits', () => reservoir({ count: 20, seed: 1, store })(shape), restoreReservoir],
  ['clusters', () => clusters({ count: 20 })(shape), restoreClusters],
  [
    'clusters behind sinks',
    () => tiers({ ...shape, parts: [sinks({ count: 4 }), clusters({ count: 20 })] }),
    (bytes) => restoreTiers(bytes, open),
  ],
])('%s', (_, make, restore) => {
  /** The name of the slots' weights, in the snapshot of the stream or of its last part. */
  const counts = decodeSnapshot(make().toBytes()).parameters['part-1'] ? 'part-1/weights' : 'weights'

  it('goes on from a snapshot, whatever its slots count', () => {
    const stream = make()
    stream.push(heavy(300, 1))
    const bytes = stream.toBytes()
    const counted = decodeSnapshot(bytes).tensors.get(counts)!.data as Float32Array
    expect(Math.max(...counted)).toBeGreaterThan(2 * LARGEST)
    const copy = restore(bytes)
    for (const one of [stream, copy]) one.push(heavy(100, 9))
    expect(copy.toBytes()).toEqual(stream.toBytes())
    const { mass, sum } = copy.attend(random(5, 3, 4))
    for (const [r, total] of mass.entries()) {
      expect(total).toBeGreaterThan(0)
      for (let c = 0; c < 2; c++) expect(Math.abs(sum.data[2 * r + c]! / total)).toBeLessThan(1.01)
    }
  })

  it('refuses a heavier token, and a slot that no tokens add up to', () => {
    const stream = make()
    stream.push(heavy(300, 1))
    const bytes = stream.toBytes()
    const block = { ...heavy(2, 3), weights: Float32Array.of(1, 2 * LARGEST) }
    expect(() => stream.push(block)).toThrow('weights must be > 0 and at most 2^53, got 18014398509481984 at row 1')
    expect(stream.toBytes()).toEqual(bytes)
    const snapshot = decodeSnapshot(bytes)
    for (const wrong of [2 ** 107, Infinity, NaN, 0, -1]) {
      const tensors = Object.fromEntries(
        [...snapshot.tensors].map(([name, tensor]) =>
          name === counts
            ? [name, { ...tensor, data: (tensor.data as Float32Array).map((w, i) => (i === 2 ? wrong : w)) }]
            : [name, tensor],
        ),
      )
      expect(() => restore(encodeSnapshot({ ...snapshot, tensors } as never))).toThrow(RangeError)
    }
  })
})
