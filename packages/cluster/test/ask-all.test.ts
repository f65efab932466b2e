// Kills: a shard that is not asked or asked twice, partial answers combined without their maxima, answers of stale queries, an answer given though a shard is missing, bits that depend on who computes.
import { normalise, openStream } from '@sublinear/attention'
import { combine } from '@sublinear/exact-attention'
import { distance, random, softmaxOracle } from '@sublinear/laws'
import { describe, expect, it } from 'vitest'
import { askAll, memoryStore, planKey, runInline, shardPlan } from '../src'
import { exactPlan, module, shape, wholeRows } from './plans'

const ROWS = 1000
const { keys, values } = wholeRows(ROWS)
const queries = random(5, 3, 11, 20) // large scores: only the right maxima survive

describe('askAll', () => {
  it.each([0, 2, 3])('is float64 attention over all shards where they are exact, with fan-in %i', async (fanIn) => {
    const plan = await exactPlan({ fanIn })
    const store = memoryStore()
    await runInline(plan, { store })
    const { answers, partial } = await askAll(plan, queries, { store })
    const truth = softmaxOracle(queries, keys, values, shape.scale, () => ROWS)
    expect(distance(answers.data, truth)).toBeLessThan(3e-6)
    // The partial's mass is that of all keys: log(Σ e^s) to float64.
    for (let r = 0; r < queries.rows; r++) {
      let sum = 0
      for (let j = 0; j < ROWS; j++) {
        let s = 0
        for (let c = 0; c < 3; c++) s += shape.scale * queries.data[r * 3 + c] * keys.data[j * 3 + c]
        sum += Math.exp(s)
      }
      expect(partial.max[r] + Math.log(partial.mass[r])).toBeCloseTo(Math.log(sum), 4)
    }
    const others = await askAll(plan, random(2, 3, 5), { store })
    const otherTruth = softmaxOracle(random(2, 3, 5), keys, values, shape.scale, () => ROWS)
    expect(distance(others.answers.data, otherTruth)).toBeLessThan(3e-6)
  })

  it('combines what the shards answer, whatever the method', async () => {
    const source = { module, rows: ROWS, options: { kind: 'kv', cols: 3, dv: 2 } }
    const method = { name: 'window', shape, options: { count: 20, buffer: 8 } }
    const plan = await shardPlan({ method, source, rowsPerShard: 130, fanIn: 0 })
    const store = memoryStore()
    await runInline(plan, { store })
    const partials = []
    for (let i = 0; i < 8; i++) {
      using stream = openStream((await store.get(`${planKey(plan)}/0.${i}`))!)
      partials.push(stream.attend(queries))
    }
    const wanted = normalise(partials.reduce(combine)).data
    expect(distance((await askAll(plan, queries, { store })).answers.data, wanted)).toBeLessThan(1e-6)
  })

  it('gives the same bits again, and refuses what it cannot answer', async () => {
    const plan = await exactPlan()
    const [one, two] = [memoryStore(), memoryStore()]
    await runInline(plan, { store: one })
    await runInline(plan, { store: two })
    const ask = async (store: typeof one) => (await askAll(plan, queries, { store })).answers.data
    expect([...(await ask(one))]).toEqual([...(await ask(two))])
    await expect(askAll(plan, queries, { store: memoryStore() })).rejects.toThrow(/shard 0 .* is not in the store/)
    await expect(askAll(plan, random(1, 4, 1), { store: one })).rejects.toThrow(/queries/)
    const source = { module, rows: 10, options: { kind: 'items' } }
    const counter = await shardPlan({ counter: { kind: 'frequentItems', count: 8 }, source, rowsPerShard: 5 })
    await expect(askAll(counter, queries, { store: one })).rejects.toThrow('the plan must be of a method')
  })
})
