// Landmark features on skewed keys: few keys are far, and the landmarks near 0 have no answer for them, so masses come out near 0 or below. A stream has a
// floor under the mass, an eighth of the constant's: it answers such queries by the mean of the values, and counts them. Above the floor nothing is
// promised. Kills: the floor left out (a division by masses of -1 and less), at 0 alone, not counted, or met where keys are even.
import { matrix, type FeatureMap, type Matrix } from '@sublinear/core'
import { normalise } from '@sublinear/exact-attention'
import { random, softmaxOracle } from '@sublinear/laws'
import { nystromFeatures } from '@sublinear/poly-features'
import { expect, test } from 'vitest'
import { featureStream } from '../src'

const [n, asked, d, dv] = [768, 200, 6, 3]
/** Tokens in the sums: the last block waits. */
const FOLDED = n - 64
const scale = 1 / Math.sqrt(d)

/** Entries x|x|^power: the more, the more of the norm is in few keys. */
const skewed = (rows: number, seed: number, power: number, size: number): Matrix =>
  matrix(
    rows,
    d,
    random(rows, d, seed, 2).data.map((x) => size * x * Math.abs(x) ** power),
  )

function answersOf(features: FeatureMap, queries: Matrix, keys: Matrix, values: Matrix) {
  const stream = featureStream({ features, dv })
  stream.push({ keys, values })
  const partial = stream.attend(queries)
  return { ...partial, answers: normalise(partial).data, fallbacks: stream.counters.fallbacks }
}

/** The mass of each query by the features themselves, in float64, over that of the constant alone: of the tokens that are in the sums. */
function massesOf(features: FeatureMap, queries: Matrix, keys: Matrix): number[] {
  const { t } = features
  const [left, right] = [matrix(queries.rows, t), matrix(keys.rows, t)]
  features.mapQueries(queries, left, new Float32Array(queries.rows))
  features.mapKeys(keys, right)
  return Array.from({ length: queries.rows }, (_, i) => {
    let mass = 0
    for (let j = 0; j < FOLDED; j++) for (let f = 0; f < t; f++) mass += left.data[i * t + f] * right.data[j * t + f]
    return mass / (FOLDED * left.data[i * t])
  })
}

/** Answers where every key in the sums counts as the mean key does; the last ones wait, and are exact. */
function byMean(queries: Matrix, keys: Matrix, values: Matrix): Float64Array {
  const centre = Float64Array.from({ length: d }, (_, c) =>
    keys.data.reduce((sum, x, i) => sum + (i % d === c ? x / n : 0), 0),
  )
  const score = (i: number, key: ArrayLike<number>) =>
    Array.from(key).reduce((sum, x, c) => sum + scale * x * queries.data[i * d + c], 0)
  const out = new Float64Array(queries.rows * dv)
  for (let i = 0; i < queries.rows; i++) {
    const weights = Array.from({ length: n }, (_, j) =>
      Math.exp(score(i, j < FOLDED ? centre : keys.data.subarray(j * d, (j + 1) * d))),
    )
    const mass = weights.reduce((a, b) => a + b, 0)
    for (let c = 0; c < dv; c++)
      out[i * dv + c] = weights.reduce((sum, w, j) => sum + (w / mass) * values.data[j * dv + c], 0)
  }
  return out
}

test.each([1, 2, 3])('a query whose mass is below an eighth is answered by the mean, seed %i', (seed) => {
  const [queries, keys] = [skewed(asked, seed, 1, 1.2), skewed(n, seed + 10, 2, 1.2)]
  const values = random(n, dv, seed + 20)
  const features = nystromFeatures({ pilotKeys: keys, t: 65, scale })
  const { answers, fallbacks, mass } = answersOf(features, queries, keys, values)
  expect(mass.every((x) => x > 0 && x < Infinity)).toBe(true)
  const masses = massesOf(features, queries, keys)
  const below = masses.flatMap((share, i) => (share < 1 / 8 ? [i] : []))
  expect(below.length).toBeGreaterThan(10)
  // Sums of float32 that cancel leave a few masses in doubt.
  expect(Math.abs(fallbacks - below.length)).toBeLessThanOrEqual(0.15 * below.length)
  const wanted = byMean(queries, keys, values)
  const isMean = (i: number) => [0, 1, 2].every((c) => Math.abs(answers[i * dv + c] - wanted[i * dv + c]) < 1e-4)
  expect(below.filter(isMean).length).toBeGreaterThan(0.85 * below.length)
  expect(Math.min(...masses)).toBeLessThan(-1) // what a quotient would divide by
})

test('no floor is met where keys are even, and answers are near', () => {
  const [queries, keys, values] = [random(asked, d, 4, 0.5), random(n, d, 5, 0.5), random(n, dv, 6)]
  const features = nystromFeatures({ pilotKeys: keys, t: 65, scale })
  const { answers, fallbacks } = answersOf(features, queries, keys, values)
  const exact = softmaxOracle(queries, keys, values, scale, () => n)
  expect(fallbacks).toBe(0)
  expect(Math.max(...answers.map((x, i) => Math.abs(x - exact[i])))).toBeLessThan(1e-3)
})
