// Inputs at the edge of float32, and snapshots that are well formed but wrong. Kills: NaN from ∞ − ∞ or 0·∞ in features, state, mass
// or readout, a shift of a centre beyond float32, snapshots whose parts do not fit or hold what push would refuse.
import { fc, test } from '@fast-check/vitest'
import { decodeSnapshot, encodeSnapshot, matrix, type Matrix } from '@sublinear/core'
import { normalise } from '@sublinear/exact-attention'
import { taylorFeatures } from '@sublinear/poly-features'
import { describe, expect, it } from 'vitest'
import { featureStream, restoreFeatureStream } from '../src'
import { random } from '@sublinear/laws'

const sound = (stream: ReturnType<typeof featureStream>, queries: Matrix) => {
  const { max, mass, sum } = stream.attend(queries)
  expect(mass.every((x) => x >= 0 && x < Infinity)).toBe(true)
  expect(max.every((x) => x < Infinity)).toBe(true)
  expect(sum.data.every(Number.isFinite)).toBe(true)
  expect(normalise({ max, mass, sum }).data.every(Number.isFinite)).toBe(true)
}

const f32 = (rows: number, cols: number, value = 0) => ({
  dtype: 'F32' as const,
  shape: [rows, cols],
  data: new Float32Array(rows * cols).fill(value),
})

describe('huge but finite inputs', () => {
  const size = fc.constantFrom(1e-30, 1, 1e6, 2 ** 50)
  test.prop([fc.integer({ min: 0, max: 4 }), size, size, fc.constantFrom(0, 1, 2 ** 50), fc.nat()], {
    seed: 1,
    numRuns: 80,
  })('give no NaN, up to the largest that are not refused', (degree, q, k, c, seed) => {
    const centre = random(1, 3, seed + 3, c).data
    const stream = featureStream({ features: taylorFeatures({ d: 3, degree, scale: 0.5, centre }), dv: 2 })
    stream.push({ keys: random(130, 3, seed, k), values: random(130, 2, seed + 1, 2 ** 64) })
    sound(stream, random(5, 3, seed + 2, q))
    const other = featureStream({ features: stream.features, dv: 2 })
    other.push({ keys: random(70, 3, seed + 4, k), values: random(70, 2, seed + 5, 2 ** 64) })
    stream.merge(other)
    sound(stream, random(5, 3, seed + 2, q))
    sound(restoreFeatureStream(stream.features, stream.toBytes()), random(5, 3, seed + 2, q))
  })

  it('keep the state in its bits through a snapshot, −0 and ∞ included', () => {
    for (const k of [1e-30, 2 ** 50]) {
      const stream = featureStream({ features: taylorFeatures({ d: 2, degree: 3, scale: 1 }), dv: 2 })
      stream.push({ keys: random(200, 2, 1, k), values: random(200, 2, 2, 1e-20) })
      expect(restoreFeatureStream(stream.features, stream.toBytes()).toBytes()).toEqual(stream.toBytes())
    }
  })
})

describe('a snapshot', () => {
  const features = taylorFeatures({ d: 2, degree: 2, scale: 0.5 })
  const stream = featureStream({ features, dv: 3 })
  stream.push({ keys: random(70, 2, 1), values: random(70, 3, 2), weights: new Float32Array(70).fill(2) })
  const { version, parameters, tensors } = decodeSnapshot(stream.toBytes())
  const made = (change: Record<string, string>, other: object = {}, kind = 'feature') =>
    encodeSnapshot({
      kind,
      version,
      parameters: { ...parameters, ...change },
      tensors: { ...Object.fromEntries(tensors), ...other },
    })

  it('of another map is refused, by name', () => {
    for (const other of [
      taylorFeatures({ d: 2, degree: 3, scale: 0.5 }),
      taylorFeatures({ d: 2, degree: 2, scale: 0.25 }),
      taylorFeatures({ d: 2, degree: 2, scale: 0.5, centre: new Float32Array(2) }),
    ]) {
      expect(() => restoreFeatureStream(other, stream.toBytes())).toThrow(/^restoreFeatureStream: .*features differs/)
    }
  })

  it.each<[string, Uint8Array]>([
    ['kind', made({}, {}, 'exact')],
    ['dv', made({ dv: '2' })],
    ['dv', made({ dv: '0' })],
    ['dv', made({ dv: 'NaN' })],
    ['weight', made({ weight: '-1' })],
    ['weight', made({ weight: 'Infinity' })],
    ['weight', made({ weight: 'much' })],
    ['tokens', made({ tokens: '5' })],
    ['tokens', made({ tokens: '70.5' })],
    ['tokens', made({ tokens: '1e999' })],
    ['features', made({ features: '' })],
    ['a short state', made({}, { state: f32(5, 3) })],
    ['float32 totals', made({}, { totals: f32(6, 1) })],
    ['keys for others', made({}, { keys: f32(5, 2) })],
    ['too many held', made({ tokens: '99' }, { keys: f32(65, 2), values: f32(65, 3), weights: f32(65, 1, 1) })],
    ['a held weight of 0', made({}, { weights: f32(6, 1) })],
    ['a held key of NaN', made({}, { keys: f32(6, 2, NaN) })],
    ['a held value of ∞', made({}, { values: f32(6, 3, Infinity) })],
  ])('with another %s is refused', (_, bytes) => {
    expect(() => restoreFeatureStream(features, bytes)).toThrow(RangeError)
    expect(() => restoreFeatureStream(features, bytes)).toThrow(/^[a-zA-Z]+: /)
  })

  it('that fits is taken', () => {
    expect(restoreFeatureStream(features, made({})).toBytes()).toEqual(stream.toBytes())
  })
})

it('a stream needs a width, and can be let go', () => {
  const features = taylorFeatures({ d: 1, degree: 1, scale: 1 })
  expect(() => featureStream({ features, dv: 0 })).toThrow('featureStream: dv must be an integer >= 1, got 0')
  const stream = featureStream({ features, dv: 1 })
  stream.push({ keys: matrix(65, 1), values: matrix(65, 1) })
  stream[Symbol.dispose]()
  expect(() => stream.attend(matrix(1, 1))).toThrow(new TypeError('feature: this stream was disposed'))
  expect(() => stream.toBytes()).toThrow(TypeError)
})
