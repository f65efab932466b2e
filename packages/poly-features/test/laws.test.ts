// The laws of every feature map, for Taylor monomials. Kills, over the mistakes that the laws list: a factorial left out, a radius
// too large, the centre on one side only, an odd degree among the fallbacks, a parameter missing from the spec.
import { featureMapLaws } from '@sublinear/laws'
import { describe, test } from 'vitest'
import { restoreFeatures, taylorFeatures } from '../src'

const cases = [
  { d: 1, degree: 0, scale: 1 },
  { d: 1, degree: 1, scale: 1 },
  { d: 7, degree: 1, scale: 0.5 },
  { d: 1, degree: 9, scale: 2 },
  { d: 5, degree: 1, scale: 0.1 },
  { d: 4, degree: 2, scale: 0.5 },
  { d: 3, degree: 5, scale: 0.25, centre: Float32Array.of(1, -0.5, 0.1) },
  { d: 8, degree: 4, scale: 1 / Math.sqrt(8), centre: new Float32Array(8).fill(0.3) },
  { d: 2, degree: 12, scale: 1 },
]

describe.each(cases)('taylorFeatures $d variables to degree $degree, centre $centre', (options) => {
  const { d, degree, scale } = options
  const laws = featureMapLaws({
    name: 'taylorFeatures',
    make: () => taylorFeatures(options),
    restore: restoreFeatures,
    differs: [
      () => taylorFeatures({ ...options, d: d + 1, centre: new Float32Array(d + 1) }),
      () => taylorFeatures({ ...options, degree: degree + 1 }),
      () => taylorFeatures({ ...options, scale: scale * 1.5 }),
      () => taylorFeatures({ ...options, centre: new Float32Array(d).fill(0.7) }),
    ],
    error: 0.1,
  })
  for (const law of laws) test(law.name, law.run)
})
