// Sums of very many tokens, against closed forms and float64. Kills: a state in float32 alone (1e-4 at a million tokens, 1e-2 and more behind 2^27), a rest that
// a merge, a snapshot or a fork forgets, a rest that begins at another place than the bytes say, folds that add to the sum before the rest.
import { matrix, type KvBlock } from '@sublinear/core'
import { normalise } from '@sublinear/exact-attention'
import { random } from '@sublinear/laws'
import { taylorFeatures } from '@sublinear/poly-features'
import { describe, expect, it } from 'vitest'
import {
  featureStream,
  featureStreamBytes,
  polynomialAttention,
  restoreFeatureStream,
  type FeatureStream,
} from '../src'

const features = taylorFeatures({ d: 2, degree: 2, scale: 1 })
const dv = 2
const query = matrix(1, 2, Float32Array.of(0.5, 0.5))

/** `rows` tokens from place `first` of a stream of n whose keys and values move slowly. */
function slow(first: number, rows: number, n: number): KvBlock {
  const at = (i: number) => (first + i) / n
  return {
    keys: matrix(
      rows,
      2,
      Float32Array.from({ length: 2 * rows }, (_, i) => 0.3 - 0.1 * at(i >> 1) * (i & 1)),
    ),
    values: matrix(
      rows,
      dv,
      Float32Array.from({ length: dv * rows }, (_, i) => 0.1 + 0.05 * at(i >> 1) + (i & 1)),
    ),
  }
}

/** Polynomial attention in float64, over tokens given one by one. */
function oracle() {
  let mass = 0
  const sums = new Float64Array(dv)
  return {
    add({ keys, values }: KvBlock, weight = 1) {
      for (let r = 0; r < keys.rows; r++) {
        const s = query.data[0] * keys.data[2 * r] + query.data[1] * keys.data[2 * r + 1]
        const share = weight * (1 + s + (s * s) / 2)
        mass += share
        for (let c = 0; c < dv; c++) sums[c] += share * values.data[r * dv + c]
      }
    },
    get answer() {
      return sums.map((x) => x / mass)
    },
    double() {
      mass *= 2
      for (let c = 0; c < dv; c++) sums[c] *= 2
    },
  }
}

const off = (stream: FeatureStream, want: Float64Array) =>
  Math.max(...normalise(stream.attend(query)).data.map((x, c) => Math.abs(x / want[c] - 1)))

describe('a feature stream', () => {
  it('of a million tokens is right to 1e-5, constant and slowly changing ones', () => {
    for (const span of [2 ** 20, Infinity]) {
      using stream = featureStream({ features, dv })
      const truth = oracle()
      for (let at = 0; at < 2 ** 20; at += 8192) {
        const block = slow(at, 8192, span)
        stream.push(block)
        truth.add(block)
      }
      expect(off(stream, truth.answer)).toBeLessThan(1e-5)
    }
  })

  it('goes on rightly behind 2^27 tokens, and merges', () => {
    const truth = oracle()
    let stream = featureStream({ features, dv })
    const first = slow(0, 2 ** 14, 2 ** 14)
    stream.push(first)
    truth.add(first)
    for (let i = 0; i < 13; i++) {
      stream.merge(restoreFeatureStream(features, stream.toBytes()))
      truth.double()
    }
    expect(stream.tokens).toBe(2 ** 27)
    // 2^27 more, as 2^14 tokens of weight 2^13: each fold is 2^-8 of what is there and less
    for (let at = 0; at < 2 ** 14; at += 1000) {
      const block = slow(at, Math.min(1000, 2 ** 14 - at), -(2 ** 13))
      stream.push({ ...block, weights: new Float32Array(block.keys.rows).fill(2 ** 13) })
      truth.add(block, 2 ** 13)
      if (at === 5000) stream = restoreFeatureStream(features, stream.toBytes())
    }
    // and a million of weight 1, one fold of which is 2^-22
    for (let at = 0; at < 2 ** 20; at += 8192) {
      const block = slow(at, 8192, 2 ** 18)
      stream.push(block)
      truth.add(block)
    }
    expect(off(stream, truth.answer)).toBeLessThan(1e-5)
    // The million shows: it moves the sums by 1 %, and what it added is known to 1e-4 of itself.
    const { state, rest } = stream.moments()
    expect(rest!.some((x) => x !== 0)).toBe(true)
    expect(state.length).toBe(rest!.length)
  })

  it('of ten thousand shards is the stream of all', () => {
    using all = featureStream({ features, dv })
    using whole = featureStream({ features, dv })
    for (let i = 0; i < 10_000; i++) {
      using shard = featureStream({ features, dv })
      const block = slow(i * 70, 70, 700_000)
      shard.push(block)
      whole.push(block)
      all.merge(shard)
    }
    const [a, b] = [all, whole].map((stream) => normalise(stream.attend(query)).data)
    expect(Math.max(...a.map((x, c) => Math.abs(x / b[c] - 1)))).toBeLessThan(1e-6)
    expect(all.tokens).toBe(700_000)
  })

  it('holds what it says, before and behind 65,600 tokens, and resumes bit for bit there', () => {
    const block = slow(0, 66_000, 66_000)
    for (const n of [1, 64, 65_536, 65_600, 65_601, 65_664, 66_000]) {
      const stream = featureStream({ features, dv })
      for (let at = 0; at < n; at += 3333) stream.push(part(block, at, Math.min(n, at + 3333)))
      const other = featureStream({ features, dv })
      other.push(part(block, 0, n))
      expect(other.toBytes()).toEqual(stream.toBytes())
      if (n >= 64) expect(stream.bytes).toBe(featureStreamBytes(features, dv, false, n))
      expect(stream.bytes).toBeLessThanOrEqual(featureStreamBytes(features, dv, false))
      const copies = [restoreFeatureStream(features, stream.toBytes()), stream.fork() as FeatureStream]
      for (const one of [stream, ...copies]) one.push(part(block, 0, 700))
      for (const copy of copies) expect(copy.toBytes()).toEqual(stream.toBytes())
    }
  })

  it('is what polynomial attention gives in one call', () => {
    const block = slow(0, 2 ** 17, 2 ** 17)
    const truth = oracle()
    truth.add(block)
    const got = polynomialAttention({ queries: query, ...block, features }).data
    expect(Math.max(...got.map((x, c) => Math.abs(x / truth.answer[c] - 1)))).toBeLessThan(1e-5)
  })
})

function part({ keys, values }: KvBlock, from: number, to: number): KvBlock {
  return {
    keys: matrix(to - from, 2, keys.data.slice(2 * from, 2 * to)),
    values: matrix(to - from, dv, values.data.slice(dv * from, dv * to)),
  }
}

/** Rows of a matrix but the one at 10. */
function others(a: Float32Array, cols: number): Float32Array {
  return Float32Array.from([...a.subarray(0, 10 * cols), ...a.subarray(11 * cols)])
}

// Kills: an outlier that nothing counts, features or sums of ∞ that are added, a token left out of S and not of z, ordinary blocks that are taken for others.
describe('a token that float32 cannot take', () => {
  const ordinary = { keys: random(1000, 2, 1), values: random(1000, dv, 2) }

  it('is counted where it outweighs ordinary ones', () => {
    const stream = featureStream({ features, dv })
    stream.push(ordinary)
    expect(stream.counters).toMatchObject({ beyond: 0, left: 0 })
    stream.push({ keys: matrix(1, 2, Float32Array.of(1e6, 0)), values: matrix(1, dv) })
    stream.push(ordinary)
    expect(stream.counters).toMatchObject({ beyond: 1, left: 0 })
  })

  it.each([3, 4, 6])('is not folded where a sum would leave float32, degree %i', (degree) => {
    const map = taylorFeatures({ d: 2, degree, scale: 1 })
    const [stream, without] = [featureStream({ features: map, dv }), featureStream({ features: map, dv })]
    const keys = matrix(64, 2, random(128, 1, 3).data)
    const values = random(64, dv, 4)
    const weights = new Float32Array(64).fill(2)
    keys.data.set([2 ** 50, -(2 ** 50)], 20) // token 10: 2^150 and more
    stream.push({ keys, values, weights })
    stream.push(ordinary)
    expect(stream.counters).toMatchObject({ beyond: 1, left: 1 })
    without.push({
      keys: matrix(63, 2, others(keys.data, 2)),
      values: matrix(63, dv, others(values.data, dv)),
      weights: weights.slice(1),
    })
    without.push(ordinary)
    const [got, want] = [stream.attend(query), without.attend(query)]
    expect(stream.moments().weight).toBe(without.moments().weight)
    for (const [c, x] of normalise(got).data.entries()) expect(Math.abs(x - normalise(want).data[c])).toBeLessThan(1e-6)
    expect(stream.moments().state.every(Number.isFinite)).toBe(true)
  })

  it('is told by values and weights, too: what is taken never overflows', () => {
    const stream = featureStream({ features, dv })
    const values = matrix(64, dv, new Float32Array(64 * dv).fill(2 ** 64))
    for (let i = 0; i < 12; i++)
      stream.push({ keys: random(64, 2, i), values, weights: new Float32Array(64).fill(2 ** 53) })
    expect(stream.counters.left).toBeGreaterThan(0) // 2^117 each, and 2^126 in all
    expect(stream.moments().state.every(Number.isFinite)).toBe(true)
    expect(normalise(stream.attend(query)).data.every(Number.isFinite)).toBe(true)
    const other = restoreFeatureStream(features, stream.toBytes())
    expect(() => {
      for (let i = 0; i < 9; i++) other.merge(restoreFeatureStream(features, other.toBytes()))
    }).toThrow('feature: cannot merge, a sum of the two would leave float32')
    expect(other.moments().state.every(Number.isFinite)).toBe(true)
  })

  it('keeps its bits at the smallest weight', () => {
    const stream = featureStream({ features, dv })
    const weights = new Float32Array(1000).fill(2 ** -100)
    stream.push({ ...ordinary, weights })
    const plain = featureStream({ features, dv })
    plain.push(ordinary)
    const [a, b] = [stream, plain].map((one) => normalise(one.attend(query)).data)
    for (const [c, x] of a.entries()) expect(Math.abs(x - b[c])).toBeLessThan(1e-6)
    expect(() => stream.push({ ...ordinary, weights: weights.map(() => 1e-45) })).toThrow(
      'feature: weights must be from 2^-100 to 2^53, got 1.401298464324817e-45 at row 0',
    )
  })
})
