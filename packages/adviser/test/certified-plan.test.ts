// Certified plans against their own streams on extremal tokens: docs/papers/certified-plan.md. Truth: softmax in float64 over the float32 tokens.
// Kills: a certificate without its term in n (0.1 where it counts), a bound of half the size (reached within 5 %), a norm of P for that of P̃.
import { catalogue, createStream } from '@sublinear/attention'
import { matrix, type Matrix } from '@sublinear/core'
import { normalise } from '@sublinear/exact-attention'
import { certificate, restoreFeatures, sumRounding } from '@sublinear/poly-features'
import { describe, expect, it } from 'vitest'
import { plan } from '../src'

const methods = catalogue.filter(({ name }) => name === 'taylor')

/** One number a token, in [−1, 1]: two scores and how many tokens each, values +1 and −1. */
interface Extreme {
  readonly scores: readonly [number, number]
  readonly counts: readonly [number, number]
}

/** The scores where the polynomial of a map of one variable is most above and most below exp, and shares that move an average most. */
function extreme(spec: string, radius: number, n: number): Extreme {
  const map = restoreFeatures(spec)
  const count = 4001
  const side = Math.sqrt(radius) * (1 - 1e-7)
  const points = Float32Array.from({ length: count }, (_, i) => side * ((2 * i) / (count - 1) - 1))
  const [left, right] = [matrix(1, map.t), matrix(count, map.t)]
  map.mapQueries(matrix(1, 1, Float32Array.of(side)), left, new Float32Array(1))
  map.mapKeys(matrix(count, 1, points), right)
  const query = Math.fround(side)
  const factors = Array.from(points, (key, i) => {
    let near = 0
    for (let f = 0; f < map.t; f++) near += left.data[f] * right.data[i * map.t + f]
    return near / Math.exp(query * key)
  })
  const [low, high] = [Math.min(...factors), Math.max(...factors)].map((f) => factors.indexOf(f))
  const share = Math.sqrt(factors[low]) / (Math.sqrt(factors[low]) + Math.sqrt(factors[high])) // of the mass, where the factor is high
  const [a, b] = [share / Math.exp(query * points[high]), (1 - share) / Math.exp(query * points[low])]
  const first = Math.min(n - 1, Math.max(1, Math.round((n * a) / (a + b))))
  return { scores: [points[high], points[low]], counts: [first, n - first] }
}

/** Roundings in the sums of so many tokens. */
const roundings = (tokens: number, weighted = false) => sumRounding({ t: 5, tokens, weighted }) * 2 ** 24

const planOf = (tokens: number, radius: number, epsilon: number, weighted = false) =>
  plan({ methods, tokens, d: 1, dv: 1, scale: 1, radius, epsilon, task: 'rows', weighted })

/** The error of a plan's own stream over tokens drawn in turn, and what the plan promised. */
async function tried(n: number, radius: number, epsilon: number, value = 1) {
  const made = await planOf(n, radius, epsilon)
  const { features } = made.options as { features: string }
  const { scores, counts } = extreme(features, radius, n)
  const stream = createStream(made)
  const query = matrix(1, 1, Float32Array.of(Math.sqrt(radius) * (1 - 1e-7)))
  const high = (i: number) => Math.floor(((i + 1) * counts[0]) / n) > Math.floor((i * counts[0]) / n)
  for (let at = 0; at < n; at += 8192) {
    const rows = Math.min(8192, n - at)
    const block = (of: (i: number) => number): Matrix =>
      matrix(
        rows,
        1,
        Float32Array.from({ length: rows }, (_, r) => of(at + r)),
      )
    stream.push({ keys: block((i) => scores[high(i) ? 0 : 1]), values: block((i) => (high(i) ? value : -value)) })
  }
  const weights = counts.map((count, i) => count * Math.exp(query.data[0] * scores[i]))
  const top = Math.fround(value)
  const truth = (top * (weights[0] - weights[1])) / (weights[0] + weights[1])
  const off = Math.abs(normalise(stream.attend(query)).data[0] - truth) / top
  return { off, promised: made.error.total, polynomial: made.error.polynomial!, spec: features, verdict: made.verdict }
}

describe('a certified plan', () => {
  it('is never off by more than its total, up to 2^20 tokens, and reaches it within 5 %', async () => {
    let most = 0
    for (const [i, n] of [1000, 2 ** 12, 65_536, 2 ** 17, 2 ** 20].entries()) {
      for (const radius of [0.1, 0.4, 1, 2, 3]) {
        const epsilon = [0.3, 0.1, 0.03, 0.003, 0.0003][(i + Math.round(radius)) % 5]
        const { off, promised } = await tried(n, radius, epsilon, 0.1 + i)
        expect(off).toBeLessThanOrEqual(promised)
        most = Math.max(most, off / promised)
      }
    }
    expect(most).toBeGreaterThan(0.95)
  }, 120_000)

  it('holds on constant tokens, where every sum drifts one way, and on folds of great weight', async () => {
    for (const [n, epsilon] of [
      [65_536, 1e-5],
      [2 ** 18, 1e-5],
      [2 ** 20, 1e-4],
    ] as const) {
      const made = await plan({
        methods,
        tokens: n,
        d: 2,
        dv: 1,
        scale: 1,
        radius: 0.4,
        epsilon,
        task: 'rows',
        weighted: true,
      })
      for (const heavy of [1, 2 ** 20]) {
        const stream = createStream(made)
        for (let at = 0; at < n; at += 4096) {
          const weights = new Float32Array(4096).fill(1)
          if (at === 0) weights[0] = heavy
          stream.push({
            keys: matrix(4096, 2, new Float32Array(8192).fill(0.3)),
            values: matrix(4096, 1, new Float32Array(4096).fill(0.1)),
            weights,
          })
        }
        const answer = normalise(stream.attend(matrix(1, 2, Float32Array.of(0.5, 0.5)))).data[0]
        const off = Math.abs(answer / Math.fround(0.1) - 1)
        expect(off).toBeLessThanOrEqual(made.error.total)
        if (n === 65_536 && heavy === 1) {
          const map = restoreFeatures((made.options as { features: string }).features)
          const { approximation, rounding } = certificate(map, { radius: 0.4 })
          expect(off).toBeGreaterThan(approximation + rounding) // what a plan without n would promise
        }
      }
    }
  }, 120_000)

  it('says that float32 does not reach an error, and reaches it for fewer tokens', async () => {
    const [short, long] = await Promise.all([planOf(256, 0.4, 2e-5), planOf(65_536, 0.4, 2e-5)])
    expect(short.error.total).toBeLessThanOrEqual(2e-5)
    expect(long.error.total).toBeGreaterThan(2e-5)
    expect([long.verdict, long.decides]).toEqual(['infeasible', 'float32'])
    expect((await planOf(2 ** 30, 0.4, 1e-3)).verdict).toBe('ok')
  })

  it('counts sums of the blocks that a stream adds: most at 65,536 tokens, where it begins to keep what is left', () => {
    expect(roundings(65_536)).toBeGreaterThan(512)
    expect(roundings(65_536)).toBeLessThan(600)
    expect(roundings(2 ** 20)).toBeLessThan(roundings(65_536) / 4)
    expect(roundings(2 ** 20, true)).toBeGreaterThan(1024)
    expect(roundings(2 ** 40, true)).toBeLessThan(1024 + 100 + 2 ** 11)
  })
})
