import { checkKeys, checkObject, type Matrix, type PartialSoftmax } from '@sublinear/core'
import { normalise } from '@sublinear/exact-attention'
import { artifactKey } from './compute-node'
import type { Broker } from './broker'
import type { ShardPlan } from './plan'
import { digestOf, planKey } from './plan-key'
import type { OnEvent } from './run-events'
import { runInline } from './run-inline'
import { runOn } from './run-on'
import { partialOf, queryBytes } from './saved-partial'
import type { Store } from './store'
import { levelsOf } from './tree'

export interface AskOptions {
  /** Store that holds the shards of the plan; the answers are written there, too. */
  readonly store: Store
  /** Broker whose workers answer. Default: this process answers. */
  readonly on?: Broker | undefined
  /** Cancels the question; its reason is thrown. */
  readonly signal?: AbortSignal | undefined
  /** Called for every task that ends. */
  readonly onEvent?: OnEvent | undefined
}

/** Answers, and the partial softmax of which they are made; it combines with those of other tokens. */
export interface Answers {
  readonly answers: Matrix
  readonly partial: PartialSoftmax
}

/**
 * Answers queries over all tokens of a plan, wherever its shards are: each shard answers from its own summary, and the partial softmaxes are combined in a
 * tree with the plan's fan-in. No process holds more than one shard, or than fan-in partial answers.
 *
 * Guarantee: exact attention up to rounding where the method is `exact`; else the answers of the shards' summaries, each over its own tokens. The bits are
 *   the same wherever and how often it runs.
 * Cost: an answer of rows·(dv + 3) numbers for each shard; the store keeps them.
 *
 * @param queries  rows × d
 * @throws Error when a shard is not in the store; TypeError, RangeError when the plan has no method, or queries do not fit
 */
export async function askAll(plan: ShardPlan, queries: Matrix, options: AskOptions): Promise<Answers> {
  checkObject('askAll', options)
  const { store, on, ...rest } = options
  if (!('method' in plan.summary)) throw new TypeError('askAll: the plan must be of a method')
  checkKeys('askAll', 'queries', queries, plan.summary.method.shape.d)
  const [shards] = levelsOf(plan)
  for (let i = 0; i < shards; i++) {
    const key = artifactKey(planKey(plan), `0.${i}`)
    if (!(await store.has(key))) throw new Error(`askAll: shard ${i} (${key}) is not in the store: run the plan first`)
  }
  const bytes = queryBytes(queries)
  const name = `queries/${digestOf(bytes).slice(0, 32)}`
  await store.put(name, bytes)
  const asked: ShardPlan = {
    summary: { ask: { plan, queries: name, rows: queries.rows } },
    rows: shards,
    rowsPerShard: 1,
    fanIn: plan.fanIn || 8,
    blockRows: 1,
  }
  const { root } = await (on ? runOn(on, asked, { store, ...rest }) : runInline(asked, { store, ...rest }))
  const partial = partialOf(root)
  return { answers: normalise(partial), partial }
}
