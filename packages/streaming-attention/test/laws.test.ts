// The laws of every attention stream, for polynomial features: even and odd degrees, d = 1, dv from 1 to wider than d, a centre.
// Kills, over the mistakes that the laws list: a fold at the end of a call, weights in S but not in z, a negative mass handed out,
// held tokens that a state beyond float32 hides, a snapshot without the buffer.
import { attentionStreamLaws } from '@sublinear/laws'
import { taylorFeatures } from '@sublinear/poly-features'
import { describe, test } from 'vitest'
import { closureStream, featureStream, restoreClosureStream, restoreFeatureStream } from '../src'

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

describe.each([
  { d: 1, dv: 2, scale: 1, clusters: 1, error: 0.3 },
  { d: 4, dv: 3, scale: 0.5, clusters: 1, error: 0.15 },
  { d: 3, dv: 7, scale: 0.25, clusters: 1, error: 0.15 },
  { d: 4, dv: 2, scale: -0.5, clusters: 3, error: 0.15 },
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
    },
    error,
  })
  for (const law of laws) test(law.name, law.run)
})
