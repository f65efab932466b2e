// The laws of every feature map. Kills, over the mistakes that the laws list: a factorial left out, a radius too large, the centre on one
// side only, an odd degree among the fallbacks, a parameter missing from the spec, a basis that is not turned on one side.
import type { Matrix } from '@sublinear/core'
import { featureMapLaws, type FeatureMapLaws } from '@sublinear/laws'
import { describe, test } from 'vitest'
import {
  anisotropicFeatures,
  minimaxFeatures,
  nystromFeatures,
  randomFeatures,
  restoreFeatures,
  taylorFeatures,
  tensorSketchFeatures,
  trigonometricFeatures,
} from '../src'
import { cloud } from './pilot'

const run = (laws: Omit<FeatureMapLaws, 'restore'>) => {
  for (const law of featureMapLaws({ ...laws, restore: restoreFeatures })) test(law.name, law.run)
}

const meanOf = ({ rows, cols, data }: Matrix) =>
  Float32Array.from({ length: cols }, (_, c) => data.reduce((sum, x, i) => sum + (i % cols === c ? x : 0), 0) / rows)

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
  run({
    name: 'taylorFeatures',
    make: () => taylorFeatures(options),
    differs: [
      () => taylorFeatures({ ...options, d: d + 1, centre: new Float32Array(d + 1) }),
      () => taylorFeatures({ ...options, degree: degree + 1 }),
      () => taylorFeatures({ ...options, scale: scale * 1.5 }),
      () => taylorFeatures({ ...options, centre: new Float32Array(d).fill(0.7) }),
    ],
    error: 0.1,
  })
})

describe.each([
  { d: 1, degree: 0, scale: 1, radius: 0.05, error: 0.05 },
  { d: 6, degree: 2, scale: 0.4, radius: 1, error: 0.0398 },
  { d: 5, degree: 3, scale: 0.4, radius: 1, error: 0.00501 },
  { d: 3, degree: 7, scale: 1, radius: 3, error: 0.00102, centre: Float32Array.of(0.2, -0.5, 0.1) },
  { d: 2, degree: 10, scale: 1, radius: 4, error: 7.6e-5 },
])('minimaxFeatures $d variables to degree $degree on radius $radius', ({ error, ...options }) => {
  const { d, degree, scale, radius } = options
  run({
    name: 'minimaxFeatures',
    make: () => minimaxFeatures(options),
    differs: [
      () => minimaxFeatures({ ...options, d: d + 1, centre: new Float32Array(d + 1) }),
      () => minimaxFeatures({ ...options, degree: degree + 1 }),
      () => minimaxFeatures({ ...options, scale: scale * 1.5 }),
      () => minimaxFeatures({ ...options, radius: radius * 1.01 }),
      () => minimaxFeatures({ ...options, centre: new Float32Array(d).fill(0.7) }),
      () => taylorFeatures({ d, degree, scale }),
    ],
    error,
  })
})

describe.each([
  { d: 1, t: 1, scale: 1 },
  { d: 1, t: 9, scale: 1 },
  { d: 5, t: 6, scale: 0.4 },
  { d: 4, t: 60, scale: 0.5, mean: 0.7 },
  { d: 12, t: 91, scale: 0.3, mean: -0.3 },
])('anisotropicFeatures of $d variables, t = $t', ({ d, t, scale, mean = 0 }) => {
  const make = (change: { t?: number; scale?: number; seed?: number; mean?: number } = {}) =>
    anisotropicFeatures({
      pilotKeys: cloud(80, d, { seed: change.seed ?? 1, mean: change.mean ?? mean }),
      pilotQueries: cloud(40, d, { seed: 2 }),
      t: change.t ?? t,
      scale: change.scale ?? scale,
    })
  run({
    name: 'anisotropicFeatures',
    make,
    differs: [
      () => make({ t: t + 1 }),
      () => make({ scale: scale * 1.5 }),
      () => make({ seed: 3 }),
      () => make({ mean: mean + 0.01 }),
    ],
    error: 0.1,
    normsAbout: meanOf(cloud(80, d, { seed: 1, mean })),
    partialFallbacks: true,
  })
})

describe.each([
  { d: 1, t: 4000, scale: 1, seed: 1 },
  { d: 4, t: 4000, scale: 0.5, seed: 2n ** 64n - 1n, orthogonal: true },
  { d: 3, t: 4001, scale: 0.5, seed: 9 },
])('randomFeatures of $d variables, orthogonal $orthogonal', (options) => {
  run({
    name: 'randomFeatures',
    make: () => randomFeatures(options),
    differs: [
      () => randomFeatures({ ...options, d: options.d + 1 }),
      () => randomFeatures({ ...options, t: options.t + 1 }),
      () => randomFeatures({ ...options, scale: 0.3 }),
      () => randomFeatures({ ...options, seed: 5 }),
      () => randomFeatures({ ...options, orthogonal: !options.orthogonal }),
    ],
    error: 0.1, // at score 0; fixed seeds
    normsAbout: new Float32Array(options.d),
  })
})

describe.each([
  { d: 1, degree: 2, t: 60, scale: 1, seed: 1 },
  { d: 4, degree: 3, t: 400, scale: 0.5, seed: 2n ** 64n - 1n },
  { d: 6, degree: 2, t: 301, scale: 0.3, seed: 9 },
])('tensorSketchFeatures of $d variables to degree $degree', (options) => {
  run({
    name: 'tensorSketchFeatures',
    make: () => tensorSketchFeatures(options),
    differs: [
      () => tensorSketchFeatures({ ...options, d: options.d + 1 }),
      () => tensorSketchFeatures({ ...options, degree: options.degree + 1 }),
      () => tensorSketchFeatures({ ...options, t: options.t + 1 }),
      () => tensorSketchFeatures({ ...options, scale: 0.2 }),
      () => tensorSketchFeatures({ ...options, seed: 5 }),
    ],
    error: 0.15, // at score 0; fixed seeds
    normsAbout: new Float32Array(options.d),
    partialFallbacks: true,
  })
})

describe.each([
  { d: 1, t: 4002, scale: 1, seed: 1 },
  { d: 4, t: 4000, scale: 0.5, seed: 2n ** 64n - 1n },
])('trigonometricFeatures of $d variables', (options) => {
  run({
    name: 'trigonometricFeatures',
    make: () => trigonometricFeatures(options),
    differs: [
      () => trigonometricFeatures({ ...options, d: options.d + 1 }),
      () => trigonometricFeatures({ ...options, t: options.t + 2 }),
      () => trigonometricFeatures({ ...options, scale: 0.3 }),
      () => trigonometricFeatures({ ...options, seed: 5 }),
    ],
    error: 0.15, // at score 0; fixed seeds
    normsAbout: new Float32Array(options.d),
    partialFallbacks: true,
  })
})

describe.each([
  { d: 1, t: 2, scale: 1, mean: 0 },
  { d: 4, t: 40, scale: 0.5, mean: 0.7 },
  { d: 6, t: 70, scale: 0.3, mean: -0.3 },
])('nystromFeatures of $d variables, t = $t', ({ d, t, scale, mean }) => {
  const make = (change: { t?: number; scale?: number; seed?: number } = {}) =>
    nystromFeatures({
      pilotKeys: cloud(80, d, { seed: change.seed ?? 1, mean }),
      t: change.t ?? t,
      scale: change.scale ?? scale,
    })
  run({
    name: 'nystromFeatures',
    make,
    differs: [() => make({ t: t === 2 ? 3 : t - 1 }), () => make({ scale: scale * 1.5 }), () => make({ seed: 3 })],
    error: 0.01, // where a query or a key is at the centre
    normsAbout: meanOf(cloud(80, d, { seed: 1, mean })),
    partialFallbacks: true,
  })
})
