import { combine } from '@sublinear/exact-attention'
import type { AttentionStream } from '@sublinear/core'
import type { AskSpec, ShardPlan } from './plan'
import { digestOf, planKey } from './plan-key'
import { rowsIn } from './row-block'
import { partialBytes, partialOf, queriesOf } from './saved-partial'
import { sourceBlocks } from './source-blocks'
import { summaryKind } from './summary'
import { nodeOf, type TreeNode } from './tree'

/** The key of a node's artifact in the store. */
export function artifactKey(key: string, node: string): string {
  return `${key}/${node}`
}

/** The keys of the artifacts from which a node is computed, beside rows of the source, in order. */
export function inputKeys(plan: ShardPlan, node: TreeNode): string[] {
  if (node.kind !== 'shard') return node.parts.map((part) => artifactKey(planKey(plan), part))
  if (!('ask' in plan.summary)) return []
  const { ask } = plan.summary
  return [artifactKey(planKey(ask.plan), `0.${node.index}`), ask.queries]
}

/**
 * Computes the artifact of a node: a pure function of the plan, the node and its inputs, on one engine.
 *
 * @param inputs  contents of `inputKeys`, in order
 * @param onRows  called with the number of rows of a shard that were pushed so far
 * @throws Error as the source and the summary do
 */
export async function computeNode(
  plan: ShardPlan,
  id: string,
  inputs: readonly Uint8Array[],
  onRows?: (rows: number) => void | Promise<void>,
): Promise<Uint8Array> {
  const node = nodeOf(plan, id)
  if (node.kind === 'list') return listBytes(inputs)
  const { summary } = plan
  if ('ask' in summary) return node.kind === 'shard' ? answered(summary.ask, inputs) : combined(inputs)
  const kind = await summaryKind(summary)
  if (node.kind === 'merge') {
    const first = kind.restore(inputs[0])
    try {
      for (const later of inputs.slice(1)) first.merge(later)
      return first.toBytes()
    } finally {
      first.dispose()
    }
  }
  const state = kind.make()
  try {
    let at = node.first
    for await (const block of sourceBlocks(plan, node.first, node.end)) {
      state.push(block, at)
      at += rowsIn(block)
      await onRows?.(at - node.first)
    }
    return state.toBytes()
  } finally {
    state.dispose()
  }
}

/** The artifact at the top where shards are not merged: their digests, in order, as JSON. */
function listBytes(inputs: readonly Uint8Array[]): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ shards: inputs.map(digestOf) }))
}

async function answered({ plan }: AskSpec, [shard, queries]: readonly Uint8Array[]): Promise<Uint8Array> {
  if ('ask' in plan.summary) throw new TypeError('askAll: answers cannot be asked')
  const kind = await summaryKind(plan.summary)
  const stream = kind.open(shard) as AttentionStream & Disposable
  try {
    return partialBytes(stream.attend(queriesOf(queries)))
  } finally {
    stream[Symbol.dispose]()
  }
}

function combined(inputs: readonly Uint8Array[]): Uint8Array {
  return partialBytes(inputs.map(partialOf).reduce(combine))
}
