// momentCoreset: the laws of every stream, and what makes it more than a coreset. Kills: the sign of the residual turned round (the error doubles
// where it should fall to a fifth), a sampler or a halving that is not accounted for, the mass left without its moments, a guard that is never
// or always taken.
import { balanceKv } from '@sublinear/balance-kv'
import { normalise } from '@sublinear/exact-attention'
import { attentionStreamLaws, distance, random, softmaxOracle } from '@sublinear/laws'
import { taylorFeatures } from '@sublinear/poly-features'
import { describe, expect, test } from 'vitest'
import { momentCoreset, restoreMomentCoreset } from '../src'

const features = taylorFeatures({ d: 3, degree: 2, scale: 0.5 })
const streams = [
  { name: 'everything fits', budget: 40_000, error: 1e-5 },
  { name: 'halved', budget: 3000, error: 0.2 },
  { name: 'halved often', budget: 1200, error: 0.4 },
]

describe.each(streams)('momentCoreset: $name', ({ budget, error }) => {
  const laws = attentionStreamLaws({
    name: 'moment-coreset',
    make: () => momentCoreset({ features, dv: 2, seed: 1, budget }),
    restore: restoreMomentCoreset,
    error,
  })
  for (const law of laws) test(law.name, law.run)
})

const n = 3000
const [keys, values, queries] = [random(n, 4, 1), random(n, 3, 2), random(16, 4, 3)]
const truth = softmaxOracle(queries, keys, values, 0.5, () => n)
const errorOf = (stream: { push(b: object): void; attend(q: typeof queries): Parameters<typeof normalise>[0] }) => {
  stream.push({ keys, values })
  const got = normalise(stream.attend(queries)).data
  return Math.hypot(...got.map((x, i) => x - truth[i])) / Math.hypot(...truth)
}

describe('momentCoreset', () => {
  test('on small scores the error is far below the coreset’s of the same bytes, degree by degree', () => {
    const coreset = errorOf(balanceKv({ d: 4, dv: 3, scale: 0.5, seed: 1, budget: 6000 }) as never)
    const errors = [1, 2, 3].map((degree) =>
      errorOf(
        momentCoreset({
          features: taylorFeatures({ d: 4, degree, scale: 0.5 }),
          dv: 3,
          seed: 1,
          budget: 6000,
        }) as never,
      ),
    )
    expect(errors[0] / coreset).toBeLessThan(0.5)
    expect(errors[1] / errors[0]).toBeLessThan(0.5)
    expect(errors[2] / errors[1]).toBeLessThan(0.5)
  })

  test('bytes are within the budget after every push, and rows beyond the polynomial fall back to the coreset', () => {
    const stream = momentCoreset({
      features: taylorFeatures({ d: 4, degree: 2, scale: 0.5 }),
      dv: 3,
      seed: 1,
      budget: 5000,
    })
    const far = { ...queries, data: queries.data.map((x) => 60 * x) }
    let most = 0
    for (let i = 0; i < 20; i++) {
      stream.push({ keys, values })
      most = Math.max(most, stream.bytes)
    }
    expect(most).toBeLessThanOrEqual(5000)
    stream.attend(queries)
    expect(stream.counters).toEqual({ rows: 16, fallbacks: 0 })
    const { mass } = stream.attend(far)
    expect(Math.min(...mass)).toBeGreaterThan(0)
    expect(stream.counters.rows).toBe(32)
  })

  test('a constant comes back', () => {
    const stream = momentCoreset({
      features: taylorFeatures({ d: 4, degree: 2, scale: 0.5 }),
      dv: 3,
      seed: 1,
      budget: 5000,
    })
    stream.push({ keys, values: { ...values, data: values.data.map(() => 2.5) } })
    expect(distance(normalise(stream.attend(queries)).data, new Float32Array(48).fill(2.5))).toBeLessThan(1e-5)
  })

  test('refusals name what is wrong', () => {
    expect(() => momentCoreset({ features, dv: 2, seed: 1, budget: 100 })).toThrow(
      /^momentCoreset: budget must be at least \d+ bytes for this map, got 100$/,
    )
    expect(() => momentCoreset({ features, dv: 0, seed: 1, budget: 1e4 })).toThrow(RangeError)
  })
})

// Kills: moments that become NaN, so that what the stream saves cannot be opened.
test('moments beyond float32 are forgotten: the coreset answers, and the snapshot opens', () => {
  const map = taylorFeatures({ d: 4, degree: 2, scale: 0.5 })
  const stream = momentCoreset({ features: map, dv: 3, seed: 1, budget: 3000 })
  stream.push({ keys: random(400, 4, 1, 1e12), values: random(400, 3, 2, 2 ** 60) })
  const answers = normalise(stream.attend(queries)).data
  expect(answers.every(Number.isFinite)).toBe(true)
  const copy = restoreMomentCoreset(stream.toBytes())
  for (const one of [stream, copy]) one.push({ keys: random(400, 4, 3), values: random(400, 3, 4) })
  expect(copy.toBytes()).toEqual(stream.toBytes())
  expect(normalise(copy.attend(queries)).data.every(Number.isFinite)).toBe(true)
})
