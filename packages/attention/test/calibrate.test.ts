// The choice of a stack. Scores against a stack put together by hand and a float64 softmax. Kills: counts of the budget's bytes instead of its
// rate (scores off by the factor of what is held), queries before or among the tokens summarised, the newest tokens asked for (a window
// looks perfect; of short pilots 32 tokens later instead of 64), a score of another candidate recorded, the last of the best instead of the first, errors not relative, tokens of the
// pilot without their queries (attended tiers learn nothing), or with them where only later questions count, one kind of question left out of the mean.
import { matrix, rowsOf, type Matrix } from '@sublinear/core'
import { normalise } from '@sublinear/exact-attention'
import { farKeys, quantised, tiers } from '@sublinear/kv-cache'
import { random, softmaxOracle } from '@sublinear/laws'
import { meanStream } from '@sublinear/streaming-attention'
import { describe, expect, it } from 'vitest'
import { autoStream, calibrate, type Stack } from '../src'

const scale = 0.5
const far = (keyBits: number, valueBits: number) => [{ by: 'far' as const, share: 1, keyBits, valueBits }]
const bell = (rows: number, cols: number, seed: number, size = 1): Matrix => {
  const parts = Array.from({ length: 6 }, (_, i) => random(rows, cols, 97 * seed + i, size).data)
  return matrix(
    rows,
    cols,
    parts[0]!.map((_, i) => parts.reduce((sum, one) => sum + one[i]!, 0) / Math.SQRT2),
  )
}

/** Keys in a cloud, values that follow them. */
function cloud(n: number, seed: number, size: number) {
  const keys = bell(n, 4, seed, size)
  const values = matrix(
    n,
    2,
    Float32Array.from({ length: 2 * n }, (_, i) => keys.data[4 * (i >> 1) + (i % 2)]! + 0.1),
  )
  return { queries: bell(n, 4, seed + 1, size), keys, values }
}

/** ‖got − truth‖ / ‖truth‖. */
const relative = (got: Float32Array, truth: Float64Array) =>
  Math.hypot(...got.map((x, i) => x - truth[i]!)) / Math.hypot(...truth)

/** The rows of one matrix, from `from` on those of another. */
const mixed = (first: Matrix, second: Matrix, from: number) => {
  const data = first.data.slice()
  data.set(second.data.subarray(from * first.cols), from * first.cols)
  return { ...first, data }
}

describe('a score', () => {
  it('of a short pilot too: 160 tokens of 256 are summarised, the queries of the last 32 asked', () => {
    const [one, other] = [cloud(256, 1, 1), cloud(256, 9, 1)]
    const asks = 'later' as const
    const { scores } = calibrate({ ...one, scale, budgetBytes: 3000, tokens: 5000, asks })
    const pilot = {
      queries: mixed(other.queries, one.queries, 224),
      keys: mixed(one.keys, other.keys, 160),
      values: mixed(one.values, other.values, 160),
    }
    expect(calibrate({ ...pilot, scale, budgetBytes: 3000, tokens: 5000, asks }).scores).toEqual(scores)
  })

  it('is the relative error of the stack at the rate of the budget, on later queries', () => {
    const pilot = cloud(800, 1, 1)
    const stack: Stack = { window: 0, kept: far(6, 4), rest: 'mean' }
    const [budgetBytes, tokens] = [8000, 2400]
    const { scores } = calibrate({ ...pilot, scale, budgetBytes, tokens, candidates: [stack] })
    // By hand: 600 tokens summarised of 2400, so a quarter of the far keys; a token takes ⌈4·6/8⌉ + ⌈2·4/8⌉ + 4 bytes.
    const whole = autoStream({
      d: 4,
      dv: 2,
      scale,
      budgetBytes,
      tokens,
      recipe: { ...recipe(stack), budgetBytes, tokens },
    })
    // 8000 bytes: 5 tokens wait before the tiers and 2 before the mean; on the pilot 16 and 2, which the far keys have fewer.
    const count = Math.round((whole.parts[0] as unknown as { count: number }).count / 4) - (16 + 2 - 2)
    const stream = tiers({
      d: 4,
      dv: 2,
      scale,
      parts: [
        farKeys({ count, store: quantised({ keyBits: 6, valueBits: 4 }) }),
        (shape) => meanStream({ ...shape, buffer: 2 }),
      ],
      buffer: 16,
    })
    const [keys, values] = [rowsOf(pilot.keys, 0, 600), rowsOf(pilot.values, 0, 600)]
    stream.push({ keys: rowsOf(keys, 0, 400), values: rowsOf(values, 0, 400) })
    // The last 200 tokens taken in, each over all up to it.
    const last = { keys: rowsOf(keys, 400, 600), values: rowsOf(values, 400, 600) }
    const own = rowsOf(pilot.queries, 400, 600)
    const truth = softmaxOracle(own, pilot.keys, pilot.values, scale, (i) => 401 + i)
    const causal = relative(normalise(stream.step(last, own)).data, truth)
    const queries = rowsOf(pilot.queries, 664, 800)
    const exact = softmaxOracle(queries, keys, values, scale, () => 600)
    const later = relative(normalise(stream.attend(queries)).data, exact)
    expect(scores[0]!.later).toBeCloseTo(later, 5)
    expect(scores[0]!.causal).toBeCloseTo(causal, 5)
    expect(scores[0]!.error).toBeCloseTo((later + causal) / 2, 5)
    for (const [asks, error] of [
      ['later', later],
      ['causal', causal],
    ] as const) {
      const found = calibrate({ ...pilot, scale, budgetBytes, tokens, asks, candidates: [stack] })
      expect(found.error).toBeCloseTo(error, 5)
      expect([found.asks, 'later' in found.scores[0]!, 'causal' in found.scores[0]!]).toEqual([
        asks,
        asks === 'later',
        asks === 'causal',
      ])
    }
  })

  it('of tokens that receive attention comes of queries that came with them, unless only later ones are asked', () => {
    // Every tenth key is asked for all along; the other keys are alike.
    const n = 800
    const { keys, values, queries } = cloud(n, 11, 0.3)
    for (let i = 0; i < n; i++) {
      keys.data[4 * i] = i % 10 === 0 ? 2 : -2
      queries.data[4 * i] = 4
    }
    const stack: Stack = {
      window: 0,
      kept: [{ by: 'attended', share: 1, keyBits: 8, valueBits: 8 }],
      rest: 'mean',
    }
    const options = { queries, keys, values, scale, budgetBytes: 12_000, tokens: 2400, candidates: [stack] }
    const errors = calibrate(options).scores[0]!
    const pushed = calibrate({ ...options, asks: 'later' }).scores[0]!
    expect(pushed.later).toBeGreaterThan(3 * errors.later!)
  })

  it('is asked of tokens that receive attention only where queries come with them', () => {
    const pilot = { ...cloud(400, 3, 1), scale, budgetBytes: 5000, tokens: 2000 }
    const tried = (asks: 'both' | 'later' | 'causal') =>
      calibrate({ ...pilot, asks }).scores.some(({ stack }) => stack.kept.some(({ by }) => by === 'attended'))
    expect([tried('both'), tried('later'), tried('causal')]).toEqual([true, false, true])
  })

  it('is the same every time, and in JSON', () => {
    const [first, again] = [0, 1].map(() => calibrate({ ...cloud(400, 3, 1), scale, budgetBytes: 5000, tokens: 2000 }))
    expect(JSON.parse(JSON.stringify(again))).toEqual(first)
    expect(first!.stack).toEqual(first!.scores.find(({ error }) => error === first!.error)!.stack)
    expect(first!.error).toBe(Math.min(...first!.scores.flatMap(({ error }) => error ?? [])))
  })

  it('is null for moments where the scale is not above 0', () => {
    const { scores } = calibrate({ ...cloud(300, 3, 1), scale: -0.5, budgetBytes: 9000, tokens: 2000 })
    const without = scores.filter(({ error }) => error === null).map(({ stack }) => stack.rest)
    expect(without).toEqual(['moments'])
  })

  it('is null where a candidate does not fit', () => {
    const small: Stack = { window: 0, kept: far(4, 2), rest: 'mean' }
    const large: Stack = { window: 500, kept: far(4, 2), rest: 'mean' }
    const { scores, stack } = calibrate({
      ...cloud(300, 3, 1),
      scale,
      budgetBytes: 3000,
      tokens: 2000,
      candidates: [large, small],
    })
    expect(scores.map(({ error }) => error === null)).toEqual([true, false])
    expect(stack).toEqual(small)
  })
})

const recipe = (stack: Stack) => ({
  kind: 'recipe' as const,
  version: 2 as const,
  d: 4,
  dv: 2,
  scale,
  budgetBytes: 1,
  tokens: 1,
  asks: 'both' as const,
  pilot: 300,
  stack,
  error: 0,
  scores: [],
})

describe('the choice', () => {
  it('is a closure for a Gaussian cloud, and a mean token where far keys hold what matters', () => {
    const gaussian = calibrate({ ...cloud(1200, 5, 1.2), scale, budgetBytes: 4000, tokens: 5000 })
    expect(gaussian.stack.rest).toBe('closure')
    // One key in forty is long and asked for; the others, in a shell, have no score to speak of.
    const n = 1200
    const { keys, values } = cloud(n, 7, 0.05)
    const queries = matrix(n, 4)
    for (let i = 0; i < n; i++) {
      if (i % 40 === 0) keys.data.set([6, (i % 7) - 3, (i % 11) / 2 - 2.5, (i % 13) / 3 - 2], 4 * i)
      queries.data.set([4, ((i * 5) % 7) - 3, ((i * 3) % 11) / 2 - 2.5, ((i * 7) % 13) / 3 - 2], 4 * i)
    }
    const spiked = calibrate({ queries, keys, values, scale, budgetBytes: 4000, tokens: 5000 })
    expect(spiked.error).toBeLessThan(0.1)
    const withoutFar = spiked.scores.filter(({ stack }) => stack.window > 0)
    expect(withoutFar.length).toBeGreaterThan(0)
    const none = calibrate({
      queries,
      keys,
      values,
      scale,
      budgetBytes: 4000,
      tokens: 5000,
      candidates: [{ window: 60, kept: [], rest: 'mean' }],
    })
    expect(none.error).toBeGreaterThan(3 * spiked.error)
  })

  it('holds on the stream to come, of the same head: what it said to within a half', () => {
    const options = { scale, budgetBytes: 4000, tokens: 5000 }
    const made = calibrate({ ...cloud(1200, 5, 1.2), ...options })
    const { queries, keys, values } = cloud(5000, 105, 1.2)
    const stream = autoStream({ d: 4, dv: 2, ...options, recipe: made })
    stream.push({ keys, values })
    const asked = rowsOf(queries, 0, 200)
    const exact = softmaxOracle(asked, keys, values, scale, () => 5000)
    const got = normalise(stream.attend(asked)).data
    const error = relative(got, exact)
    expect(error).toBeLessThan(2 * made.error)
    const plain = autoStream({ d: 4, dv: 2, ...options })
    plain.push({ keys, values })
    const other = relative(normalise(plain.attend(asked)).data, exact)
    expect(error).toBeLessThan(other)
  })

  it('takes several queries a token', () => {
    const { queries, keys, values } = cloud(400, 9, 1)
    const doubled = matrix(
      800,
      4,
      Float32Array.from({ length: 3200 }, (_, i) => queries.data[4 * (i >> 3) + (i % 4)]!),
    )
    const options = {
      keys,
      values,
      scale,
      budgetBytes: 3000,
      tokens: 2000,
      candidates: [{ window: 0, kept: far(4, 4), rest: 'mean' as const }],
    }
    const [single, both] = [queries, doubled].map((asked) => calibrate({ ...options, queries: asked }).error)
    expect(both).toBeCloseTo(single!, 6)
  })
})

describe('borders', () => {
  const pilot = cloud(300, 3, 1)
  const good = { ...pilot, scale, budgetBytes: 5000, tokens: 2000 }
  const short = {
    queries: rowsOf(pilot.queries, 0, 255),
    keys: rowsOf(pilot.keys, 0, 255),
    values: rowsOf(pilot.values, 0, 255),
  }
  it.each<[object, string]>([
    [short, 'calibrate: the pilot must have at least 256 tokens, got 255'],
    [
      { queries: rowsOf(pilot.queries, 0, 299) },
      'calibrate: queries must have a whole number of rows for each of the 300 tokens, got 299',
    ],
    [{ values: rowsOf(pilot.values, 0, 299) }, 'calibrate: values must have 300 rows, got 299'],
    [{ queries: matrix(300, 5) }, 'calibrate: queries must have 4 columns, got 5'],
    [{ scale: NaN }, 'calibrate: scale must be a finite number, got NaN'],
    [{ budgetBytes: 0 }, 'calibrate: budgetBytes must be an integer >= 1, got 0'],
    [{ tokens: 0 }, 'calibrate: tokens must be an integer >= 1, got 0'],
    [{ budgetBytes: 100 }, 'calibrate: budgetBytes must hold one of the candidates, got 100'],
    [{ asks: 'never' as never }, 'calibrate: asks must be one of both, later, causal, got never'],
    [{ candidates: [] }, 'calibrate: candidates must be a list of at least one stack'],
    [
      { candidates: [{ window: 0, kept: far(9, 4), rest: 'mean' }] },
      'calibrate: candidates[0].kept[0].keyBits must be an integer from 2 to 8, got 9',
    ],
  ])('%# is refused', (change, message) => {
    expect(() => calibrate({ ...good, ...change })).toThrow(message)
  })
})
