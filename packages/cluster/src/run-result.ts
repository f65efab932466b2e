import { artifactKey } from './compute-node'
import type { ShardPlan } from './plan'
import { digestOf, planKey } from './plan-key'
import type { Store } from './store'
import { summaryKind } from './summary'
import { levelsOf, rootOf } from './tree'

/** Result of a run. */
export interface RunResult<T = unknown> {
  readonly plan: ShardPlan<T>
  /** Name of the plan on this engine, under which every artifact is stored. */
  readonly key: string
  /** The artifact at the top: a snapshot, or the list of shards where nothing is merged. */
  readonly root: Uint8Array
  /** SHA-256 of the root. */
  readonly digest: string
  /** Opens the root as an object that can go on. */
  open(): Promise<T>
  /** SHA-256 of every artifact by its node, read from the store: for auditing a run, or comparing two. */
  digests(): Promise<Map<string, string>>
}

/** Reads the result of a plan from the store. @throws Error when the root is not there */
export async function runResult<T>(plan: ShardPlan<T>, store: Store): Promise<RunResult<T>> {
  const key = planKey(plan)
  const node = rootOf(plan).id
  const root = await store.get(artifactKey(key, node))
  if (!root) throw new Error(`cluster: ${artifactKey(key, node)} is not in the store`)
  return {
    plan,
    key,
    root,
    digest: digestOf(root),
    async open() {
      if ('ask' in plan.summary || plan.fanIn === 0)
        throw new TypeError('cluster: this root is no summary; askAll answers from the shards')
      return (await summaryKind(plan.summary)).open(root) as T
    },
    async digests() {
      const found = new Map<string, string>()
      for (const [level, count] of levelsOf(plan).entries()) {
        for (let i = 0; i < count; i++) {
          const bytes = await store.get(artifactKey(key, `${level}.${i}`))
          if (bytes) found.set(`${level}.${i}`, digestOf(bytes))
        }
      }
      return found
    },
  }
}
