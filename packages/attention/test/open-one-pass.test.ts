// One-pass states and cross-attention from their bytes alone, for every Ψ and Φ of these packages. Kills: an option of Ψ's kind dropped, a
// seed rounded to 2^53, a Φ of another ε, a snapshot of one kind taken for another.
import { denseSketchMatrix } from '@sublinear/core'
import { random } from '@sublinear/laws'
import { describe, expect, it } from 'vitest'
import {
  amsSketch,
  countSketch,
  crossAttention,
  gaussianSketch,
  onePass,
  openCrossAttention,
  openOnePass,
  openStream,
  osnap,
  sparseRecovery,
  srht,
  taylorFeatures,
  type SketchMatrix,
} from '../src'

const features = taylorFeatures({ d: 2, degree: 2, scale: 1, centre: Float32Array.of(0.5, 0) })
const seed = 2n ** 63n + 1n
const kinds: SketchMatrix[] = [
  amsSketch({ m: 16, seed }),
  gaussianSketch({ m: 16, seed }),
  countSketch({ m: 16, seed }),
  osnap({ m: 16, nonzeros: 4, seed }),
  srht({ m: 16, n: 1000, seed }),
]
const recoveries = [
  undefined,
  sparseRecovery({ n: 100, k: 10, epsilon: 0.5, seed }), // the vector itself
  sparseRecovery({ n: 2 ** 14, k: 8, epsilon: 0.25, seed }),
]
const [keys, values] = [random(70, 2, 1), random(70, 3, 2)]

describe.each(kinds.map((psi) => [psi.kind, psi] as const))('openOnePass with Ψ = %s', (_, psi) => {
  it.each(recoveries.map((phi) => [phi?.matrix.kind ?? 'no Φ', phi] as const))(
    'and %s goes on bit for bit',
    (_, phi) => {
      const stream = onePass({ features, dv: 3, psi, ...(phi && { phi }) })
      stream.pushKeys(keys)
      stream.pushValues(values)
      if (phi) stream.pushQueries(keys)
      const again = openOnePass(stream.toBytes())
      expect(again.toBytes()).toEqual(stream.toBytes())
      expect(again.attend(keys)).toEqual(stream.attend(keys))
      if (phi) expect(again.columns()).toEqual(stream.columns())
      const cross = crossAttention({ wq: keys, wk: keys, wv: values, features, psi, ...(phi && { phi }) })
      cross.pushContext(random(80, 70, 3, 0.1))
      expect(openCrossAttention(cross.toBytes()).toBytes()).toEqual(cross.toBytes())
    },
  )
})

it('openCrossAttention brings back the exact state too, with and without Φ', () => {
  for (const phi of recoveries) {
    const cross = crossAttention({ wq: keys, wk: keys, wv: values, features, ...(phi && { phi }) })
    cross.pushContext(random(80, 70, 3, 0.1))
    if (phi) cross.pushQueries(random(80, 70, 4, 0.1))
    expect(openCrossAttention(cross.toBytes()).toBytes()).toEqual(cross.toBytes())
  }
})

it('each kind is refused by the others, which say what to use', () => {
  const stream = onePass({ features, dv: 3, psi: kinds[0] })
  const cross = crossAttention({ wq: keys, wk: keys, wv: values, features })
  expect(() => openStream(stream.toBytes())).toThrow(
    'openStream: a snapshot of kind "one-pass" is no attention stream, use openOnePass',
  )
  expect(() => openStream(cross.toBytes())).toThrow('is no attention stream, use openCrossAttention')
  expect(() => openOnePass(cross.toBytes())).toThrow(RangeError)
  expect(() => openCrossAttention(stream.toBytes())).toThrow(RangeError)
  const foreign = denseSketchMatrix({
    kind: 'mine',
    m: 3,
    seed: 1,
    columns: (_, count, out) => out.fill(1, 0, 3 * count),
  })
  expect(() => openOnePass(onePass({ features, dv: 3, psi: foreign }).toBytes())).toThrow(
    'openOnePass: psi must be a matrix of these packages, got "mine"',
  )
})
