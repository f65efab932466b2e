// plan() for heads that cap their scores and have sinks: trials and averages against a float64 oracle written from the definitions, and what is left out.
// Kills: a cap or sinks not passed to the truth or to the streams, old questions that lose their place among the queries of a token, averages of plain
// scores, formulas or certificates of plain scores for such a head, a method that cannot tried, a plan whose stream forgets cap or sinks.
import { catalogue, createStream } from '@sublinear/attention'
import { matrix, rowsOf, type Matrix, type Pilot } from '@sublinear/core'
import { normalise } from '@sublinear/exact-attention'
import { headOracle, random } from '@sublinear/laws'
import { describe, expect, it } from 'vitest'
import { plan, type Plan } from '../src'
import { trialOf } from '../src/trial'

const groups = 2
const head = { softcap: 1.5, sinkLogit: [2.5, -1] }
const shape = { d: 4, dv: 2, scale: 0.8, ...head }

/** Keys in a cloud, values that follow them, two queries a token. */
function cloud(n: number, seed: number): Pilot {
  const keys = random(n, 4, seed, 2)
  const values = matrix(
    n,
    2,
    Float32Array.from({ length: 2 * n }, (_, i) => keys.data[4 * (i >> 1) + (i % 2)] + 0.3),
  )
  return { queries: random(groups * n, 4, seed + 1, 2), keys, values }
}

const relative = (got: Float32Array, truth: Float64Array) =>
  Math.hypot(...got.map((x, i) => x - truth[i])) / Math.hypot(...truth)
const window = catalogue.find(({ name }) => name === 'window')!
const options = { methods: catalogue, ...shape, tokens: 4000, budgetBytes: 8000 }
const pilot = cloud(500, 3)
let made: Promise<Plan> | undefined
/** The plan of what stands above, made once. */
const planned = () => (made ??= plan({ ...options, pilot }))

const cut = (from: number, to: number) => ({
  keys: rowsOf(pilot.keys, from, to),
  values: rowsOf(pilot.values, from, to),
})
/** Answers of queries after all of the first tokens. */
const truthAfter = (asked: Matrix, tokens: number) =>
  headOracle(shape, asked, rowsOf(pilot.keys, 0, tokens), rowsOf(pilot.values, 0, tokens), groups, tokens - 1)

describe('a trial of a head with a cap and sinks', () => {
  const kept = { count: 100, buffer: 8 }

  it('has the truth of such a head, old questions in their places', () => {
    const trial = trialOf(pilot, shape, { asked: 'rows', length: 400, streamTokens: 300 })
    const stream = window.make(shape, kept)
    stream.push(cut(0, 300))
    const later = rowsOf(pilot.queries, 2 * 364, 2 * 500) // 272 rows: of 128 tokens, evenly
    const rows = Array.from({ length: 128 }, (_, i) => Math.floor((i * 136) / 128) * groups).flatMap((r) => [r, r + 1])
    const asked = matrix(256, 4, Float32Array.from(rows.flatMap((r) => [...rowsOf(later, r, r + 1).data])))
    const run = trial.run({ method: window, options: kept })
    let piece = run.next()
    while (!piece.done) piece = run.next()
    expect(piece.value.total).toBeCloseTo(relative(normalise(stream.attend(asked)).data, truthAfter(asked, 300)), 5)
  })

  it('knows what the mean of the values is off by', async () => {
    const { baselines } = await planned()
    const mean = [0, 1].map((c) => pilot.values.data.reduce((sum, x, i) => sum + (i % 2 === c ? x / 500 : 0), 0))
    const asked = Array.from({ length: 256 }, (_, i) => Math.floor((i * 500) / 256) * groups).flatMap((r) => [r, r + 1])
    const rows = matrix(512, 4, Float32Array.from(asked.flatMap((r) => [...rowsOf(pilot.queries, r, r + 1).data])))
    const means = Float32Array.from({ length: 1024 }, (_, i) => mean[i % 2])
    expect(baselines.average).toBeCloseTo(relative(means, truthAfter(rows, 500)), 4)
  })
})

describe('a plan of a head with a cap and sinks', () => {
  it('runs the methods that can, names the others, and predicts nothing', async () => {
    const plans = [await planned(), await plan({ ...options, tokens: 900, epsilon: 0.2, pilot })]
    for (const own of plans) {
      expect(own.considered.every(({ evidence }) => evidence === 'measured')).toBe(true)
      const left = own.considered.filter(({ cannot }) => cannot)
      const unable = catalogue.filter(({ can }) => !can.includes('softcap')).map(({ name }) => name)
      expect(new Set(left.map(({ name }) => name))).toEqual(new Set(unable))
      expect(left[0]).toEqual({
        name: left[0].name,
        cannot: ['softcap'],
        evidence: 'measured',
        bytes: null,
        error: null,
      })
      expect(own).toMatchObject({ evidence: 'measured', ...head })
      expect(own.advice).toContain(
        `this head with softcap and sinkLogit was judged by runs alone, and ${unable.length} methods cannot do it.`,
      )
    }
  })

  it('makes a stream of such a head, whose later answers are off as it says', async () => {
    const own = await planned()
    const stream = createStream(JSON.parse(JSON.stringify(own)))
    const { queries, keys, values } = cloud(4000, 77)
    stream.push({ keys: rowsOf(keys, 0, 3900), values: rowsOf(values, 0, 3900) })
    const asked = rowsOf(queries, groups * 3900, groups * 4000)
    const got = stream.step({ keys: rowsOf(keys, 3900, 4000), values: rowsOf(values, 3900, 4000) }, asked)
    const off = relative(normalise(got).data, headOracle(shape, asked, keys, values, groups, 3900))
    expect(off / own.error.total).toBeGreaterThan(0.3) // clusters at the rate of a short pilot are few, and err more than the stream's
    expect(off / own.error.total).toBeLessThan(2)
    expect(stream.bytes).toBeLessThanOrEqual(8000)
    expect(own.error.total).toBeLessThan(own.baselines.average)
  })

  it('lets every method try sinks alone', async () => {
    const { considered, advice } = await plan({ ...options, softcap: undefined, pilot })
    expect(considered.filter(({ cannot }) => cannot)).toEqual([])
    expect(advice).toContain('this head with sinkLogit was judged by runs alone.')
  })

  it('certifies nothing but the tokens themselves', async () => {
    const sure = await plan({ methods: catalogue, ...shape, tokens: 500, radius: 1, epsilon: 0.1 })
    expect(sure).toMatchObject({ method: 'exact', evidence: 'certified', verdict: 'dominated', considered: [] })
    expect(sure.advice).toContain('Of a head with softcap and sinkLogit nothing but its tokens is certified.')
    await expect(
      plan({ methods: catalogue, ...shape, tokens: 500, radius: 1, epsilon: 0.1, budgetBytes: 999 }),
    ).rejects.toThrow('a pilot must be given for a head with softcap and sinkLogit that is not kept as it is')
  })

  it('keeps few tokens as they are', async () => {
    const few = await plan({ ...options, tokens: 20, pilot: cloud(20, 5) })
    expect(few).toMatchObject({ method: 'exact', ...head })
  })

  it('refuses what has formulas alone, and sinks that are not those of its queries', async () => {
    await expect(plan({ ...options, pilot: cloud(100, 3) })).rejects.toThrow('pilot must have 256 tokens or more')
    await expect(plan({ ...options, pilot, epsilon: 0.1, task: 'columns', k: 3 })).rejects.toThrow('no columns')
    await expect(plan({ ...options, pilot, epsilon: 0.1, task: 'rows', keysAndValuesTogether: false })).rejects.toThrow(
      'sketches are of plain scores',
    )
    await expect(plan({ ...options, pilot, sinkLogit: [1, 2, 3] })).rejects.toThrow(
      "the pilot's 2 queries of a token, got 3",
    )
    await expect(plan({ ...options, pilot, softcap: -1 })).rejects.toThrow('softcap')
    const closure = catalogue.filter(({ name }) => name === 'closure')
    await expect(plan({ ...options, pilot, methods: closure })).rejects.toThrow(
      'methods must have one that can do softcap',
    )
  })
})
