import { taylorFeatures } from '@sublinear/attention'
import {
  folderStore,
  planKey,
  rootOf,
  runInline,
  runOn,
  shardPlan,
  type RunEvent,
  type ShardPlan,
  type Store,
} from '@sublinear/cluster'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Adapter, Stray } from './adapter.ts'
import { cutLine } from './cut-line.ts'
import { isAlive, stateOf, wait, type Server } from './servers.ts'
import { startWorkers, type Workers } from './workers.ts'

/** Rows of a shard, in blocks of 512 of 25 ms each. */
const ROWS = 4096
const SLOW = 25
const MOST_MS = 120_000

export interface TrialPlan {
  readonly salt: number
  readonly shards: number
  /** Milliseconds of a block: 0 where no fault has to hit a shard. */
  readonly slow?: number
}

/** A plan of short shards whose bits nobody else's plan has. */
export async function trialPlan({ salt, shards, slow = SLOW }: TrialPlan) {
  const shape = { d: 8, dv: 8, scale: 0.35 }
  const module = new URL('./generated-rows.mjs', import.meta.url).href
  const features = taylorFeatures({ d: 8, degree: 2, scale: 0.35 }).spec
  const of = (options: object) =>
    shardPlan({
      method: { name: 'taylor', shape, options: { features } },
      source: { module, rows: shards * ROWS - 7, options: { d: 8, salt, ...options } },
      rowsPerShard: ROWS,
      fanIn: 4,
    })
  return { plan: await of({ slow }), quick: await of({}) }
}

/** Everything that a fault needs: the run as it goes, its workers and its broker. */
export interface Trial {
  readonly adapter: Adapter
  readonly server: Server
  readonly workers: Workers
  readonly store: Store
  readonly storeFolder: string
  readonly plan: ShardPlan
  readonly key: string
  readonly stray: Stray
  readonly line: Awaited<ReturnType<typeof cutLine>>
  readonly events: readonly (RunEvent & { readonly at: number })[]
  /** The next event that a test takes; undefined where the run ends before. */
  next(test: (event: RunEvent) => boolean): Promise<RunEvent | undefined>
  isOver(): boolean
}

export interface Outcome {
  /** Artifacts of the plan, and those among them that are not there or differ from the inline run's. */
  readonly nodes: number
  readonly wrong: readonly string[]
  readonly events: Trial['events']
  /** How often each shard was begun, the most of them. */
  readonly mostBegun: number
  readonly ms: number
}

/**
 * A run under faults: workers, coordinator, and `faults`, which go on beside it. Every artifact is held against that of an inline run of the same rows (whose generator does not wait).
 */
export async function trial(
  adapter: Adapter,
  server: Server,
  what: TrialPlan & { readonly workers?: number; readonly storeFolder?: string; readonly coordinators?: number },
  faults: (trial: Trial) => Promise<void>,
): Promise<Outcome> {
  const { plan, quick } = await trialPlan(what)
  const folder = mkdtempSync(join(tmpdir(), 'cluster-'))
  const storeFolder = what.storeFolder ?? folder
  const store = folderStore(storeFolder)
  const line = await cutLine(server.port)
  const near = server.url.replace(`:${server.port}`, `:${line.port}`)
  const workers = startWorkers(what.workers ?? 2, { ...adapter.options(near), store: storeFolder })
  const stray = adapter.stray(server.url)
  const events: (RunEvent & { at: number })[] = []
  const waiting = new Set<{ test: (event: RunEvent) => boolean; give: (event?: RunEvent) => void }>()
  let isOver = false
  const onEvent = (event: RunEvent) => {
    events.push({ ...event, at: performance.now() })
    for (const one of waiting) {
      if (!one.test(event)) continue
      waiting.delete(one)
      one.give(event)
    }
  }
  const stop = new AbortController()
  const timer = setTimeout(() => stop.abort(new Error(`the run was not over in ${MOST_MS} ms`)), MOST_MS)
  const began = performance.now()
  const self: Trial = {
    adapter,
    server,
    workers,
    store,
    storeFolder,
    plan,
    key: planKey(plan),
    stray,
    line,
    events,
    isOver: () => isOver,
    next: (test) => (isOver ? Promise.resolve(undefined) : new Promise((give) => waiting.add({ test, give }))),
  }
  try {
    const runs = Array.from({ length: what.coordinators ?? 1 }, (_, i) =>
      runOn(adapter.broker(server.url), plan, { store, lookMs: 100, signal: stop.signal, ...(i === 0 && { onEvent }) }),
    )
    const over = Promise.all(runs).finally(() => {
      isOver = true
      for (const { give } of waiting) give()
    })
    const [results] = await Promise.all([over, faults(self)])
    const ms = performance.now() - began
    if (new Set(results.map(({ digest }) => digest)).size > 1) throw new Error('coordinators have different roots')
    const inline = await runInline(quick)
    const [result] = results
    const [found, wanted] = [await result.digests(), await inline.digests()]
    const wrong = [...wanted].filter(([node, digest]) => found.get(node) !== digest).map(([node]) => node)
    return { nodes: wanted.size, wrong, events, mostBegun: mostBegun(events), ms }
  } finally {
    clearTimeout(timer)
    await workers.stop()
    line.close()
    await Promise.race([stray.close(), wait(2000)])
    rmSync(folder, { recursive: true, force: true })
  }
}

/** How often the busiest shard was begun, by the processes that told of its rows. */
function mostBegun(events: Trial['events']): number {
  const begun = new Map<string, Set<number>>()
  for (const event of events)
    if (event.type === 'rows') begun.set(event.node, (begun.get(event.node) ?? new Set()).add(event.worker ?? 0))
  return Math.max(0, ...[...begun.values()].map((workers) => workers.size))
}

/** A fault that landed, as the campaign counts it. */
export interface Landed {
  readonly fault: string
  readonly detail: string
  /** Looks at the end of the run whether what had to follow has followed. */
  verify?(): void
}

const has = (trial: Trial, node: string) => trial.store.has(`${trial.key}/${node}`)

/** SIGKILLs a worker inside a shard, and sees at the end that another process began this very shard again. Undefined where the shard was quicker. */
export async function killInShard(trial: Trial): Promise<Landed | undefined> {
  const event = await trial.next(
    (one) => one.type === 'rows' && one.rows < ROWS && one.worker !== undefined && trial.workers.has(one.worker),
  )
  if (event?.type !== 'rows') return undefined
  const pid = event.worker!
  trial.workers.signal(pid, 'SIGKILL')
  while (isAlive(pid)) await wait(2)
  if (await has(trial, event.node)) return undefined
  const from = trial.events.length
  return {
    fault: 'worker killed in a shard',
    detail: `${event.node} of ${pid}`,
    verify() {
      const again = trial.events.slice(from).find((one) => one.type === 'rows' && one.node === event.node)
      if (again?.type !== 'rows' || again.worker === pid)
        throw new Error(`shard ${event.node} was not begun again after ${pid} was killed in it`)
    },
  }
}

/** Stops a worker inside a shard until another has begun it, then lets it go on: a late finisher. */
export async function stopInShard(trial: Trial): Promise<Landed | undefined> {
  const event = await trial.next(
    (one) => one.type === 'rows' && one.rows < ROWS && one.worker !== undefined && trial.workers.has(one.worker),
  )
  if (event?.type !== 'rows') return undefined
  const pid = event.worker!
  trial.workers.signal(pid, 'SIGSTOP')
  await wait(5)
  const isStopped = stateOf(pid) === 'T'
  if (!isStopped || (await has(trial, event.node))) {
    trial.workers.signal(pid, 'SIGCONT')
    return undefined
  }
  const again = await trial.next((one) => one.type === 'rows' && one.node === event.node && one.worker !== pid)
  trial.workers.signal(pid, 'SIGCONT')
  if (!again) throw new Error(`shard ${event.node} was not begun again while ${pid} was stopped`)
  return { fault: 'worker stopped past its lock', detail: event.node }
}

/** Delivers a task again whose artifact is there. */
export async function deliverTwice(trial: Trial): Promise<Landed | undefined> {
  const event = await trial.next((one) => one.type === 'node')
  if (event?.type !== 'node') return undefined
  const delivered = await trial.stray.deliver({ key: trial.key, node: event.node, blockRows: 512 })
  const said = await answerOf(trial, delivered)
  if (said === undefined) return undefined
  if (!said.includes('"present"')) throw new Error(`a task delivered twice ended as ${said}`)
  return { fault: 'task delivered twice', detail: `${event.node} ${said}` }
}

/** Delivers a merge before what is below it is there: it must fail, be tried again, and in the end change nothing. */
export async function deliverEarly(trial: Trial, id: string = rootOf(trial.plan).id): Promise<Landed | undefined> {
  const delivered = await trial.stray.deliver({ key: trial.key, node: id, blockRows: 512 })
  const said = await answerOf(trial, delivered)
  if (said === undefined) return undefined
  const [state, attempts] = said.split(' ')
  if (state !== 'completed') throw new Error(`a task delivered early ended as ${said}`)
  return Number(attempts) > 1 ? { fault: 'task delivered too early', detail: `${id} ${said}` } : undefined
}

/** Kills the broker with everything that belongs to it, and starts it again. */
export async function killBroker({ server }: Trial): Promise<Landed> {
  const { pid } = server
  await server.kill()
  if (isAlive(pid)) throw new Error('the broker lives on')
  await wait(300)
  await server.start()
  return { fault: 'broker killed and started again', detail: `${pid} to ${server.pid}` }
}

/** Stops the broker past every lock. */
export async function pauseBroker({ server }: Trial): Promise<Landed> {
  server.pause()
  await wait(20)
  const state = stateOf(server.pid)
  await wait(1800)
  server.resume()
  if (state !== 'T') throw new Error(`the broker was to be stopped, its state was ${state}`)
  return { fault: 'broker stopped past the locks', detail: '1.8 s' }
}

/** Cuts the line between workers and broker past every lock. */
export async function cutNetwork({ line }: Trial): Promise<Landed | undefined> {
  line.cut()
  await wait(1800)
  const lost = line.join()
  return lost > 0 ? { fault: 'network cut past the locks', detail: `${lost} bytes lost` } : undefined
}

async function answerOf(trial: Trial, delivered: Awaited<ReturnType<Stray['deliver']>>): Promise<string | undefined> {
  for (let waited = 0; waited < 90_000; waited += 100) {
    const said = await delivered.over().catch(() => undefined)
    if (said !== undefined) return said
    await wait(100)
    if (trial.isOver()) waited += 1900
  }
  return undefined
}
