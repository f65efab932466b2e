import { bucketOf, digitHash } from './hash-digits'
import { BRANCH, LEAF_ROWS, LEVEL_ROWS, TREES, type RecoveryLayout } from './recovery-rows'
import { scatter, type Scatter } from './scatter'

/**
 * The measurements Φ of sparse recovery: for each of two scattered orders of 0 … n − 1 a tree of intervals, and rows for the entries.
 *
 * A level of a tree has LEVEL_ROWS rows of `width` counters: entry i adds σ(i)·xᵢ to the counter of its node. The sign is that of the
 * entry, so a squared counter estimates the energy of its nodes (AMS); in a plain sum, entries of one node would cancel. The
 * entries have LEAF_ROWS rows of their own: a CountSketch.
 *
 * Independence, and why it is needed: places and signs are 4-wise independent. So a squared counter has mean E = Σxᵢ² over its entries and variance
 * ≤ 2E² (4-wise signs); another entry shares a counter with probability 1/width (pairwise places); and rows are independent of each
 * other (digits of one 61-bit value are, up to 2⁻⁶¹). Places are within 2⁻²⁰ of uniform.
 */
export interface EnergyTrees {
  readonly layout: RecoveryLayout
  readonly bytes: number
  /** Lists the nonzeros of the columns `keys`: rows[c·nonzeros + e], and the signs values[c·nonzeros + e]; the entries' own rows come last. */
  entries(keys: Float64Array, rows: Uint32Array, values: Float32Array): void
  /** Lists the last LEAF_ROWS nonzeros alone. */
  leaves(keys: Float64Array, rows: Uint32Array, values: Float32Array): void
  /** Lists the counters of nodes[c] of a level of a tree, in rows[c·LEVEL_ROWS + r]. */
  counters(tree: number, level: number, nodes: Float64Array, rows: Uint32Array): void
  readonly scatters: readonly Scatter[]
}

export function energyTrees(layout: RecoveryLayout, seed: bigint): EnergyTrees {
  const { columns, lines, width, nodes, nonzeros, m } = layout
  const levels = nodes.length
  let stream = 0
  const next = () => digitHash(seed, stream++)
  const scatters = Array.from({ length: TREES }, () => {
    const one = scatter({ columns, lines, seed, stream })
    stream += 4
    return one
  })
  const places = scatters.map(() => nodes.map(next))
  const own = [next(), next()] // digits for LEAF_ROWS rows
  const signs = next()
  const hashes = [...places.flat(), ...own, signs]

  const firstRow = (tree: number, level: number) => (tree * levels + level) * LEVEL_ROWS * width
  const leafRow = m - LEAF_ROWS * width
  const unit = width / 2 ** 20
  const counters = (
    tree: number,
    level: number,
    keys: Float64Array,
    rows: Uint32Array,
    stride = LEVEL_ROWS,
    offset = 0,
  ) => {
    const first = firstRow(tree, level)
    const direct = nodes[level] <= width // every node has counters of its own
    const hash = places[tree][level]
    if (direct) {
      for (let c = 0; c < keys.length; c++) {
        for (let r = 0; r < LEVEL_ROWS; r++) rows[c * stride + offset + r] = first + r * width + keys[c]
      }
      return
    }
    const words = hash.hash(keys)
    for (let c = 0, to = offset; c < keys.length; c++, to += stride) {
      const low = words[2 * c]
      const high = words[2 * c + 1]
      rows[to] = first + bucketOf(low, high, 0, unit)
      rows[to + 1] = first + width + bucketOf(low, high, 1, unit)
      rows[to + 2] = first + 2 * width + bucketOf(low, high, 2, unit)
    }
  }
  const leaves = (keys: Float64Array, rows: Uint32Array, values: Float32Array, stride: number) => {
    const [a, b] = own.map((hash) => hash.hash(keys))
    for (let c = 0, to = stride - LEAF_ROWS; c < keys.length; c++, to += stride) {
      for (let r = 0; r < LEAF_ROWS; r++) {
        const words = r < 3 ? a : b
        rows[to + r] = leafRow + r * width + bucketOf(words[2 * c], words[2 * c + 1], r < 3 ? r : r - 3, unit)
        values[to + r] = signs.sign(c, TREES * LEVEL_ROWS * levels + r)
      }
    }
  }
  let positions = new Float64Array(64)
  return {
    layout,
    bytes: [...scatters, ...hashes].reduce((sum, { bytes }) => sum + bytes, 0),
    scatters,
    counters,
    leaves(keys, rows, values) {
      signs.hash(keys)
      leaves(keys, rows, values, LEAF_ROWS)
    },
    entries(keys, rows, values) {
      const count = keys.length
      if (positions.length < count) positions = new Float64Array(count)
      const at = positions.subarray(0, count)
      signs.hash(keys)
      for (let tree = 0, e = 0; tree < TREES; tree++) {
        scatters[tree].positions(keys, at)
        for (let level = 0; level < levels; level++, e += LEVEL_ROWS) {
          for (let c = 0; c < count; c++) at[c] = Math.floor(at[c] / BRANCH)
          counters(tree, level, at, rows, nonzeros, e)
          for (let c = 0, to = e; c < count; c++, to += nonzeros) {
            for (let r = 0; r < LEVEL_ROWS; r++) values[to + r] = signs.sign(c, e + r)
          }
        }
      }
      leaves(keys, rows, values, nonzeros)
    },
  }
}
