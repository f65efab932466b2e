// A broker in memory, that delivers twice, backwards and after forgetting; BullMQ itself is tried by `npm run services`. Threads are those of the built package.
// Kills: bits that depend on who computes or how often, a run that trusts the broker and not the store, tasks of nodes that are there, a failure that stops for good what could
// be tried again, or is tried for ever, a reason that is lost, a cancelled run that goes on, a foreign plan that is worked on, a thread that is not ended with its task.
import { random } from '@sublinear/laws'
import { describe, expect, it } from 'vitest'
import { askAll, memoryStore, planKey, runInline, runOn, work, type RunEvent, type Store } from '../src'
import { threadPool } from '../src/thread-pool'
import { inProcessBroker } from '../src/in-process'
import { exactPlan, featurePlan } from './plans'

/** Runs with workers until the run is over, and ends them. */
async function withWorkers<T>(
  { broker }: ReturnType<typeof inProcessBroker>,
  store: Store,
  use: () => Promise<T>,
  workers = 2,
): Promise<T> {
  const stop = new AbortController()
  const all = Array.from({ length: workers }, () => work(broker, { store, signal: stop.signal }))
  try {
    return await use()
  } finally {
    stop.abort()
    await Promise.all(all)
  }
}
const lookMs = 20

describe('runOn', () => {
  it.each([false, true])('gives the bits of runInline, tasks delivered twice: %s', async (twice) => {
    const plan = await featurePlan({ rows: 600 })
    const kit = inProcessBroker({ twice })
    const store = memoryStore()
    const events: RunEvent[] = []
    const onEvent = (event: RunEvent) => events.push(event)
    const { digest, digests } = await withWorkers(kit, store, () => runOn(kit.broker, plan, { store, lookMs, onEvent }))
    const inline = await runInline(plan)
    expect(digest).toBe(inline.digest)
    expect(await digests()).toEqual(await inline.digests())
    expect(events.filter(({ type }) => type === 'progress').at(-1)).toMatchObject({ shards: 9, ofShards: 9, rows: 600 })
  })

  it('asks for what is missing alone, and begins again what a broker forgot', async () => {
    const plan = await featurePlan({ rows: 600 })
    const kit = inProcessBroker()
    const store = memoryStore()
    const reference = memoryStore()
    await runInline(plan, { store: reference })
    for (const node of ['1.0', '0.4', '0.8'])
      await store.put(`${planKey(plan)}/${node}`, (await reference.get(`${planKey(plan)}/${node}`))!)
    const running = runOn(kit.broker, plan, { store, lookMs })
    while (kit.opened.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    kit.forget()
    const { digest } = await withWorkers(kit, store, () => running)
    expect(kit.opened).toHaveLength(2)
    expect(kit.opened[0].toSorted()).toEqual(['0.3', '0.5', '0.6', '0.7', '1.1', '1.2', '2.0'])
    expect(digest).toBe((await runInline(plan)).digest)
  })

  it('serves two coordinators of one plan', async () => {
    const plan = await exactPlan({ rows: 400 })
    const kit = inProcessBroker()
    const store = memoryStore()
    const two = () => Promise.all([0, 1].map(() => runOn(kit.broker, plan, { store, lookMs })))
    const [one, other] = await withWorkers(kit, store, two)
    expect(one.digest).toBe(other.digest)
    expect(kit.opened).toHaveLength(1)
  })

  it('says which node is dead and why, at once where trying again is no use, and goes on when asked again', async () => {
    const plan = await featurePlan({ rows: 600, options: { fault: 333 } })
    const kit = inProcessBroker({ attempts: 3 })
    const store = memoryStore()
    const events: RunEvent[] = []
    const run = () => runOn(kit.broker, plan, { store, lookMs, onEvent: (event) => events.push(event) })
    await expect(withWorkers(kit, store, run)).rejects.toThrow(/a node is dead: 0\.4: row 333 cannot be read/)
    expect(events.filter(({ type }) => type === 'retry')).toHaveLength(2)
    expect(events.filter(({ type }) => type === 'dead')).toHaveLength(1)
    const wrong = await featurePlan({ rows: 600, options: { less: 1 } })
    const other = inProcessBroker({ attempts: 3 })
    await expect(withWorkers(other, store, () => runOn(other.broker, wrong, { store, lookMs }))).rejects.toThrow(
      /gave \d+ rows of \d+/,
    )
    const attempts = Array.from({ length: 9 }, (_, i) => other.job(planKey(wrong), `0.${i}`)!.attempts)
    expect(Math.max(...attempts)).toBe(1)
  })

  it('begins no task any more when it is cancelled, and keeps what is done', async () => {
    const plan = await featurePlan({ rows: 2000 })
    const kit = inProcessBroker()
    const store = memoryStore()
    const stop = new AbortController()
    let nodes = 0
    const onEvent = ({ type }: RunEvent) => {
      if (type === 'node' && ++nodes === 3) stop.abort(new Error('not wanted'))
    }
    await withWorkers(kit, store, async () => {
      await expect(runOn(kit.broker, plan, { store, lookMs, signal: stop.signal, onEvent })).rejects.toThrow(
        'not wanted',
      )
      await new Promise((resolve) => setTimeout(resolve, 100))
    })
    const left = kit.opened[0].filter((node) => kit.job(planKey(plan), node)!.state === 'waiting')
    expect(left.length).toBeGreaterThan(10)
    const { digest } = await withWorkers(kit, store, () => runOn(kit.broker, plan, { store, lookMs }))
    expect(kit.opened[1].length).toBeLessThanOrEqual(kit.opened[0].length - 3)
    expect(digest).toBe((await runInline(plan)).digest)
  })

  it('answers queries by workers in the same bits', async () => {
    const plan = await exactPlan({ rows: 600, fanIn: 0 })
    const kit = inProcessBroker()
    const [store, alone] = [memoryStore(), memoryStore()]
    await runInline(plan, { store: alone })
    const queries = random(3, 3, 2)
    const found = await withWorkers(kit, store, async () => {
      await runOn(kit.broker, plan, { store, lookMs })
      return askAll(plan, queries, { store, on: kit.broker })
    })
    expect(found).toEqual(await askAll(plan, queries, { store: alone }))
  })
})

describe('work', () => {
  it('refuses a plan that its key was not made of: changed, or of another engine', async () => {
    const plan = await featurePlan()
    const key = planKey(plan, 'scalar 0.1.0')
    const store = memoryStore()
    const { blockRows, ...rest } = plan
    await store.put(`${key}/plan`, new TextEncoder().encode(JSON.stringify(rest)))
    const kit = inProcessBroker()
    const root = { id: '0.0', below: [] }
    const run = await kit.broker.open({ key, engine: 'any', blockRows, root }, () => {})
    await withWorkers(kit, store, async () => {
      while ((await run.state()) === 'running') await new Promise((resolve) => setTimeout(resolve, 5))
    })
    expect(await run.dead()).toEqual([
      { node: '0.0', reason: expect.stringMatching(/another engine or version, or was changed/) as string },
    ])
  })
})

const calls = (signal: AbortSignal) => ({ onRows: () => {}, signal })

describe('threadPool', () => {
  it('ends a thread whose task is no longer its own, and computes on', async () => {
    const plan = await featurePlan()
    const pool = threadPool(1)
    const engine = 'none'
    const stop = new AbortController()
    const endless = {
      ...plan,
      source: { module: 'data:text/javascript,export function* rows() { for (;;); }', rows: 9 },
    }
    const { engineOf } = await import('../src')
    const hanging = pool.compute({ plan: endless, node: '0.0', inputs: [], engine: engineOf() }, calls(stop.signal))
    setTimeout(() => stop.abort(), 300)
    await expect(hanging).rejects.toThrow(/no longer this worker's/)
    const live = new AbortController().signal
    await expect(pool.compute({ plan, node: '0.0', inputs: [], engine }, calls(live))).rejects.toThrow(RangeError)
    expect(await pool.compute({ plan, node: '0.0', inputs: [], engine: engineOf() }, calls(live))).toHaveLength(
      (await runInline(await featurePlan({ rows: 70 }))).root.length,
    )
    await pool.close()
  })
})
