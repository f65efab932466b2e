import { checkObject } from '@sublinear/core'
import type { Broker, OpenRun, PendingNode } from './broker'
import { artifactKey } from './compute-node'
import type { ShardPlan } from './plan'
import { canonical, engineOf, planKey } from './plan-key'
import { runProgress } from './run-progress'
import { runResult, type RunResult } from './run-result'
import type { RunEvent } from './run-events'
import type { Store } from './store'
import { nodeOf, rootOf } from './tree'

export interface RunOnOptions {
  /** Store that the workers reach, too. */
  readonly store: Store
  /** Cancels the run: no further task begins, and finished artifacts stay for the next time. */
  readonly signal?: AbortSignal | undefined
  /** Called for every task that ends, and for tasks that were handed over again. */
  readonly onEvent?: ((event: RunEvent) => void) | undefined
  /** Milliseconds between two looks at the store and the broker. Default 500. */
  readonly lookMs?: number | undefined
}

/** The key of a plan's own text in the store, from which workers know what to do. */
export function planPlace(key: string): string {
  return artifactKey(key, 'plan')
}

/**
 * Runs a plan on workers, through a broker. The store decides what is done: a node is done when its artifact is there, whoever wrote it. So a coordinator may
 * die and be started again, two may run the same plan, and a broker that has forgotten everything is told again.
 *
 * Guarantee: the same bits as `runInline`, whatever fails.
 * Cost: this process holds no rows, and no artifact except the root. It waits for a broker that is down until the signal is aborted.
 *
 * @throws Error when a node has failed for good, with its reason; the signal's reason when it is aborted
 */
export async function runOn<T>(broker: Broker, plan: ShardPlan<T>, options: RunOnOptions): Promise<RunResult<T>> {
  checkObject('runOn', plan, 'plan')
  checkObject('runOn', options)
  const { store, signal, onEvent, lookMs = 500 } = options
  signal?.throwIfAborted()
  const [key, root] = [planKey(plan), artifactKey(planKey(plan), rootOf(plan).id)]
  const { blockRows, ...defining } = plan
  await store.put(planPlace(key), new TextEncoder().encode(canonical(defining)))
  const tell = runProgress(plan, onEvent)
  const begin = async (): Promise<OpenRun | undefined> => {
    const pending = await pendingBelow(plan, key, rootOf(plan).id, store, tell)
    return pending && broker.open({ key, engine: engineOf(), blockRows, root: pending }, tell)
  }
  let run: OpenRun | undefined
  /** Looks whether the root is there. If the broker or the store cannot be reached, it is asked again later. */
  const look = async (): Promise<boolean> => {
    try {
      if (await store.has(root)) return true
      if (!run) {
        run = await begin()
        return !run
      }
      const state = await Promise.race([run.state(), pause(10 * lookMs, signal)]) // a broker that is down may answer later
      if (state === undefined || state === 'running' || state === 'failed') return state === 'failed'
      if (await store.has(root)) return true
      await run.close() // forgotten or cancelled: the run begins anew with the next look
      run = undefined
      return false
    } catch (error) {
      if (error instanceof TypeError || error instanceof RangeError) throw error
      onEvent?.({ type: 'fault', reason: error instanceof Error ? error.message : String(error) })
      void run?.close().catch(() => {}) // its connections may be beyond repair: the next look opens new ones
      run = undefined
      return false
    }
  }
  try {
    while (!(await look())) {
      await pause(lookMs, signal)
      if (!signal?.aborted) continue
      await run?.cancel()
      signal.throwIfAborted()
    }
    if (run && !(await store.has(root))) throw await deadError(run, plan)
  } finally {
    await run?.close()
  }
  tell({ type: 'node', node: rootOf(plan).id, state: 'present', bytes: 0 })
  return runResult(plan, store)
}

/** The part of the tree that is not in the store. Below a node that is there, nothing is needed. */
async function pendingBelow(
  plan: ShardPlan,
  key: string,
  id: string,
  store: Store,
  tell: (event: RunEvent) => void,
): Promise<PendingNode | undefined> {
  if (await store.has(artifactKey(key, id))) {
    tell({ type: 'node', node: id, state: 'present', bytes: 0 })
    return undefined
  }
  const below: PendingNode[] = []
  for (const part of nodeOf(plan, id).parts) {
    const pending = await pendingBelow(plan, key, part, store, tell)
    if (pending) below.push(pending)
  }
  return { id, below }
}

async function deadError(run: OpenRun, { rows, rowsPerShard }: ShardPlan): Promise<Error> {
  const dead = await run.dead()
  const shown = dead.slice(0, 5).map(({ node, reason }) => `${node}: ${reason}`)
  const more = dead.length > 5 ? `; and ${dead.length - 5} more` : ''
  const of = `${Math.ceil(rows / rowsPerShard)} shards`
  return new Error(`runOn: of ${of} a node is dead: ${shown.join('; ')}${more}; what is done stays in the store`)
}

function pause(ms: number, signal?: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve(undefined)
    }
    const timer = setTimeout(done, ms)
    signal?.addEventListener('abort', done)
  })
}
