// The law of a summary's error in a model against its definition, vector by vector, in float64.
// Kills: distances to the summary's answers instead of the exact ones, a sign of the shift, a held token with the weight of a summed one, a part
// of chance left in the limit, noise that is not divided by n.
import { random } from '@sublinear/laws'
import { describe, expect, it } from 'vitest'
import { answeredModel, modelledLaw } from '../src/modelled-law'
import type { GaussianModel } from '../src/gaussian-model'
import { sampleOf } from '../src/sample'
import { softmaxWeights, type Weights } from '../src/summaries'

const [queryCount, tokenCount, d, dv, tokens, scale] = [7, 11, 3, 4, 40, 0.8]
const LEAST = 2 ** -3

/** Shares that add up to 1. */
function sharesOf(count: number, seed: number): Float64Array {
  const raw = Float64Array.from(random(1, count, seed).data, (x) => Math.exp(x))
  const sum = raw.reduce((a, b) => a + b)
  return raw.map((x) => x / sum)
}

function modelOf(seed: number): GaussianModel {
  const pilot = {
    queries: random(queryCount, d, seed),
    keys: random(tokenCount, d, seed + 1),
    values: random(tokenCount, dv, seed + 2),
  }
  const [tokenShares, queryShares] = [sharesOf(tokenCount, seed + 3), sharesOf(queryCount, seed + 4)]
  return { tokens, sample: sampleOf(pilot, scale, tokenShares), tokenShares, queryShares, residual: 0.3 }
}

/** Sums over tokens, for one query. */
const sum = (f: (j: number) => number) => Array.from({ length: tokenCount }, (_, j) => f(j)).reduce((a, b) => a + b, 0)
const columns = Array.from({ length: dv }, (_, c) => c)

/** Computes the law at n from its words. */
function definition({ sample, tokenShares, queryShares, residual }: GaussianModel, approximate: Weights | undefined) {
  const exact = softmaxWeights(sample)
  const held = approximate ? Math.min(1, approximate.held / tokens) : 0
  const density = (x: number) => x / (1 + Math.abs(x) / tokens)
  const value = (j: number) => columns.map((c) => sample.values.data[j * dv + c])
  let [square, chance, spread] = [0, 0, 0]
  for (const [r, share] of queryShares.entries()) {
    const soft = (j: number) => exact[r * tokenCount + j]
    const mix = (j: number) => (1 - held) * approximate!.weights[r * tokenCount + j] + held * soft(j)
    const mass = sum((j) => tokenShares[j] * soft(j))
    const truth = columns.map((c) => sum((j) => ((tokenShares[j] * soft(j)) / mass) * value(j)[c]))
    const ownMass = approximate ? sum((j) => tokenShares[j] * mix(j)) : 0
    const sound = ownMass > LEAST
    const own = columns.map((c) =>
      approximate ? sum((j) => tokenShares[j] * (sound ? mix(j) / ownMass : 1) * value(j)[c]) : 0,
    )
    /** The squared length of one token's part in the error, for its shares in the summary's answer and in the exact one. */
    const part = (a: number, b: number, j: number) =>
      columns.reduce((all, c) => all + (a * (value(j)[c] - own[c]) - b * (value(j)[c] - truth[c])) ** 2, 0)
    square += share * columns.reduce((all, c) => all + (own[c] - truth[c]) ** 2, 0)
    for (let j = 0; j < tokenCount; j++) {
      const [count, b] = [tokenShares[j], density(soft(j) / mass)]
      const kinds = approximate
        ? [
            [1 - held, sound ? density(approximate.weights[r * tokenCount + j] / ownMass) : 1],
            [held, sound ? density(soft(j) / ownMass) : 1],
          ]
        : [[1, 0]]
      for (const [probability, a] of kinds)
        spread += share * count * probability * (part(a, b, j) + residual * (a - b) ** 2)
      chance += share * count ** 2 * part(approximate ? (sound ? mix(j) / ownMass : 1) : 0, soft(j) / mass, j)
    }
  }
  return (n: number) => Math.max(0, square - chance) + spread / n
}

function lawOf(model: GaussianModel, approximate?: Weights) {
  const work = modelledLaw(answeredModel(model, softmaxWeights(model.sample)), approximate)
  for (;;) {
    const step = work.next()
    if (step.done) return step.value
  }
}

describe('the law of the error in a model', () => {
  it.each([
    ['nothing kept: the exact answers', 1, undefined],
    ['weights near the exact ones', 2, { off: 0.01, held: 0 }],
    ['weights far off, some tokens held', 3, { off: 0.7, held: 9 }],
    ['a mass too small to answer by', 4, { off: -0.98, held: 0 }],
    ['most tokens held', 5, { off: 0.3, held: 30 }],
  ] as const)('%s', (_name, seed, how) => {
    const model = modelOf(10 * seed)
    const factor = random(queryCount, tokenCount, seed).data
    const weights =
      how && softmaxWeights(model.sample).map((x, i) => x * (how.off < 0 ? 1 + how.off : 1 + how.off * factor[i]))
    const approximate = weights && { weights, held: how.held, isWithinValues: false }
    const [law, wanted] = [lawOf(model, approximate), definition(model, approximate)]
    for (const n of [1, 40, 1e6]) expect(law(n)).toBeCloseTo(wanted(n), 6)
    for (const n of [1, 40]) expect(Math.abs(law(n) / wanted(n) - 1)).toBeLessThan(1e-4)
  })
})
