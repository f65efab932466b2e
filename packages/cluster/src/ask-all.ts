import { checkKeys, type Matrix, type PartialSoftmax } from '@sublinear/core'
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
  /** Where the shards of the plan stand; answers are written there too. */
  readonly store: Store
  /** Workers that answer. Default: this process does. */
  readonly on?: Broker | undefined
  /** Cancels the question: its reason is thrown. */
  readonly signal?: AbortSignal | undefined
  /** Told of every task that ends. */
  readonly onEvent?: OnEvent | undefined
}

/** Answers, and the partial softmax that they come from: it combines with those of other tokens. */
export interface Answers {
  readonly answers: Matrix
  readonly partial: PartialSoftmax
}

/**
 * Attention to all tokens of a plan, wherever its shards stand: each shard answers the queries from its own summary, and the partial softmaxes are combined in a tree of
 * the plan's fan-in. Nobody holds more than one shard, or fan-in partial answers.
 *
 * Guarantee: exact attention to rounding where the method is `exact`; else the answers of the shards' summaries, each over its own tokens. Same bits wherever and how
 *   often it is run.
 * Cost: an answer a shard, of rows·(dv + 3) numbers; the store keeps them.
 *
 * @param queries  rows × d
 * @throws Error when a shard is not in the store; TypeError, RangeError when the plan is of no method or queries do not fit
 */
export async function askAll(plan: ShardPlan, queries: Matrix, options: AskOptions): Promise<Answers> {
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
