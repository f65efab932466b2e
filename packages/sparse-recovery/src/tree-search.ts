import type { EnergyTrees } from './energy-trees'
import { largest } from './largest'
import { BRANCH, LEAF_ROWS, LEVEL_ROWS } from './recovery-rows'

/** How a node's energy is computed from its counters: the median ignores one bad row, the mean also sees entries that cancel in two of three. */
export type Energy = 'median' | 'mean'

/**
 * Searches a tree for the keys of large entries: from the coarsest level down, it keeps the `beam` nodes of most energy and opens them.
 *
 * Cost: the coarsest level, and BRANCH · beam nodes of each finer one; only the number of levels grows with n.
 *
 * @param counters  m measurements of the vector that is searched
 */
export function searchTree(
  trees: EnergyTrees,
  tree: number,
  counters: Float64Array,
  energy: Energy,
  beam: number,
): Float64Array {
  const { nodes, columns, lines, n } = trees.layout
  let level = nodes.length - 1
  let open: Float64Array = Float64Array.from({ length: nodes[level] }, (_, node) => node)
  for (; level >= 0; level--) {
    const rows = new Uint32Array(open.length * LEVEL_ROWS)
    trees.counters(tree, level, open, rows)
    const scores = new Float64Array(open.length)
    for (let c = 0; c < open.length; c++) {
      const at = c * LEVEL_ROWS
      const x = counters[rows[at]]
      const y = counters[rows[at + 1]]
      const z = counters[rows[at + 2]]
      scores[c] = energy === 'median' ? median3(x * x, y * y, z * z) : x * x + y * y + z * z
    }
    const kept = largest(scores, beam)
    const below = level > 0 ? nodes[level - 1] : columns * lines
    const children = new Float64Array(kept.length * BRANCH)
    let count = 0
    for (const c of kept) {
      const first = open[c] * BRANCH
      for (let child = first; child < first + BRANCH && child < below; child++) children[count++] = child
    }
    open = children.subarray(0, count)
  }
  trees.scatters[tree].keys(open, open)
  return open.filter((key) => key < n)
}

/** Estimates the entries `keys` from their own rows: the median of signed counters. */
export function estimates(trees: EnergyTrees, keys: Float64Array, counters: Float64Array): Float64Array {
  const rows = new Uint32Array(keys.length * LEAF_ROWS)
  const signs = new Float32Array(keys.length * LEAF_ROWS)
  trees.leaves(keys, rows, signs)
  const out = new Float64Array(keys.length)
  const entry = (at: number) => signs[at] * counters[rows[at]]
  for (let c = 0, at = 0; c < keys.length; c++, at += LEAF_ROWS) {
    out[c] = median5(entry(at), entry(at + 1), entry(at + 2), entry(at + 3), entry(at + 4)) + 0 // + 0 turns −0 into 0
  }
  return out
}

function median3(a: number, b: number, c: number): number {
  return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c))
}

function median5(a: number, b: number, c: number, d: number, e: number): number {
  const low = Math.max(Math.min(a, b), Math.min(c, d)) // the higher of the two pairs' lower ends
  const high = Math.min(Math.max(a, b), Math.max(c, d))
  return median3(low, high, e)
}
