// The feature stream against float64: p(score) for folded tokens, exp(score) for held ones. Kills: a token folded twice or at the
// wrong place, weights in S and not in z, the shift of a centre missing for the state or applied to held tokens, a negative mass
// handed out, a fallback to an odd or to the wrong degree, fallbacks not counted, held tokens hidden by a state without mass.
import { fc, test } from '@fast-check/vitest'
import { decodeSnapshot, matrix, rowsOf, type Matrix } from '@sublinear/core'
import { normalise } from '@sublinear/exact-attention'
import { randomFeatures, taylorFeatures } from '@sublinear/poly-features'
import { describe, expect, it } from 'vitest'
import { featureStream } from '../src'
import { distance, random, softmaxOracle } from '@sublinear/laws'

const dot = (a: Matrix, i: number, b: ArrayLike<number>, j: number) => {
  let sum = 0
  for (let c = 0; c < a.cols; c++) sum += a.data[i * a.cols + c] * b[j * a.cols + c]
  return sum
}
const taylor = (degree: number, s: number) => {
  let p = 1
  for (let g = degree; g >= 1; g--) p = 1 + (p * s) / g
  return p
}
/** Tokens in the state once n are pushed: the last 1 to 64 are held. */
const folded = (n: number) => (n === 0 ? 0 : Math.floor((n - 1) / 64) * 64)

interface Asked {
  readonly degree: number
  readonly scale: number
  readonly queries: Matrix
  readonly keys: Matrix
  readonly values: Matrix
  readonly centre?: Float32Array
  readonly weights?: Float32Array
}

/**
 * Answers by definition. `fallbacks` counts the rows whose polynomial mass is at most 2^-10 of the weight, answered by the largest
 * lower even degree where it is more; rows within a tenth of that line are `unclear`.
 */
function definition({ degree, scale, queries, keys, values, centre, weights }: Asked) {
  const [n, dv] = [keys.rows, values.cols]
  const split = folded(n)
  const averages = new Float64Array(queries.rows * dv)
  const unclear = new Set<number>()
  let fallbacks = 0
  const weightOf = (j: number) => weights?.[j] ?? 1
  let total = 0
  for (let j = 0; j < split; j++) total += weightOf(j)
  for (let r = 0; r < queries.rows; r++) {
    const shift = centre ? scale * dot(queries, r, centre, 0) : 0
    const scores = Array.from({ length: n }, (_, j) => scale * dot(queries, r, keys.data, j))
    const massOf = (g: number) =>
      scores.slice(0, split).reduce((sum, s, j) => sum + weightOf(j) * taylor(g, s - shift), 0)
    let g = degree
    if (split > 0) {
      for (let first = true; ; first = false) {
        const share = massOf(g) / total / 2 ** -10
        if (Math.abs(share - 1) < 0.1) unclear.add(r)
        if (share > 1) break
        if (first) fallbacks++
        g -= g % 2 === 0 ? 2 : 1
      }
    }
    const shares = scores.map((s, j) => weightOf(j) * (j < split ? taylor(g, s - shift) : Math.exp(s - shift)))
    const mass = shares.reduce((a, b) => a + b, 0)
    for (const [j, share] of shares.entries())
      for (let c = 0; c < dv; c++) averages[r * dv + c] += (share / mass) * values.data[j * dv + c]
  }
  return { averages, fallbacks, unclear }
}

const lengths = fc.constantFrom(0, 1, 63, 64, 65, 128, 129, 200, 321)

describe('featureStream', () => {
  const options = fc.record({
    d: fc.integer({ min: 1, max: 5 }),
    degree: fc.integer({ min: 0, max: 6 }),
    dv: fc.integer({ min: 1, max: 6 }),
    seed: fc.nat(),
    weighted: fc.boolean(),
    centred: fc.boolean(),
  })

  test.prop([options, lengths], { seed: 1, numRuns: 40 })(
    'holds U₂ᵀV and U₂ᵀ1 over the folded tokens',
    ({ d, degree, dv, seed, weighted, centred }, n) => {
      const centre = random(1, d, seed + 3).data
      const features = taylorFeatures({ d, degree, scale: 0.5, ...(centred && { centre }) })
      const [keys, values] = [random(n, d, seed, 2), random(n, dv, seed + 1)]
      const weights = random(n, 1, seed + 2).data.map((x) => 1.5 + x)
      const stream = featureStream({ features, dv })
      stream.push({ keys, values, ...(weighted && { weights }) })
      const { tensors } = decodeSnapshot(stream.toBytes())
      const split = folded(n)
      const phi = matrix(split, features.t)
      features.mapKeys(rowsOf(keys, 0, split), phi)
      const [state, totals] = [new Float64Array(features.t * dv), new Float64Array(features.t)]
      let most = 1
      for (let j = 0; j < split; j++) {
        for (let f = 0; f < features.t; f++) {
          const share = phi.data[j * features.t + f] * (weighted ? weights[j] : 1)
          most = Math.max(most, Math.abs(share))
          totals[f] += share
          for (let c = 0; c < dv; c++) state[f * dv + c] += share * values.data[j * dv + c]
        }
      }
      expect(distance(tensors.get('state')!.data as Float32Array, state)).toBeLessThan(1e-6 * most * (split + 1))
      expect(distance(tensors.get('totals')!.data as Float64Array, totals)).toBeLessThan(1e-7 * most * (split + 1))
      expect([...(tensors.get('keys')!.data as Float32Array)]).toEqual([...keys.data.subarray(split * d)])
      expect([...(tensors.get('values')!.data as Float32Array)]).toEqual([...values.data.subarray(split * dv)])
    },
  )

  test.prop([options, lengths], { seed: 2, numRuns: 40 })(
    'answers by polynomial for folded tokens, by exp for held ones',
    ({ d, degree, dv, seed, weighted, centred }, n) => {
      const reach = Math.sqrt(2 / d)
      const asked: Asked = {
        degree: degree - (degree % 2),
        scale: 0.5,
        queries: random(9, d, seed, reach),
        keys: random(n, d, seed + 1, reach),
        values: random(n, dv, seed + 2),
        ...(centred && { centre: random(1, d, seed + 3, reach).data }),
        ...(weighted && { weights: random(n, 1, seed + 4).data.map((x) => 1.5 + x) }),
      }
      const stream = featureStream({ features: taylorFeatures({ ...asked, d }), dv })
      stream.push(asked)
      expect(distance(normalise(stream.attend(asked.queries)).data, definition(asked).averages)).toBeLessThan(2e-5)
      expect(stream.counters).toMatchObject({ rows: 9, fallbacks: 0 })
    },
  )

  test.prop(
    [fc.constantFrom(1, 2, 3, 4, 5), fc.integer({ min: 1, max: 6 }), fc.nat(), fc.integer({ min: 65, max: 300 })],
    { seed: 3, numRuns: 40 },
  )('inside the radius an answer moves by at most 2(1 − √(1 − ε²))/ε·max|v|', (degree, d, seed, n) => {
    const features = taylorFeatures({ d, degree, scale: 1 })
    const [queries, keys] = [
      random(8, d, seed, Math.sqrt(features.radius / d)),
      random(n, d, seed + 1, Math.sqrt(features.radius / d)),
    ]
    for (let i = 0; i < d; i++) keys.data[i] = -queries.data[i] // as far out as it goes
    const values = random(n, 3, seed + 2)
    const stream = featureStream({ features, dv: 3 })
    stream.push({ keys, values })
    const bound = (2 * (1 - Math.sqrt(1 - 0.1 ** 2))) / 0.1
    expect(
      distance(
        normalise(stream.attend(queries)).data,
        softmaxOracle(queries, keys, values, 1, () => n),
      ),
    ).toBeLessThanOrEqual(bound)
    expect(stream.counters.fallbacks).toBe(0)
  })

  test.prop(
    [fc.constantFrom(1, 3, 5), fc.nat(), fc.constantFrom(1.5, 3, 6), fc.integer({ min: 65, max: 200 }), fc.boolean()],
    { seed: 4, numRuns: 60 },
  )('a negative mass is answered by a lower even degree, and counted', (degree, seed, reach, n, weighted) => {
    const asked: Asked = {
      degree,
      scale: 1,
      queries: random(12, 1, seed, reach),
      keys: matrix(
        n,
        1,
        random(n, 1, seed + 1, 0.5).data.map((x) => x - 1),
      ), // all on one side: half the queries have negative scores
      values: random(n, 2, seed + 2),
      ...(weighted && { weights: random(n, 1, seed + 3).data.map((x) => 1.5 + x) }),
    }
    const { averages, fallbacks, unclear } = definition(asked)
    fc.pre(unclear.size === 0)
    const stream = featureStream({ features: taylorFeatures({ ...asked, d: 1 }), dv: 2 })
    stream.push(asked)
    const answer = stream.attend(asked.queries)
    expect(answer.mass.every((mass) => mass > 0 && mass < Infinity)).toBe(true)
    expect(distance(normalise(answer).data, averages)).toBeLessThan(1e-3) // next to the line a mass is 2^-10 of its terms
    expect(stream.counters).toMatchObject({ rows: 12, fallbacks })
  })

  it('falls back as far as degree 0, the mean', () => {
    for (const degree of [1, 3]) {
      const stream = featureStream({ features: taylorFeatures({ d: 1, degree, scale: 1 }), dv: 1 })
      const values = random(128, 1, 5)
      // Scores of −3 in degree 1: mass −2 a token. In degree 3: −2 too, and degree 2 gives 2.5.
      stream.push({ keys: matrix(128, 1, new Float32Array(128).fill(-3)), values })
      stream.push({ keys: matrix(1, 1, Float32Array.of(-60)), values: matrix(1, 1, Float32Array.of(9)) })
      const mean = values.data.reduce((a, b) => a + b, 0) / 128
      const got = stream.attend(matrix(1, 1, Float32Array.of(1)))
      expect(distance(normalise(got).data, [mean])).toBeLessThan(1e-6)
      expect(Math.abs(got.mass[0] * Math.exp(got.max[0]) - 128 * (degree === 1 ? 1 : 2.5))).toBeLessThan(1e-3)
      expect(stream.counters).toMatchObject({ rows: 1, fallbacks: 1 })
    }
  })

  it('takes any positive mass of a map without fallbacks for sound, however low the scores', () => {
    const stream = featureStream({ features: randomFeatures({ d: 2, t: 64, scale: 1, seed: 1 }), dv: 2 })
    const keys = matrix(130, 2, new Float32Array(260).fill(-2.5))
    const values = matrix(130, 2, new Float32Array(260).fill(7))
    stream.push({ keys, values })
    const answer = stream.attend(matrix(1, 2, Float32Array.of(2.5, 2.5))) // scores of −12.5
    expect(answer.mass[0]).toBeLessThan(2 ** -10 * 130)
    expect(normalise(answer).data.every((x) => Math.abs(x - 7) < 1e-4)).toBe(true)
    expect(stream.counters.fallbacks).toBe(0)
  })

  it('held tokens answer alone where the state is beyond float32', () => {
    // Without a lower degree to fall back to, keys of 2^50 leave float32 at degree 4.
    const features = { ...taylorFeatures({ d: 1, degree: 4, scale: 1, centre: Float32Array.of(500) }), fallbacks: [] }
    const stream = featureStream({ features, dv: 1 })
    stream.push({
      keys: matrix(64, 1, new Float32Array(64).fill(2 ** 50)),
      values: matrix(64, 1, new Float32Array(64).fill(1)),
    })
    stream.push({ keys: matrix(1, 1), values: matrix(1, 1, Float32Array.of(0.5)) })
    expect([...normalise(stream.attend(matrix(1, 1, Float32Array.of(1)))).data]).toEqual([0.5])
  })
})
