import type { ShardPlan } from './plan'
import type { OnEvent, RunEvent } from './run-events'
import { levelsOf, nodeOf } from './tree'

/** Counts the nodes of a run, each once, and reports the progress after each. */
export function runProgress(plan: ShardPlan, onEvent: OnEvent | undefined): (event: RunEvent) => void {
  const levels = levelsOf(plan)
  const [ofShards, ...merges] = levels
  const ofMerges = merges.reduce((sum, count) => sum + count, 0)
  const seen = new Set<string>()
  let [shards, rows, bytes] = [0, 0, 0]
  return (event) => {
    onEvent?.(event)
    if (event.type !== 'node' || seen.has(event.node)) return
    seen.add(event.node)
    const { kind, first, end } = nodeOf(plan, event.node)
    if (kind === 'shard') {
      shards++
      rows += end - first
    }
    bytes += event.bytes
    onEvent?.({
      type: 'progress',
      shards,
      ofShards,
      merges: seen.size - shards,
      ofMerges,
      rows,
      ofRows: plan.rows,
      bytes,
    })
  }
}
