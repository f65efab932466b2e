// Lemma 3.7 where its search has to look again: pairs of opposite entries that share a node of both trees and cancel there in two of three rows. The median of a node's
// rows is then 0, and round 1 cannot see them; the mean of what is left can. Inputs are built against the seed, so this is about the decoder and not about the lemma's probability.
// Kills: one round of search, later rounds by the median (all pairs are then missed; miss rate 0 of 12 seeds).
import { describe, expect, it } from 'vitest'
import { sparseRecovery } from '../src'
import { energyTrees } from '../src/energy-trees'
import { BRANCH, LEVEL_ROWS, recoveryLayout, TREES } from '../src/recovery-rows'
import { matrix } from '@sublinear/core'
import { randomOf } from './truth'

const options = { n: 2 ** 14, k: 8, epsilon: 0.5 }
const layout = recoveryLayout('test', options)
const levels = layout.nodes.length

/** Pairs of keys that share their coarsest node in both trees, and cancel there in two rows of each, where their signs are opposite. */
function cancelling(seed: number, wanted: number): [number, number][] {
  const trees = energyTrees(layout, BigInt(seed))
  const random = randomOf(seed)
  const keys = Float64Array.from({ length: options.n }, (_, i) => i)
  const rows = new Uint32Array(options.n * layout.nonzeros)
  const signs = new Float32Array(options.n * layout.nonzeros)
  trees.entries(keys, rows, signs)
  const positions = trees.scatters.map((scatter) => {
    const out = new Float64Array(options.n)
    scatter.positions(keys, out)
    return out
  })
  const at = positions.map((own) => own.map((x) => Math.floor(x / BRANCH ** levels)))
  const groups = new Map<string, number[]>()
  for (const key of keys) {
    const node = `${at[0][key]} ${at[1][key]}`
    groups.set(node, [...(groups.get(node) ?? []), key])
  }
  const same = (a: number, b: number, tree: number) => {
    const first = (tree * levels + levels - 1) * LEVEL_ROWS
    return [0, 1, 2].filter((r) => signs[a * layout.nonzeros + first + r] === signs[b * layout.nonzeros + first + r])
      .length
  }
  const found: [number, number][] = []
  for (const group of groups.values()) {
    for (let i = 0; i + 1 < group.length && found.length < wanted * 8; i++) {
      const [a, b] = [group[i], group[i + 1]]
      const isApart = positions.every((own) => Math.floor(own[a] / BRANCH) !== Math.floor(own[b] / BRANCH))
      if (isApart && Array.from({ length: TREES }, (_, t) => same(a, b, t)).every((count) => count === 2))
        found.push([a, b])
    }
  }
  return found.toSorted(() => random.sign()).slice(0, wanted)
}

describe('pairs that cancel in two of three rows', () => {
  it('are found by a second look, in 12 of 12 seeds', () => {
    for (let seed = 1; seed <= 12; seed++) {
      const pairs = cancelling(seed, 2)
      expect(pairs.length).toBe(2)
      const recovery = sparseRecovery({ ...options, seed })
      const x = matrix(options.n, 1)
      for (const [a, b] of pairs) {
        x.data[a] = 1
        x.data[b] = -1
      }
      const random = randomOf(100 + seed)
      for (let i = 0; i < 4; i++) x.data[random.below(options.n)] ||= 2 * random.sign() // found at once
      const measured = matrix(recovery.m, 1)
      recovery.matrix.accumulate(measured, x, 0)
      const { indices, values } = recovery.decode(measured.data)
      const got = new Map([...indices].map((key, i) => [key, values[i]]))
      for (const [a, b] of pairs) {
        expect(got.get(a)).toBeCloseTo(1, 5)
        expect(got.get(b)).toBeCloseTo(-1, 5)
      }
    }
  })
})
