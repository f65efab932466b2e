import { checkObject } from '@sublinear/core'
import { artifactKey, computeNode, inputKeys } from './compute-node'
import type { ShardPlan } from './plan'
import { planKey } from './plan-key'
import type { OnEvent } from './run-events'
import { runProgress } from './run-progress'
import { runResult, type RunResult } from './run-result'
import { memoryStore, type Store } from './store'
import { nodeOf, rootOf } from './tree'

export interface RunOptions {
  /** Store of the artifacts. Artifacts that it has are not computed again. Default: the memory of this process. */
  readonly store?: Store | undefined
  /** Cancels the run: its reason is thrown, and finished artifacts stay in the store. */
  readonly signal?: AbortSignal | undefined
  /** Called for every task that ends. */
  readonly onEvent?: OnEvent | undefined
}

/** Number of rows after which timers, signals and other tasks get their turn. */
const TURN = 8192

/**
 * Runs a plan in this process, node after node. Every other way to run the plan gives the same bits. Take it where one machine is enough.
 *
 * Guarantee: the same plan, engine and version give the same bits.
 * Cost: one shard at a time; at most fanIn artifacts are held while they are merged.
 *
 * @throws Error as the source and the summary do; the signal's reason when aborted; finished artifacts then stay in the store
 */
export async function runInline<T>(plan: ShardPlan<T>, options: RunOptions = {}): Promise<RunResult<T>> {
  checkObject('runInline', plan, 'plan')
  const { store = memoryStore() } = options
  await ensurer(plan, store, options)(rootOf(plan).id)
  return runResult(plan, store)
}

/**
 * Runs only the shards first … end − 1 of a plan, into a store: for machines that share a store and have no broker. Whoever then runs the plan inline merges
 * these shards.
 *
 * @throws RangeError when the plan has no such shards; Error as runInline does
 */
export async function runShards(
  plan: ShardPlan,
  first: number,
  end: number,
  options: RunOptions & { readonly store: Store },
): Promise<void> {
  checkObject('runShards', plan, 'plan')
  checkObject('runShards', options)
  const ensure = ensurer(plan, options.store, options)
  for (let i = first; i < end; i++) await ensure(`0.${i}`)
}

function ensurer(plan: ShardPlan, store: Store, { signal, onEvent }: RunOptions): (id: string) => Promise<void> {
  const tell = runProgress(plan, onEvent)
  const key = planKey(plan)
  const ensure = async (id: string): Promise<void> => {
    signal?.throwIfAborted()
    const { parts } = nodeOf(plan, id)
    if (await store.has(artifactKey(key, id))) return tell({ type: 'node', node: id, state: 'present', bytes: 0 })
    for (const part of parts) await ensure(part)
    const inputs = await inputsOf(plan, id, store)
    const bytes = await computeNode(plan, id, inputs, turns(id, signal, onEvent))
    tell({ type: 'node', node: id, state: await store.put(artifactKey(key, id), bytes), bytes: bytes.length })
  }
  return ensure
}

/** Reads the artifacts from which a node is computed. @throws Error where one is missing */
export async function inputsOf(plan: ShardPlan, id: string, store: Store): Promise<Uint8Array[]> {
  const inputs: Uint8Array[] = []
  for (const input of inputKeys(plan, nodeOf(plan, id))) {
    const bytes = await store.get(input)
    if (!bytes) throw new Error(`cluster: ${input}, which ${id} is computed from, is not in the store`)
    inputs.push(bytes)
  }
  return inputs
}

function turns(node: string, signal?: AbortSignal, onEvent?: OnEvent): (rows: number) => Promise<void> {
  let last = 0
  return async (rows) => {
    if (rows - last < TURN) return
    last = rows
    onEvent?.({ type: 'rows', node, rows })
    await new Promise((resolve) => setImmediate(resolve))
    signal?.throwIfAborted()
  }
}
