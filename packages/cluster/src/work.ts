import { checkObject } from '@sublinear/core'
import type { Broker, Perform } from './broker'
import { artifactKey } from './compute-node'
import type { ShardPlan } from './plan'
import { engineOf, planKey } from './plan-key'
import { inputsOf } from './run-inline'
import { planPlace } from './run-on'
import type { Store } from './store'
import { threadPool, type ThreadPool } from './thread-pool'

export interface WorkOptions {
  /** Store that the coordinator reaches, too. */
  readonly store: Store
  /** Number of tasks at a time, each in a thread of its own. Default 1. */
  readonly concurrency?: number | undefined
  /** Ends the worker; tasks that it has begun go back to the broker. */
  readonly signal?: AbortSignal | undefined
  /** Called for lost connections, after which the worker goes on. */
  readonly onFault?: ((error: Error) => void) | undefined
}

/** Number of plans that a worker remembers. */
const REMEMBERED = 16

/**
 * Runs a worker: takes tasks from a broker until the signal is aborted, and writes their artifacts to the store. Tasks are computed in threads of their own,
 * while this thread renews the locks, so a shard may take any time.
 *
 * Guarantee: a task whose artifact is there is not done again; a plan of another engine or version, or a changed one, is refused, since its key differs.
 * Cost: the summary of a shard and a block of rows for each thread.
 */
export async function work(broker: Broker, options: WorkOptions): Promise<void> {
  checkObject('work', options)
  const { store, concurrency = 1, signal, onFault } = options
  const pool = threadPool(concurrency)
  const perform = performing(store, pool)
  try {
    await broker.serve(perform, {
      engine: engineOf(),
      concurrency,
      ...(signal && { signal }),
      ...(onFault && { onFault }),
    })
  } finally {
    await pool.close()
  }
}

function performing(store: Store, pool: ThreadPool): Perform {
  const plans = new Map<string, Omit<ShardPlan, 'blockRows'>>()
  const planOf = async (key: string) => {
    const known = plans.get(key)
    if (known) return known
    const plan = await readPlan(key, store)
    if (plans.size >= REMEMBERED) plans.clear()
    plans.set(key, plan)
    return plan
  }
  return async ({ key, node, blockRows }, { signal, onRows }) => {
    const artifact = artifactKey(key, node)
    if (await store.has(artifact)) return { node, state: 'present', bytes: 0 }
    const plan = { ...(await planOf(key)), blockRows }
    const inputs = await inputsOf(plan, node, store)
    const bytes = await pool.compute({ plan, node, inputs, engine: engineOf() }, { onRows, signal })
    return { node, state: await store.put(artifact, bytes), bytes: bytes.length }
  }
}

/** Reads a plan. @throws RangeError where its text does not give the key, on this engine; Error where there is none */
async function readPlan(key: string, store: Store): Promise<Omit<ShardPlan, 'blockRows'>> {
  const bytes = await store.get(planPlace(key))
  if (!bytes) throw new Error(`work: ${planPlace(key)} is not in the store`)
  const plan = JSON.parse(new TextDecoder().decode(bytes)) as ShardPlan
  if (planKey(plan) !== key)
    throw new RangeError(
      `work: the plan ${key} was made by another engine or version, or was changed; this is ${engineOf()}`,
    )
  return plan
}
