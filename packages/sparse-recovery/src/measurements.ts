import { checkInteger, checkShape, sparseSketchMatrix, type SketchMatrix } from '@sublinear/core'
import { decodeTrees } from './decode'
import { energyTrees } from './energy-trees'
import { largestOf, type Entries } from './largest'
import { normOf, radiusOf, restDeviation } from './noise'
import { isDominated, recoveryLayout, type RecoveryLayout, type RecoverySize } from './recovery-rows'
import { estimates } from './tree-search'

/** Measurements of a vector, and how they are read: by energy trees, or as the vector itself where that is no longer. */
export interface Measurements {
  readonly matrix: SketchMatrix
  readonly dominated: boolean
  /** Adds Φ · (the vector that has changes[c] at keys[c]) to `into` (m). */
  add(into: Float64Array, keys: Float64Array, changes: Float64Array): void
  /** Decodes to the entries that matter: at most 3k, among them the large ones. */
  read(measured: Float64Array): Entries
  /** Estimates single entries without bias. */
  estimate(keys: Float64Array, measured: Float64Array): Float64Array
  /** Estimates ‖x‖. */
  norm(measured: Float64Array): number
  /** Bounds the error of such an estimate, except with probability delta. */
  radius(measured: Float64Array, delta: number): number
  /** The standard deviation of the error of one row of counters, where these entries are known. */
  rest(measured: Float64Array, known: Entries): number
}

export function measurements(who: string, size: RecoverySize, seed: bigint): Measurements {
  const layout = recoveryLayout(who, size)
  return isDominated(layout.n, layout.m) ? storedVector(layout, seed) : treeMeasurements(who, layout, seed)
}

/** Measurements with Φ = I: they are the vector. */
function storedVector({ n, k }: RecoveryLayout, seed: bigint): Measurements {
  const kind = `stored-vector/${n}`
  const matrix: SketchMatrix = {
    kind,
    m: n,
    n,
    seed,
    bytes: 0,
    accumulate(into, block, first) {
      checkShape(kind, 'block', block)
      checkShape(kind, 'into', into, block.cols, n)
      checkInteger(kind, 'first', first, 0)
      checkInteger(kind, 'first + block.rows', first + block.rows, 0, n)
      const at = first * block.cols
      for (let i = 0; i < block.data.length; i++) into.data[at + i] += block.data[i]
    },
  }
  return {
    matrix,
    dominated: true,
    add(into, keys, changes) {
      for (let c = 0; c < keys.length; c++) into[keys[c]] += changes[c]
    },
    read: (measured) => largestOf({ keys: Float64Array.from(measured.keys()), values: measured }, 3 * k),
    estimate: (keys, measured) => keys.map((key) => measured[key]),
    norm: (measured) => normOf({ nonzeros: 1 }, measured),
    radius: () => 0,
    rest: () => 0,
  }
}

function treeMeasurements(who: string, layout: RecoveryLayout, seed: bigint): Measurements {
  const { n, k, epsilon, m, width, nonzeros } = layout
  checkInteger(who, '4k/epsilon', width, 1, 2 ** 20) // places have 20 bits
  const trees = energyTrees(layout, seed)
  const columns = sparseSketchMatrix({
    kind: `energy-trees/${n}/${k}/${epsilon}`,
    m,
    seed,
    bytes: trees.bytes,
    nonzeros,
    entries(first, count, rows, values) {
      const keys = new Float64Array(count)
      for (let c = 0; c < count; c++) keys[c] = first + c
      trees.entries(keys, rows, values)
    },
  })
  let rows = new Uint32Array(0)
  let signs = new Float32Array(0)
  return {
    matrix: {
      ...columns,
      n,
      accumulate(into, block, first) {
        checkShape(columns.kind, 'block', block)
        checkInteger(columns.kind, 'first', first, 0)
        checkInteger(columns.kind, 'first + block.rows', first + block.rows, 0, n)
        columns.accumulate(into, block, first)
      },
    },
    dominated: false,
    add(into, keys, changes) {
      const size = keys.length * nonzeros
      if (rows.length < size) [rows, signs] = [new Uint32Array(size), new Float32Array(size)]
      trees.entries(keys, rows, signs)
      for (let c = 0, at = 0; c < keys.length; c++) {
        const change = changes[c]
        for (const end = at + nonzeros; at < end; at++) into[rows[at]] += signs[at] * change
      }
    },
    read: (measured) => decodeTrees(trees, measured),
    estimate: (keys, measured) => estimates(trees, keys, measured),
    norm: (measured) => normOf(layout, measured),
    radius: (measured, delta) => radiusOf(layout, measured, delta),
    rest: (measured, { keys, values }) => restDeviation(trees, measured, keys, values),
  }
}
