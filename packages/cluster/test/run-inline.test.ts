// Kills: a shard that begins at the wrong row, a sketch pushed at row 0 of its shard, a part merged twice or not at all, parts in another order than the shards', bits that
// depend on the size of blocks or on what is in the store, an artifact computed again though it is there, a count that is not exact where it can be, an abort that is not heard.
import { catalogue, normalise } from '@sublinear/attention'
import { innerProduct, sketch } from '@sublinear/core'
import { distance, random, softmaxOracle } from '@sublinear/laws'
import { countSketch } from '@sublinear/sparse-sketch'
import type { FeatureStream } from '@sublinear/streaming-attention'
import { describe, expect, it, test } from 'vitest'
import { memoryStore, nodeOf, planKey, runInline, runShards, shardPlan, type RunEvent, type Store } from '../src'
import { computeNode } from '../src/compute-node'
import { rows as generated } from './data/rows.mjs'
import { exactPlan, featurePlan, module, oneStream, shape, wholeRows } from './plans'

const ROWS = 1000
const queries = random(4, 3, 7)

describe('the root', () => {
  it('answers as float64 attention over all rows, where the method is exact', async () => {
    const stream = await (await runInline(await exactPlan())).open()
    const { keys, values } = wholeRows(ROWS)
    const truth = softmaxOracle(queries, keys, values, shape.scale, () => ROWS)
    expect(distance(normalise(stream.attend(queries)).data, truth)).toBeLessThan(2e-6)
    expect(stream.tokens).toBe(ROWS)
  })

  it('of features has the moments of one stream over all rows, to rounding', async () => {
    const stream = (await (await runInline(await featurePlan())).open()) as FeatureStream
    const [tree, one] = [stream, oneStream(ROWS)].map((s) => s.moments())
    expect(tree.weight).toBe(ROWS)
    expect(distance(tree.state, one.state)).toBeLessThan(2e-5) // float32 sums of some 100
    expect(distance(tree.totals, one.totals)).toBeLessThan(2e-6)
  })

  it('of a window are the newest rows', async () => {
    const source = { module, rows: ROWS, options: { kind: 'kv', cols: 3, dv: 2 } }
    const method = { name: 'window', shape, options: { count: 40, buffer: 8 } }
    const plan = await shardPlan({ method, source, rowsPerShard: 70, fanIn: 3 })
    const stream = await (await runInline(plan)).open()
    using one = catalogue.find(({ name }) => name === 'window')!.make(shape, { count: 40, buffer: 8 })
    one.push(wholeRows(ROWS))
    const [tree, whole] = [stream, one].map((s) => normalise(s.attend(queries)).data)
    // Where a part's buffer ends differs, so up to eight more tokens may be held.
    const { keys, values } = wholeRows(ROWS)
    const newest = (count: number) => {
      const cutOff = (m: typeof keys) => ({ rows: count, cols: m.cols, data: m.data.subarray((ROWS - count) * m.cols) })
      return softmaxOracle(queries, cutOff(keys), cutOff(values), shape.scale, () => count)
    }
    const counts = Array.from({ length: 9 }, (_, i) => 40 + i)
    expect(Math.min(...counts.map((count) => distance(tree, newest(count))))).toBeLessThan(1e-6)
    expect(Math.min(...counts.map((count) => distance(whole, newest(count))))).toBeLessThan(1e-6)
  })

  it('of a sketch is that of all rows, each at its own index', async () => {
    const source = { module, rows: ROWS, options: { kind: 'rows', cols: 3 } }
    const spec = { kind: 'countSketch', m: 16, width: 3, precision: 'f64' } as const
    const plan = await shardPlan({ sketch: spec, source, rowsPerShard: 77, fanIn: 4, seed: 9n })
    const found = await (await runInline(plan)).open()
    const one = sketch(countSketch({ m: 16, seed: 9 }), 3, { precision: 'f64' })
    one.push([...generated(0, ROWS, { kind: 'rows', cols: 3, block: ROWS })][0] as never)
    expect(found.rows).toBe(ROWS)
    expect(distance(found.state.data, one.state.data)).toBeLessThan(1e-6)
    expect(distance(innerProduct(found, found).data, innerProduct(one, one).data)).toBeLessThan(1e-5)
  })

  it('of counters has every count: exactly where the table holds all keys', async () => {
    const source = { module, rows: ROWS, options: { kind: 'items' } }
    const truth = new Map<number, number>()
    for (let i = 0; i < ROWS; i++) truth.set((i * i) % 97, (truth.get((i * i) % 97) ?? 0) + 1)
    const frequent = await shardPlan({ counter: { kind: 'frequentItems', count: 128 }, source, rowsPerShard: 90 })
    const items = await (await runInline(frequent)).open()
    const spec = { kind: 'heavyHitters', n: 128, k: 4, epsilon: 0.5 } as const
    const heavy = await shardPlan({ counter: spec, source, rowsPerShard: 90, seed: 3 })
    const hitters = await (await runInline(heavy)).open()
    expect(items.total).toBe(ROWS)
    for (const [key, count] of truth) {
      expect(items.bounds(key)).toMatchObject({ lower: count, upper: count })
      if (hitters.dominated) expect(hitters.estimate(key)).toBe(count)
    }
    const measured = hitters.measured.reduce((sum, x) => sum + Math.abs(x), 0)
    expect(measured).toBeGreaterThan(0)
  })
})

const digest = async (blockRows: number, store?: Store) =>
  (await runInline(await featurePlan({ blockRows, options: { block: 64 } }), store && { store })).digest

test('the bits depend on neither blocks, nor runs, nor what is in the store', async () => {
  const first = await digest(512)
  expect(await digest(5)).toBe(first)
  // The generator's own blocks are part of its options, so these are two plans, of the same bits.
  const other = await runInline(await featurePlan({ options: { block: 11 } }))
  const same = await runInline(await featurePlan({ options: { block: 64 } }))
  expect(Buffer.compare(other.root, same.root)).toBe(0)
  expect(same.digest).toBe(first)
})

describe('a second run', () => {
  it('does not compute again what is there, and gives the same root', async () => {
    const plan = await featurePlan()
    const store = memoryStore()
    const first = await runInline(plan, { store })
    const events: RunEvent[] = []
    const second = await runInline(plan, { store, onEvent: (event) => events.push(event) })
    expect(second.digest).toBe(first.digest)
    expect(events.flatMap((event) => (event.type === 'node' ? [event.state] : []))).toEqual(['present'])
    expect((await second.digests()).size).toBe(15 + 5 + 2 + 1)
  })

  it('goes on where the first was aborted', async () => {
    const plan = await featurePlan()
    const store = memoryStore()
    const stop = new AbortController()
    let nodes = 0
    const onEvent = ({ type }: RunEvent) => {
      if (type === 'node' && ++nodes === 6) stop.abort(new Error('enough'))
    }
    await expect(runInline(plan, { store, signal: stop.signal, onEvent })).rejects.toThrow('enough')
    const states: string[] = []
    const second = await runInline(plan, {
      store,
      onEvent: (event) => event.type === 'node' && states.push(event.state),
    })
    expect(states.filter((state) => state === 'new')).toHaveLength(23 - 6)
    expect(second.digest).toBe((await runInline(plan)).digest)
  })

  it('merges shards that others made, in the same bits', async () => {
    const plan = await featurePlan()
    const store = memoryStore()
    await runShards(plan, 9, 15, { store })
    await runShards(plan, 0, 9, { store })
    await expect(runShards(plan, 14, 16, { store })).rejects.toThrow('the plan has no node 0.15')
    const states: string[] = []
    const onEvent = (event: RunEvent) => event.type === 'node' && states.push(`${event.node} ${event.state}`)
    const { digest } = await runInline(plan, { store, onEvent })
    expect(states.filter((state) => state.startsWith('0.'))).toEqual(
      Array.from({ length: 15 }, (_, i) => `0.${i} present`),
    )
    expect(digest).toBe((await runInline(plan)).digest)
  })

  it('says how far it is', async () => {
    const events: RunEvent[] = []
    await runInline(await featurePlan(), { onEvent: (event) => events.push(event) })
    const told = events.filter((event) => event.type === 'progress')
    expect(told).toHaveLength(23)
    expect(told.at(-1)).toMatchObject({ shards: 15, ofShards: 15, merges: 8, ofMerges: 8, rows: ROWS, ofRows: ROWS })
    expect(told[0]).toMatchObject({ shards: 1, merges: 0, rows: 70 })
  })
})

it('refuses an artifact that another run made differently', async () => {
  const plan = await featurePlan()
  const store = memoryStore()
  const other = await computeNode(plan, '0.1', [])
  await store.put(`${planKey(plan)}/${nodeOf(plan, '0.0').id}`, other)
  await expect(store.put(`${planKey(plan)}/0.0`, await computeNode(plan, '0.0', []))).rejects.toThrow(
    'holds other content',
  )
})

it.each([
  [{ less: 1 }, /gave 69 rows of 70 from 0 on/],
  [{ less: -1 }, /gave more than the rows 0 to 69/],
  [{ fault: 80 }, /row 80 cannot be read/],
  [{ kind: 'rows' }, /a method takes blocks of keys and values/],
])('fails where the source is wrong: %j', async (options, message) => {
  await expect(runInline(await featurePlan({ options }))).rejects.toThrow(message)
})
