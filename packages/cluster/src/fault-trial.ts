import { taylorFeatures } from '@sublinear/attention'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { builtProgram } from './built-program'
import { cutLine, type Line } from './cut-line'
import type { FarHost } from './far-host'
import type { BrokerServer, FaultAdapter, Stray } from './fault-adapter'
import { startWorkers, workersHere, type TrialWorkers } from './fault-workers'
import { folderStore } from './folder-store'
import type { ShardPlan } from './plan'
import { planKey } from './plan-key'
import { wait } from './process-state'
import type { RunEvent } from './run-events'
import { runInline } from './run-inline'
import { runOn } from './run-on'
import { shardPlan } from './shard-plan'
import type { Store } from './store'

/** Rows of a trial's shard, in blocks of 512 that wait 25 ms each. */
export const TRIAL_ROWS = 4096
const SLOW = 25

export interface TrialOptions {
  /** Number that selects the stream; another number gives other bits. */
  readonly salt: number
  readonly shards: number
  /** Number of workers. Default 2; where they are processes, the first half stands behind the line. */
  readonly workers?: number | undefined
  readonly coordinators?: number | undefined
  /** Milliseconds after which the run is given up. Default 120,000. */
  readonly mostMs?: number | undefined
  /** Folder of the store. Default: one of the trial's own. */
  readonly storeFolder?: string | undefined
  /** Far host of the workers behind the line. Absent: the line is a proxy in this process. */
  readonly far?: FarHost | undefined
}

/** A run as its faults see it: events, workers and broker. */
export interface Trial {
  readonly adapter: FaultAdapter
  readonly server: BrokerServer
  readonly workers: TrialWorkers
  readonly store: Store
  readonly plan: ShardPlan
  readonly key: string
  readonly stray: Stray
  /** The line to the first half of the workers, where they are processes. */
  readonly line: Line | undefined
  readonly events: readonly RunEvent[]
  /** Waits for the next event that passes a test; undefined where the run ends before. */
  next(test: (event: RunEvent) => boolean): Promise<RunEvent | undefined>
  isOver(): boolean
}

export interface TrialOutcome {
  /** Numbers of artifacts of the plan, and of those that are missing or differ from the inline run's. */
  readonly nodes: number
  readonly wrong: readonly string[]
  readonly events: readonly RunEvent[]
  /** How often the shard that began most often was begun, by the processes that reported rows of it. */
  readonly mostBegun: number
  readonly ms: number
}

/** A plan of short shards whose bits no other plan has, and one of the same rows without waiting. */
async function trialPlan({ salt, shards }: TrialOptions) {
  const shape = { d: 8, dv: 8, scale: 0.35 }
  const module = builtProgram('fault-rows').href
  const features = taylorFeatures({ d: 8, degree: 2, scale: 0.35 }).spec
  const of = (options: object) =>
    shardPlan({
      method: { name: 'taylor', shape, options: { features } },
      source: { module, rows: shards * TRIAL_ROWS - 7, options: { d: 8, salt, ...options } },
      rowsPerShard: TRIAL_ROWS,
      fanIn: 4,
    })
  return { plan: await of({ slow: SLOW }), quick: await of({}) }
}

async function staffOf(
  adapter: FaultAdapter,
  server: BrokerServer,
  { workers: count = 2, far }: TrialOptions,
  store: Store,
  storeFolder: string,
): Promise<{ workers: TrialWorkers; line: Line | undefined }> {
  const { worker } = adapter
  if (!worker) {
    const brokers = Array.from({ length: count }, () => adapter.broker(server.url))
    return { workers: workersHere(brokers, store), line: undefined }
  }
  const line = far ? far.line(server.url) : await cutLine(server.url)
  const places = Array.from({ length: count }, (_, i) => {
    const isFar = i < Math.ceil(count / 2)
    const options = worker.options(isFar ? line.url : server.url)
    return { module: worker.module, options, store: storeFolder, isFar, within: isFar ? line.within : undefined }
  })
  return { workers: startWorkers(places), line }
}

/**
 * Runs a plan under faults: with workers, coordinators, and `faults` that happen meanwhile. Every artifact is compared with that of an inline run of the
 * same rows.
 *
 * @throws Error where the run fails, is not over in time, or two coordinators get different roots; any error of `faults`
 */
export async function trial(
  adapter: FaultAdapter,
  server: BrokerServer,
  options: TrialOptions,
  faults: (trial: Trial) => Promise<void>,
): Promise<TrialOutcome> {
  const { plan, quick } = await trialPlan(options)
  const folder = mkdtempSync(join(tmpdir(), 'cluster-'))
  const storeFolder = options.storeFolder ?? folder
  const store = folderStore(storeFolder)
  const { workers, line } = await staffOf(adapter, server, options, store, storeFolder)
  const stray = adapter.stray(server.url)
  const events: RunEvent[] = []
  const waiting = new Set<{ test: (event: RunEvent) => boolean; give: (event?: RunEvent) => void }>()
  let isOver = false
  const onEvent = (event: RunEvent) => {
    events.push(event)
    for (const one of waiting) {
      if (!one.test(event)) continue
      waiting.delete(one)
      one.give(event)
    }
  }
  const { mostMs = 120_000 } = options
  const stop = new AbortController()
  const timer = setTimeout(() => stop.abort(new Error(`the run was not over in ${mostMs} ms`)), mostMs)
  const began = performance.now()
  const self: Trial = {
    adapter,
    server,
    workers,
    store,
    plan,
    key: planKey(plan),
    stray,
    line,
    events,
    isOver: () => isOver,
    next: (test) => (isOver ? Promise.resolve(undefined) : new Promise((give) => waiting.add({ test, give }))),
  }
  try {
    const { signal } = stop
    const runs = Array.from({ length: options.coordinators ?? 1 }, (_, i) =>
      runOn(adapter.broker(server.url), plan, { store, lookMs: 100, signal, ...(i === 0 && { onEvent }) }),
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
    line?.close()
    await Promise.race([stray.close(), wait(2000)])
    rmSync(folder, { recursive: true, force: true })
  }
}

function mostBegun(events: readonly RunEvent[]): number {
  const begun = new Map<string, Set<number>>()
  for (const event of events)
    if (event.type === 'rows') begun.set(event.node, (begun.get(event.node) ?? new Set()).add(event.worker ?? 0))
  return Math.max(0, ...[...begun.values()].map((workers) => workers.size))
}
