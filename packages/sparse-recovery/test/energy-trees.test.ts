// Counters of the search trees, by the numbers of their rows. Kills: nodes that share a counter although there is one for each, rows of another level, tree or leaf, a sign or a row that differs between the
// two ways of asking for leaves.
import { describe, expect, it } from 'vitest'
import { energyTrees } from '../src/energy-trees'
import { LEAF_ROWS, LEVEL_ROWS, recoveryLayout, TREES } from '../src/recovery-rows'

describe.each([
  [2 ** 10, 8, true],
  [2 ** 20, 500, false],
  [100_003, 8, false],
])('trees over %i, for %i entries', (n, k, hasDirect) => {
  const layout = recoveryLayout('test', { n, k, epsilon: 0.5 })
  const { width, nodes, nonzeros, m } = layout
  const trees = energyTrees(layout, 5n)
  const firstOf = (tree: number, level: number) => (tree * nodes.length + level) * LEVEL_ROWS * width

  it('give every node counters of its own while there are as many, and hash the others into them', () => {
    let direct = 0
    for (let tree = 0; tree < TREES; tree++)
      for (const [level, count] of nodes.entries()) {
        const keys = Float64Array.from({ length: Math.min(count, 4096) }, (_, i) => i)
        const rows = new Uint32Array(keys.length * LEVEL_ROWS)
        trees.counters(tree, level, keys, rows)
        for (let r = 0; r < LEVEL_ROWS; r++) {
          const own = Array.from(keys, (_, c) => rows[c * LEVEL_ROWS + r] - firstOf(tree, level) - r * width)
          expect(own.every((at) => at >= 0 && at < width)).toBe(true)
          if (count > width) continue
          direct++
          expect(own).toEqual(Array.from(keys))
        }
      }
    expect(direct > 0).toBe(hasDirect)
  })

  it('have leaves behind all levels, the same for an entry as for its leaves', () => {
    const keys = Float64Array.of(0, 1, 7, n - 1, 500)
    const rows = new Uint32Array(keys.length * nonzeros)
    const signs = new Float32Array(rows.length)
    trees.entries(keys, rows, signs)
    const [leaves, leafSigns] = [new Uint32Array(keys.length * LEAF_ROWS), new Float32Array(keys.length * LEAF_ROWS)]
    trees.leaves(keys, leaves, leafSigns)
    for (let c = 0; c < keys.length; c++) {
      const own = rows.subarray(c * nonzeros, (c + 1) * nonzeros)
      expect([...leaves.subarray(c * LEAF_ROWS, (c + 1) * LEAF_ROWS)]).toEqual([...own.subarray(nonzeros - LEAF_ROWS)])
      expect([...leafSigns.subarray(c * LEAF_ROWS, (c + 1) * LEAF_ROWS)]).toEqual([...signs.subarray((c + 1) * nonzeros - LEAF_ROWS, (c + 1) * nonzeros)]) // prettier-ignore
      // One counter in every row of counters, in order: those of trees and levels, then those of the leaves.
      expect([...own].map((row) => Math.floor(row / width))).toEqual(Array.from({ length: nonzeros }, (_, e) => e))
      for (let e = 0; e < nonzeros; e++) expect(Math.abs(signs[c * nonzeros + e])).toBe(1)
    }
    expect(m).toBe(nonzeros * width)
    expect(trees.bytes).toBeGreaterThan(0)
  })
})
