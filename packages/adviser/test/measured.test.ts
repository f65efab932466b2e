// What is measured. Trials against a stream put together by hand and a float64 softmax. Kills: counts of the budget's bytes instead of its rate (errors
// off by the factor of what is held), queries before or among the tokens taken in, tokens of the pilot without their queries (attended tiers learn
// nothing), or with them where they only come later, one kind of question left out of the mean or counted where it does not, errors not relative, the last of the best instead of
// the first, a candidate dropped that is the best of its round, a signal that is read between candidates alone.
import { catalogue, createStream } from '@sublinear/attention'
import { matrix, rowsOf, type Matrix, type Method, type Pilot } from '@sublinear/core'
import { normalise } from '@sublinear/exact-attention'
import { random, softmaxOracle } from '@sublinear/laws'
import { describe, expect, it } from 'vitest'
import { plan } from '../src'
import { tournament } from '../src/tournament'
import { trialOf, type Candidate, type Trial } from '../src/trial'

const scale = 0.5
const shape = { d: 4, dv: 2, scale }
const bell = (rows: number, cols: number, seed: number, size = 1): Matrix => {
  const parts = Array.from({ length: 6 }, (_, i) => random(rows, cols, 97 * seed + i, size).data)
  return matrix(
    rows,
    cols,
    parts[0].map((_, i) => parts.reduce((sum, one) => sum + one[i], 0) / Math.SQRT2),
  )
}

/** Keys in a cloud, values that follow them. */
function cloud(n: number, seed: number, size: number): Pilot {
  const keys = bell(n, 4, seed, size)
  const values = matrix(
    n,
    2,
    Float32Array.from({ length: 2 * n }, (_, i) => keys.data[4 * (i >> 1) + (i % 2)] + 0.1),
  )
  return { queries: bell(n, 4, seed + 1, size), keys, values }
}

const relative = (got: Float32Array, truth: Float64Array) =>
  Math.hypot(...got.map((x, i) => x - truth[i])) / Math.hypot(...truth)

const named = (name: string): Method => catalogue.find((method) => method.name === name)!
const window = named('window')
const spent = (trial: Trial, candidate: Candidate) => {
  const run = trial.run(candidate)
  let piece = run.next()
  while (!piece.done) piece = run.next()
  return piece.value
}

describe('a trial', () => {
  const pilot = cloud(800, 1, 1)
  const options = { count: 120, buffer: 8 }
  const candidate: Candidate = { method: window, options }
  const cut = (from: number, to: number) => ({
    keys: rowsOf(pilot.keys, from, to),
    values: rowsOf(pilot.values, from, to),
  })

  it('is at the rate of the budget: rows come after three quarters', () => {
    const trial = trialOf(pilot, shape, { asked: 'rows', length: 800, streamTokens: 2400 })
    // 600 tokens of 2400: a quarter of what is kept.
    const stream = window.make(shape, window.atRate!(shape, options, 0.25))
    stream.push(cut(0, 600))
    const later = rowsOf(pilot.queries, 664, 800)
    const exact = softmaxOracle(later, rowsOf(pilot.keys, 0, 600), rowsOf(pilot.values, 0, 600), scale, () => 600)
    expect(spent(trial, candidate).total).toBeCloseTo(relative(normalise(stream.attend(later)).data, exact), 5)
  })

  it('answers the last third as it comes, and ranks equals by what is old', () => {
    const trial = trialOf(pilot, shape, { asked: 'causal', length: 600, streamTokens: 1200 })
    const stream = window.make(shape, window.atRate!(shape, options, 0.5))
    stream.push(cut(0, 400))
    const later = Array.from({ length: 256 }, (_, r) => 464 + Math.floor((r * 336) / 256))
    const asked = matrix(256, 4, Float32Array.from(later.flatMap((at) => [...rowsOf(pilot.queries, at, at + 1).data])))
    const early = softmaxOracle(asked, rowsOf(pilot.keys, 0, 400), rowsOf(pilot.values, 0, 400), scale, () => 400)
    const old = relative(normalise(stream.attend(asked)).data, early)
    const own = rowsOf(pilot.queries, 400, 600)
    const exact = softmaxOracle(own, pilot.keys, pilot.values, scale, (i) => 401 + i)
    const causal = relative(normalise(stream.step(cut(400, 600), own)).data, exact)
    const errors = spent(trial, candidate)
    expect(errors.measured).toBeCloseTo(causal, 5)
    expect(errors.total).toBeCloseTo(Math.hypot(causal, old / Math.sqrt(100 * 200)), 5)
  })

  it('gives tokens their queries unless only later ones are asked', () => {
    // Every tenth key is asked for all along; the other keys are alike.
    const { keys, values, queries } = cloud(800, 11, 0.3)
    for (let i = 0; i < 800; i++) {
      keys.data[4 * i] = i % 10 === 0 ? 2 : -2
      queries.data[4 * i] = 4
    }
    const h2o = { method: named('h2o'), options: { count: 360, buffer: 16 } }
    const of = (asked: 'rows' | 'later' | 'both') =>
      spent(trialOf({ keys, values, queries }, shape, { asked, length: 800, streamTokens: 2400 }), h2o).total
    expect(of('rows')).toBeGreaterThan(2 * of('both'))
    // 600 tokens of 2400 are taken in with their queries, and no answer of theirs counts.
    const stream = h2o.method.make(shape, h2o.method.atRate!(shape, h2o.options, 0.25))
    for (let from = 0; from < 600; from += 200)
      stream.step(
        { keys: rowsOf(keys, from, from + 200), values: rowsOf(values, from, from + 200) },
        rowsOf(queries, from, from + 200),
      )
    const later = rowsOf(queries, 664, 800)
    const exact = softmaxOracle(later, rowsOf(keys, 0, 600), rowsOf(values, 0, 600), scale, () => 600)
    expect(of('later')).toBeCloseTo(relative(normalise(stream.attend(later)).data, exact), 5)
  })

  it('takes several queries a token', () => {
    const doubled = matrix(
      1600,
      4,
      Float32Array.from({ length: 6400 }, (_, i) => pilot.queries.data[4 * (i >> 3) + (i % 4)]),
    )
    const [one, two] = [pilot.queries, doubled].map((queries) => {
      const trial = trialOf({ ...pilot, queries }, shape, { asked: 'both', length: 800, streamTokens: 2400 })
      return spent(trial, candidate).total
    })
    expect(two / one).toBeCloseTo(1, 1)
  })
})

const fake = (refine?: Method['refine']): Method => ({
  ...window,
  name: refine ? 'refined' : 'plain',
  ...(refine && { refine }),
})
const trialWith = (tokens: number): Trial => ({
  tokens,
  *run({ options }) {
    yield
    const { error } = options as { readonly error: number }
    return { total: error, measured: error }
  },
})

const run = (candidates: readonly Candidate[], near: (best: Candidate) => readonly Candidate[] = () => []) => {
  const search = tournament({
    candidates,
    rounds: [
      { tokens: 256, keep: 2, refine: 2 },
      { tokens: 512, keep: 1 },
    ],
    trialOf: trialWith,
    near,
  })
  let piece = search.next()
  while (!piece.done) piece = search.next()
  return piece.value.map(({ options, droppedAt }) => [(options as { error: number }).error, droppedAt])
}
const plain = (error: number): Candidate => ({ method: fake(), options: { error } })

describe('a tournament', () => {
  it('drops the worst, and keeps the first of equals', () => {
    expect(run([plain(3), plain(1), plain(2)])).toEqual([
      [1, undefined],
      [2, undefined],
      [3, 256],
    ])
    const twins = [plain(1), { method: fake(), options: { error: 1, second: true } }]
    expect(run(twins)[0]).toEqual([1, undefined])
  })

  it('lets what lies near the best join, and then what lies near the best of these', () => {
    const method = fake(() => [])
    const near = ({ options }: Candidate) =>
      [0.5, 1.5].map((part) => ({ method, options: { error: part * (options as { error: number }).error } }))
    expect(run([plain(1), { method, options: { error: 4 } }], near)).toEqual([
      [1, undefined],
      [1, undefined],
      [2, 256],
      [3, 256],
      [4, 256],
      [6, 256],
    ])
  })

  it('stops refining where nothing near is better', () => {
    const method = fake(() => [])
    const near = () => [{ method, options: { error: 2 } }]
    expect(run([{ method, options: { error: 1 } }], near)).toEqual([
      [1, undefined],
      [2, undefined],
    ])
  })

  it('never drops what a method takes of itself', () => {
    const own = { method: fake(() => []), options: { error: 9 }, isOwn: true }
    expect(run([plain(1), plain(2), plain(3), own])).toEqual([
      [1, undefined],
      [2, undefined],
      [9, undefined],
      [3, 256],
    ])
  })
})

describe('a plan within a budget', () => {
  const options = { methods: catalogue, ...shape, tokens: 5000, budgetBytes: 4000 }

  it('names a method and its options, considers all, and its stream keeps the budget', async () => {
    const made = await plan({ ...options, pilot: cloud(1200, 5, 1.2) })
    expect([made.evidence, made.verdict, made.decides]).toEqual(['measured', 'ok', 'measured'])
    const names = new Set(made.considered.map(({ name }) => name))
    expect(catalogue.filter(({ name }) => !names.has(name))).toEqual([])
    const stream = createStream(JSON.parse(JSON.stringify(made)))
    const { queries, keys, values } = cloud(5000, 105, 1.2)
    stream.push({ keys: rowsOf(keys, 0, 4800), values: rowsOf(values, 0, 4800) })
    const asked = rowsOf(queries, 4800, 5000)
    const exact = softmaxOracle(asked, keys, values, scale, (i) => 4801 + i)
    const got = stream.step({ keys: rowsOf(keys, 4800, 5000), values: rowsOf(values, 4800, 5000) }, asked)
    expect(relative(normalise(got).data, exact)).toBeLessThan(2 * made.error.total)
    expect(stream.bytes).toBeLessThanOrEqual(4000)
  })

  it('is the same every time', async () => {
    const [first, again] = await Promise.all([0, 1].map(() => plan({ ...options, pilot: cloud(400, 3, 1) })))
    expect(JSON.parse(JSON.stringify(again))).toEqual(first)
  })

  it('stops within a candidate when its signal says so, and tells how far it is', async () => {
    const seen: number[] = []
    const stop = new AbortController()
    const asked = plan({
      ...options,
      pilot: cloud(2000, 3, 1),
      signal: stop.signal,
      onProgress({ done }) {
        seen.push(done)
        if (seen.length === 3) stop.abort(new Error('enough'))
      },
    })
    await expect(asked).rejects.toThrow('enough')
    expect(seen.length).toBe(3)
    await expect(plan({ ...options, pilot: cloud(300, 3, 1), signal: AbortSignal.abort() })).rejects.toThrow(/abort/i)
  })

  it('refuses a budget that holds nothing', async () => {
    await expect(plan({ ...options, budgetBytes: 10, pilot: cloud(300, 3, 1) })).rejects.toThrow(
      'plan: budgetBytes must hold at least one of the methods, got 10',
    )
    await expect(plan({ ...options, methods: [], pilot: cloud(300, 3, 1) })).rejects.toThrow(
      'plan: methods must be a list of at least one method',
    )
  })
})
