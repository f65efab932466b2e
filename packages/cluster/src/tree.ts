import { checkObject } from '@sublinear/core'
import type { ShardPlan } from './plan'

/** A node of the tree of a plan: a shard (level 0), a merge of neighbours, or the list of all shards where nothing is merged. */
export interface TreeNode {
  /** `level.index`. */
  readonly id: string
  readonly kind: 'shard' | 'merge' | 'list'
  readonly level: number
  readonly index: number
  /** Nodes of the level below from which it is made, in order; none for a shard. */
  readonly parts: readonly string[]
  /** Rows of the source below the node: first … end − 1. */
  readonly first: number
  readonly end: number
}

/** The number of nodes of each level, first the shards, last the root. */
export function levelsOf(options: Pick<ShardPlan, 'rows' | 'rowsPerShard' | 'fanIn'>): number[] {
  const { rows, rowsPerShard, fanIn } = checkObject('levelsOf', options)
  const levels = [Math.ceil(rows / rowsPerShard)]
  if (fanIn === 0) return [...levels, 1]
  while (levels[levels.length - 1] > 1) levels.push(Math.ceil(levels[levels.length - 1] / fanIn))
  return levels
}

/** The node at the top. */
export function rootOf(plan: ShardPlan): TreeNode {
  checkObject('rootOf', plan, 'plan')
  return nodeAt(plan, levelsOf(plan).length - 1, 0)
}

/** The node of an id. @throws RangeError when the plan has no such node */
export function nodeOf(plan: ShardPlan, id: string): TreeNode {
  const [, level, index] = /^(\d{1,2})\.(\d{1,15})$/.exec(id) ?? []
  if (level === undefined) throw new RangeError(`cluster: a node is called level.index, got ${JSON.stringify(id)}`)
  return nodeAt(plan, Number(level), Number(index))
}

function nodeAt(plan: ShardPlan, level: number, index: number): TreeNode {
  const levels = levelsOf(plan)
  if (!(level < levels.length && index < levels[level]))
    throw new RangeError(`cluster: the plan has no node ${level}.${index}, its levels have ${levels.join(', ')} nodes`)
  const { rows, rowsPerShard, fanIn } = plan
  const shardsBelow = fanIn === 0 && level === 1 ? levels[0] : Math.max(1, fanIn) ** level
  const first = index * shardsBelow * rowsPerShard
  const end = Math.min(rows, first + shardsBelow * rowsPerShard)
  const width = fanIn === 0 ? levels[0] : fanIn
  const count = level === 0 ? 0 : Math.min(width, levels[level - 1] - index * width)
  return {
    id: `${level}.${index}`,
    kind: level === 0 ? 'shard' : fanIn === 0 ? 'list' : 'merge',
    level,
    index,
    parts: Array.from({ length: count }, (_, i) => `${level - 1}.${index * width + i}`),
    first,
    end,
  }
}
