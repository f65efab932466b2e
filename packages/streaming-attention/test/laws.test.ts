// The laws of every attention stream, for polynomial features: even and odd degrees, d = 1, dv from 1 to wider than d, a centre.
// Kills, over the mistakes that the laws list: a fold at the end of a call, weights in S but not in z, a negative mass handed out,
// held tokens that a state beyond float32 hides, a snapshot without the buffer.
import { matrix, philox, type FeatureMap } from '@sublinear/core'
import { attentionStreamLaws } from '@sublinear/laws'
import {
  anisotropicFeatures,
  minimaxFeatures,
  randomFeatures,
  restoreFeatures,
  taylorFeatures,
  tensorSketchFeatures,
} from '@sublinear/poly-features'
import { describe, test } from 'vitest'
import {
  closureStream,
  featureStream,
  meanStream,
  restoreClosureStream,
  restoreFeatureStream,
  restoreMeanStream,
} from '../src'

/** error: what each degree may miss exact attention by on scores of at most 1. */
const cases = [
  { d: 1, degree: 0, dv: 2, scale: 1, error: 1 },
  { d: 2, degree: 1, dv: 1, scale: 1, error: 0.5 },
  { d: 4, degree: 2, dv: 3, scale: 0.5, error: 0.1 },
  { d: 3, degree: 3, dv: 7, scale: 0.25, error: 0.03 },
  { d: 2, degree: 8, dv: 2, scale: 1, error: 3e-5 },
  { d: 4, degree: 4, dv: 2, scale: 0.5, error: 0.01, centre: Float32Array.of(0.5, -0.25, 0, 0.1) },
]

describe.each(cases)(
  'featureStream d = $d, degree = $degree, dv = $dv, centre $centre',
  ({ dv, error, ...options }) => {
    const features = taylorFeatures(options)
    const laws = attentionStreamLaws({
      name: `degree ${options.degree}`,
      make: () => featureStream({ features, dv }),
      restore: (bytes) => restoreFeatureStream(features, bytes),
      differs: {
        dv: () => featureStream({ features, dv: dv + 1 }),
        features: () => featureStream({ features: taylorFeatures({ ...options, degree: options.degree + 1 }), dv }),
        '"scale"': () => featureStream({ features: taylorFeatures({ ...options, scale: options.scale * 2 }), dv }),
        centre: () =>
          featureStream({
            features: taylorFeatures({ ...options, centre: new Float32Array(options.d).fill(0.125) }),
            dv,
          }),
      },
      error,
    })
    for (const law of laws) test(law.name, law.run)
  },
)

/** rows × 4, entries within ±0.7: scores of at most 1 at scale 0.5, as the laws' tokens have them. */
function pilot(rows: number, seed: number) {
  const words = new Uint32Array(4)
  const entry = (i: number) => {
    philox(words, seed, 0, i, 0, 0, 0)
    return (words[0] / 2 ** 31 - 1) * 0.7
  }
  return matrix(
    rows,
    4,
    Float32Array.from({ length: rows * 4 }, (_, i) => entry(i)),
  )
}

const anisotropic = (seed: number) =>
  anisotropicFeatures({ pilotKeys: pilot(200, seed), pilotQueries: pilot(100, seed + 1), t: 60, scale: 0.5 })
const maps: readonly { name: string; make: () => FeatureMap; other: () => FeatureMap; error: number }[] = [
  {
    name: 'minimaxFeatures',
    make: () => minimaxFeatures({ d: 4, degree: 3, scale: 0.5, radius: 1 }),
    other: () => minimaxFeatures({ d: 4, degree: 3, scale: 0.5, radius: 1.1 }),
    error: 0.02,
  },
  { name: 'anisotropicFeatures', make: () => anisotropic(1), other: () => anisotropic(3), error: 0.02 },
  {
    name: 'randomFeatures', // positive and without fallbacks: its masses may be small
    make: () => randomFeatures({ d: 4, t: 1000, scale: 0.5, seed: 1, orthogonal: true }),
    other: () => randomFeatures({ d: 4, t: 1000, scale: 0.5, seed: 2, orthogonal: true }),
    error: 0.25,
  },
  {
    name: 'tensorSketchFeatures',
    make: () => tensorSketchFeatures({ d: 4, degree: 2, t: 100, scale: 0.5, seed: 1 }),
    other: () => tensorSketchFeatures({ d: 4, degree: 2, t: 100, scale: 0.5, seed: 2 }),
    error: 0.25,
  },
]

describe.each(maps)('featureStream of $name', ({ name, make, other, error }) => {
  const features = make()
  const laws = attentionStreamLaws({
    name,
    make: () => featureStream({ features, dv: 3 }),
    restore: (bytes) => restoreFeatureStream(restoreFeatures(features.spec), bytes),
    differs: { features: () => featureStream({ features: other(), dv: 3 }) },
    error,
  })
  for (const law of laws) test(law.name, law.run)
})

describe.each([
  { d: 1, dv: 2, scale: 1, clusters: 1, error: 0.3 },
  { d: 4, dv: 3, scale: 0.5, clusters: 1, error: 0.15 },
  { d: 3, dv: 7, scale: 0.25, clusters: 1, error: 0.15 },
  { d: 4, dv: 2, scale: -0.5, clusters: 3, error: 0.15 },
  { d: 4, dv: 3, scale: 0.5, clusters: 1, buffer: 1, error: 0.15 },
  { d: 3, dv: 2, scale: 0.5, clusters: 3, buffer: 5, error: 0.15 },
])('closureStream d = $d, dv = $dv, clusters = $clusters', ({ error, ...options }) => {
  const laws = attentionStreamLaws({
    name: 'closure',
    make: () => closureStream(options),
    restore: restoreClosureStream,
    differs: {
      d: () => closureStream({ ...options, d: options.d + 1 }),
      dv: () => closureStream({ ...options, dv: options.dv + 1 }),
      scale: () => closureStream({ ...options, scale: options.scale * 2 }),
      clusters: () => closureStream({ ...options, clusters: options.clusters + 1 }),
      buffer: () => closureStream({ ...options, buffer: 7 }),
    },
    error,
  })
  for (const law of laws) test(law.name, law.run)
})

describe.each([
  { d: 1, dv: 2, scale: 1, error: 0.9 },
  { d: 4, dv: 3, scale: 0.25, buffer: 1, error: 0.5 },
  { d: 3, dv: 2, scale: -0.5, buffer: 64, error: 0.5 },
])('meanStream d = $d, dv = $dv', ({ error, ...options }) => {
  const laws = attentionStreamLaws({
    name: 'mean',
    make: () => meanStream(options),
    restore: restoreMeanStream,
    differs: {
      d: () => meanStream({ ...options, d: options.d + 1 }),
      dv: () => meanStream({ ...options, dv: options.dv + 1 }),
      scale: () => meanStream({ ...options, scale: options.scale * 2 }),
      buffer: () => meanStream({ ...options, buffer: 7 }),
    },
    error,
  })
  for (const law of laws) test(law.name, law.run)
})
