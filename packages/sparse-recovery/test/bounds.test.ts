// Intervals of heavy hitters against an exact Map, ‖x‖ against its square sum, and streams that have no heavy hitter.
// A proved interval may be wrong with probability δ: at δ = 0.2, 400 seeds allow 115 failures (false alarm < 1e-4, were it tight; it is not).
// Kills: a radius without √width (every interval wrong), ‖x‖ from the largest row alone (off by 1.5), the reach of one row (δ = 0.2 gives 3 failures
// more a seed), bounds about another index, noise that is reported (in most of 300 streams), a norm without the trees' rows (variance 4 times).
// Misses: a radius without √width never; intervals of which 0.3 are wrong 3e-4 (exact binomial); a norm without the trees' rows below 1e-9 (the variance is 0.97 ± 0.08 of what is claimed
// over 4 other sets of seeds, where 1.4 is allowed; normal); one answer in a hundred streams of noise 0.05.
import { describe, expect, it } from 'vitest'
import { heavyHitters, type HeavyHitters } from '../src'
import { meeting, normVariance } from '../src/noise'
import { recoveryLayout } from '../src/recovery-rows'
import { randomOf, type Random } from './truth'

const size = { n: 100_003, k: 8, epsilon: 0.5 }

/** Totals of several kinds, ten thousand of them at most. */
const kinds: Record<string, (random: Random) => Map<number, number>> = {
  'one of each': (random) => new Map(Array.from({ length: 3000 }, () => [random.below(size.n), 1])),
  signs: (random) => new Map(Array.from({ length: 3000 }, () => [random.below(size.n), random.sign()])),
  Gaussian: (random) => new Map(Array.from({ length: 3000 }, () => [random.below(size.n), random.normal()])),
  Zipf: (random) => new Map(Array.from({ length: 3000 }, (_, i) => [random.below(size.n), Math.round(1e6 / (i + 1))])),
  'forty equal': (random) => new Map(Array.from({ length: 40 }, () => [random.below(size.n), 100])),
  'loud among many': (random) =>
    new Map(Array.from({ length: 3000 }, (_, i) => [random.below(size.n), i < 5 ? 5000 * random.sign() : 1])),
}

const fed = (totals: ReadonlyMap<number, number>, seed: number): HeavyHitters => {
  const stream = heavyHitters({ ...size, seed })
  for (const [index, total] of totals) stream.update(index, total)
  return stream
}

describe.each(Object.keys(kinds))('%s', (kind) => {
  it('intervals of chosen entries hold the total but for δ, those of answers too', () => {
    const SEEDS = 60
    const DELTA = 0.2
    let [asked, wrong, answers, wrongAnswers] = [0, 0, 0, 0]
    for (let seed = 0; seed < SEEDS; seed++) {
      const totals = kinds[kind](randomOf(seed + 1))
      const stream = fed(totals, seed)
      const keys = [...totals.keys()]
      for (const index of [keys[0], keys[3], keys.at(-1)!, size.n - 1]) {
        const { lower, upper, delta } = stream.bounds(index, { delta: DELTA })
        const truth = totals.get(index) ?? 0
        expect(delta).toBe(DELTA)
        asked++
        if (!(lower <= truth && truth <= upper)) wrong++
      }
      for (const { index, lower, upper } of stream.top(8, { delta: 0.01 })) {
        const truth = totals.get(index) ?? 0
        answers++
        if (!(lower - 1e-9 <= truth && truth <= upper + 1e-9)) wrongAnswers++
      }
    }
    // Asked 240 times: 48 are allowed in the mean, 80 with a false alarm of 1e-6; entries of one stream are hardly dependent.
    expect(wrong / asked).toBeLessThanOrEqual(DELTA)
    expect(wrongAnswers).toBeLessThanOrEqual(0.01 * answers)
    if (kind === 'Zipf' || kind === 'loud among many') expect(answers).toBeGreaterThan(4 * SEEDS)
  })
})

it('intervals are no wider than they must be: where one entry stands alone in noise they are 2 to 5 deviations long', () => {
  const stream = fed(kinds['one of each'](randomOf(1)), 1)
  const { lower, upper } = stream.bounds(5, { delta: 0.1 })
  const deviation = Math.sqrt(3000 / 64)
  expect((upper - lower) / 2 / deviation).toBeGreaterThan(2)
  expect((upper - lower) / 2 / deviation).toBeLessThan(5)
})

it('‖x‖ is unbiased in its square, of the variance that is claimed at most, and not far less', () => {
  const layout = recoveryLayout('test', size)
  for (const kind of ['Gaussian', 'forty equal']) {
    const totals = kinds[kind](randomOf(3))
    const truth = [...totals.values()].reduce((sum, x) => sum + x * x, 0)
    const SEEDS = 400
    let [mean, square] = [0, 0]
    for (let seed = 0; seed < SEEDS; seed++) {
      const off = fed(totals, seed).norm ** 2 / truth - 1
      mean += off / SEEDS
      square += off ** 2 / SEEDS
    }
    expect(Math.abs(mean)).toBeLessThan(5 * Math.sqrt(square / SEEDS)) // false alarm 6e-7
    expect(square).toBeLessThan(1.4 * normVariance(layout)) // five standard errors of a variance of 400: 0.35
    expect(square).toBeGreaterThan(0.3 * normVariance(layout))
  }
  expect(fed(new Map(), 1).norm).toBe(0)
  expect(fed(new Map([[3, 2 ** 900]]), 1).norm).toBe(2 ** 900)
})

it('two digits of 20 bits meet as often as counted', () => {
  for (const width of [1, 3, 64, 1000]) {
    const counts = new Float64Array(width)
    for (let digit = 0; digit < 2 ** 20; digit++) counts[Math.floor(digit * (width / 2 ** 20))]++
    expect(meeting(width)).toBeCloseTo(
      counts.reduce((sum, count) => sum + (count / 2 ** 20) ** 2, 0),
      14,
    )
  }
})

it('a stream without heavy hitters has no answer: six kinds of noise, k from 1 to 64', () => {
  // An answer a hundred streams would be a fault: none in 300 has a chance of 5 % then.
  let answers = 0
  for (let seed = 0; seed < 300; seed++) {
    const random = randomOf(seed + 50)
    const stream = heavyHitters({ n: seed % 2 ? 2 ** 32 : 2 ** 20, k: [1, 3, 8, 16, 64][seed % 5], epsilon: 0.5, seed })
    const kind = seed % 6
    for (let i = 0; i < 4000; i++) {
      const change = [1, random.sign(), random.normal(), random.below(3), (i + 50) ** -0.1, -1][kind]
      stream.update(random.below(stream.n), change)
    }
    answers += stream.top().length
  }
  expect(answers).toBe(0)
})

it('a stream of fewer entries than k gives those', () => {
  const stream = heavyHitters({ n: 2 ** 32, k: 8, epsilon: 0.5, seed: 1 })
  stream.update(5, 10)
  stream.update(4_000_000_000, -3)
  expect(stream.top().map(({ index, estimate }) => [index, estimate])).toEqual([
    [5, 10],
    [4_000_000_000, -3],
  ])
})
