import type { EnergyTrees } from './energy-trees'
import { largestOf, type Entries } from './largest'
import { leastSquares, type SparseColumns } from './least-squares'
import { LEAF_ROWS, TREES } from './recovery-rows'
import { estimates, searchTree, type Energy } from './tree-search'

const ROUNDS = 3

/**
 * Decodes m measurements to the entries that they point to: at most 3k, fitted together.
 * Source: for Lemma 3.7 (one-pass paper); the search is that of dyadic Count-Min trees (Cormode and Muthukrishnan, 2005), on energies.
 *
 * Round 1 searches both trees, keeps the 3k candidates whose own estimates are largest and fits them together, by least squares on the
 * entries' own rows. Two more rounds subtract the fit from the measurements, search the difference (by mean energy, since two entries may have
 * cancelled in a node), and fit again with the k best finds.
 */
export function decodeTrees(trees: EnergyTrees, measured: Float64Array): Entries {
  const { k } = trees.layout
  const unit = powerOfTwo(measured) // so that no square leaves float64
  const scaled = measured.map((x) => x / unit)
  const residual = scaled.slice()
  let fitted: Entries = { keys: new Float64Array(0), values: new Float64Array(0) }
  for (let round = 0; round < ROUNDS; round++) {
    if (round > 0) {
      residual.set(scaled)
      subtract(trees, residual, fitted)
    }
    const found = search(trees, residual, round === 0 ? 'median' : 'mean', fitted.keys)
    const fresh = largestOf(found, round === 0 ? 3 * k : k)
    if (fresh.keys.length === 0) break
    fitted = fit(trees, scaled, joined(fitted, fresh))
    if (fitted.keys.length > 3 * k) fitted = fit(trees, scaled, largestOf(fitted, 3 * k))
  }
  return { keys: fitted.keys, values: fitted.values.map((x) => x * unit) }
}

/** The power of two at or below the largest magnitude; 1 for zeros. Dividing by it is exact. */
function powerOfTwo(x: Float64Array): number {
  let most = 0
  for (let i = 0; i < x.length; i++) most = Math.max(most, Math.abs(x[i]))
  let unit = 1
  for (; most >= 2; most /= 2) unit *= 2
  for (; most > 0 && most < 1; most *= 2) unit /= 2
  return unit
}

/** Searches both trees: returns candidates with their estimates, without the `known` keys, all among the 3k largest of either tree. */
function search(trees: EnergyTrees, counters: Float64Array, energy: Energy, known: Float64Array): Entries {
  const { k } = trees.layout
  const found = new Map<number, number>()
  for (let tree = 0; tree < TREES; tree++) {
    const keys = searchTree(trees, tree, counters, energy, 4 * k)
    const best = largestOf({ keys, values: estimates(trees, keys, counters) }, 3 * k + known.length)
    for (let c = 0; c < best.keys.length; c++) found.set(best.keys[c], best.values[c])
  }
  for (const key of known) found.delete(key)
  return { keys: Float64Array.from(found.keys()), values: Float64Array.from(found.values()) }
}

function joined(a: Entries, b: Entries): Entries {
  return { keys: both(a.keys, b.keys), values: both(a.values, b.values) }
}

function both(x: Float64Array, y: Float64Array): Float64Array {
  const out = new Float64Array(x.length + y.length)
  out.set(x)
  out.set(y, x.length)
  return out
}

/** Fits values to keys by least squares, starting from the old values. */
function fit(trees: EnergyTrees, measured: Float64Array, { keys, values }: Entries): Entries {
  const { m, width } = trees.layout
  const height = LEAF_ROWS * width
  const columns: SparseColumns = {
    count: keys.length,
    each: LEAF_ROWS,
    height,
    rows: new Uint32Array(keys.length * LEAF_ROWS),
    values: new Float32Array(keys.length * LEAF_ROWS),
  }
  trees.leaves(keys, columns.rows, columns.values)
  for (let at = 0; at < columns.rows.length; at++) columns.rows[at] -= m - height
  const best = values.slice()
  leastSquares(columns, measured.subarray(m - height), best)
  return { keys, values: best }
}

function subtract(trees: EnergyTrees, from: Float64Array, { keys, values }: Entries): void {
  const { nonzeros } = trees.layout
  const rows = new Uint32Array(keys.length * nonzeros)
  const signs = new Float32Array(keys.length * nonzeros)
  trees.entries(keys, rows, signs)
  for (let c = 0, at = 0; c < keys.length; c++) {
    for (let e = 0; e < nonzeros; e++, at++) from[rows[at]] -= signs[at] * values[c]
  }
}
