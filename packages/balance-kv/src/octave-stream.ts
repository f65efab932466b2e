import {
  checkFits,
  decodeSnapshot,
  emptyPartial,
  headIn,
  headOf,
  liveStream,
  nestedSnapshot,
  shapeParameters,
  tokenCount,
  tokensOf,
  type AttentionStream,
  type Head,
  type Inside,
  type KvBlock,
  type LiveStream,
  type Making,
  type Matrix,
  type PartialSoftmax,
  type Snapshot,
} from '@sublinear/core'
import { combine } from '@sublinear/exact-attention'
import {
  mergeReduce,
  mergeReduceBytes,
  restoreMergeReduce,
  type MergeReduce,
  type MergeReduceOptions,
} from './merge-reduce'

const KIND = 'balanceKv'
const VERSION = '2'
/** Number of octaves of ‖v‖ that are alive at once: the highest seen and those below it. */
const OCTAVES = 3
/** Ratio of the two masses of one query from which on the numerators' own mass is the better guess. */
const MOST_RATIO = 2 ** 10

export type OctaveOptions = Omit<MergeReduceOptions, 'replaced'>

export interface OctaveStream extends AttentionStream, Disposable {
  /** Octaves that are alive: exponents of two, ascending. */
  readonly octaves: readonly number[]
  readonly counters: {
    readonly rows: number
    readonly failures: number
    /** Number of rows whose mass was vanishing or out of all proportion; they were answered with the numerators' own mass. */
    readonly fallbacks: number
  }
}

/** The bytes that the stream never exceeds. */
export function octaveBytes(options: OctaveOptions): number {
  return OCTAVES * mergeReduceBytes(options) + mergeReduceBytes({ ...options, dv: 1 }) + 8 * OCTAVES
}

/**
 * Makes a stream with the paper's arrangement of trees: one for the numerator of each octave of ‖v‖, and one for the denominator, whose values are 1.
 * Source: Algorithm BalanceKV. Deviation: there are three octaves, and the lowest takes all below it; the paper drops an octave once it is too small to
 *   matter, here it is merged into the next. Tokens with v = 0 have no numerator.
 *
 * Guarantee: that of Theorem 3.1 where its premises hold. A constant V is answered exactly, since its octave is halved as the mass is. Where values lie in
 *   several octaves, numerators and denominator count different tokens, and constant values are answered only up to the two errors.
 * Cost: three trees and one of value width 1. Steps go token by token.
 */
export function octaveStream(given: OctaveOptions, from?: Restored, state?: Snapshot): OctaveStream {
  return liveStream(octavesOf(given, from), state) as LiveStream & Pick<OctaveStream, 'octaves' | 'counters'>
}

/**
 * Makes the making of a stream by octaves.
 *
 * @param trees  the trees that the first stream begins with; after a reset there are new ones
 */
function octavesOf(given: OctaveOptions, trees?: Restored): Making<OctaveInside, Pick<OctaveStream, 'octaves'>> {
  const { d, dv, scale, halving, blockSize, levels, capacity } = given
  const options = { d, dv, scale, halving, blockSize, levels, ...(capacity !== undefined && { capacity }) }
  const empty = (): Restored => ({
    mass: mergeReduce({ ...options, dv: 1 }),
    numerators: new Map<number, MergeReduce>(),
  })
  let first = trees
  return {
    kind: KIND,
    begin() {
      const held = first ?? empty()
      first = undefined
      return begun(given, options, held)
    },
    readings: (now) => ({ octaves: () => byOctave(now().trees.numerators).map(([exponent]) => exponent) }),
    parts: ({ trees: { mass, numerators } }) => ({
      mass,
      ...Object.fromEntries(byOctave(numerators).map(([exponent, tree]) => [`octave${exponent}`, tree])),
    }),
    around: ({ mass, ...others }) =>
      octavesOf(given, { mass: mass as MergeReduce, numerators: treesByName(others as Record<string, MergeReduce>) }),
  }
}

interface OctaveInside extends Inside {
  readonly trees: Restored
}

function begun(given: OctaveOptions, options: Omit<OctaveOptions, keyof Head>, trees: Restored): OctaveInside {
  const { d, dv, scale } = given
  const head = headOf(given)
  const { mass, numerators } = trees
  let rows = 0
  let fallbacks = 0

  /** The tree of an octave. Where the octaves alive move up, those that fall out go into the lowest that stays. */
  const treeOf = (octave: number): MergeReduce => {
    const top = Math.max(octave, ...numerators.keys())
    const lowest = top - OCTAVES + 1
    const own = Math.max(octave, lowest)
    const fallen = [...numerators].filter(([exponent]) => exponent < lowest)
    for (const [exponent] of fallen) numerators.delete(exponent)
    const get = (exponent: number) => {
      const tree = numerators.get(exponent) ?? mergeReduce(options)
      numerators.set(exponent, tree)
      return tree
    }
    for (const [, tree] of fallen) {
      get(lowest).push(tree.read())
      tree[Symbol.dispose]()
    }
    return get(own)
  }

  const take = (block: KvBlock) => {
    const { keys, values, weights } = block
    const ones = { rows: keys.rows, cols: 1, data: new Float32Array(keys.rows).fill(1) }
    mass.push({ keys, values: ones, ...(weights && { weights }) })
    for (let r = 0; r < keys.rows; r++) {
      const octave = octaveOf(values, r)
      if (octave !== undefined) treeOf(octave).push(tokensOf(block, r, r + 1))
    }
  }

  const answer = (queries: Matrix): PartialSoftmax => {
    rows += queries.rows
    const below = mass.attend(queries)
    let above = emptyPartial(queries.rows, dv)
    for (const [, tree] of byOctave(numerators)) above = combine(above, tree.attend(queries))
    const { max, sum } = above
    for (let r = 0; r < queries.rows; r++) {
      const own = above.mass[r]
      const share = below.mass[r] * Math.exp(below.max[r] - max[r])
      if (own === 0) {
        max[r] = below.max[r] // all values are zero
        above.mass[r] = below.mass[r]
      } else if (share > own / MOST_RATIO && share < own * MOST_RATIO) above.mass[r] = share
      else fallbacks++
    }
    return { max, mass: above.mass, sum }
  }

  return {
    trees,
    version: VERSION,
    d,
    dv,
    scale,
    ...head,
    merging: 'none',
    identity: {
      ...shapeParameters({ d, dv, scale, ...head }),
      sums: 'apart',
      patient: String(options.capacity !== undefined),
    },
    bytes: () => [...numerators.values()].reduce((total, tree) => total + tree.bytes, mass.bytes) + 8 * OCTAVES,
    take(block, at) {
      take(tokensOf(block, at, at + 1)) // token by token, since any token may end an octave
      return 1
    },
    answer(queries, out) {
      const { max, mass, sum } = answer(queries)
      out.max.set(max)
      out.mass.set(mass)
      out.sum.data.set(sum.data)
    },
    counters() {
      const failures = [mass, ...numerators.values()].reduce((total, { counters }) => total + counters.failures, 0)
      return { rows, failures, fallbacks }
    },
    saved: () => ({ tensors: {} }),
    dispose() {}, // its trees are parts, which are disposed of as parts
  }
}

interface Restored {
  readonly mass: MergeReduce
  readonly numerators: Map<number, MergeReduce>
}

/**
 * Restores a balanceKv stream from its snapshot, of either arrangement; it goes on bit for bit.
 *
 * @throws RangeError when the bytes are damaged or of another kind
 */
export function restoreBalanceKv(bytes: Uint8Array): MergeReduce | OctaveStream {
  const snapshot = decodeSnapshot(bytes, { kind: KIND, version: VERSION })
  const { parameters } = snapshot
  if (parameters['sums'] !== 'apart') return restoreMergeReduce(bytes, undefined, KIND)
  const nested = (name: string) => restoreMergeReduce(nestedSnapshot(snapshot, name))
  const dv = Number(parameters['dv'])
  const mass = nested('mass')
  const { d, scale, halving, blockSize, levels } = mass
  const patient = parameters['patient'] === 'true'
  const options = {
    d,
    scale,
    dv,
    ...headIn(KIND, snapshot),
    halving,
    blockSize,
    levels,
    ...(patient && { capacity: mass.capacity }),
  }
  const names = Object.keys(parameters).filter((name) => name.startsWith('octave'))
  const numerators = treesByName(Object.fromEntries(names.map((name) => [name, nested(name)])))
  const exponents = [...numerators.keys()]
  const isFitting = (tree: MergeReduce) =>
    tree.d === d &&
    tree.scale === scale &&
    tree.dv === dv &&
    tree.halving.spec === halving.spec &&
    tree.blockSize === blockSize &&
    tree.levels === levels &&
    tree.capacity === mass.capacity
  const fits =
    mass.dv === 1 &&
    exponents.every(Number.isInteger) &&
    (exponents.length === 0 || Math.max(...exponents) - Math.min(...exponents) < OCTAVES) &&
    [...numerators.values()].every(isFitting)
  if (!fits) throw new RangeError(`${KIND}: the trees of the snapshot do not fit each other`)
  checkFits(KIND, tokenCount(KIND, snapshot) === mass.tokens)
  return octaveStream(options, { mass, numerators }, snapshot)
}

function treesByName(trees: Readonly<Record<string, MergeReduce>>): Map<number, MergeReduce> {
  return new Map(Object.entries(trees).map(([name, tree]) => [Number(name.replace('octave', '')), tree]))
}

function byOctave(numerators: ReadonlyMap<number, MergeReduce>): [number, MergeReduce][] {
  return [...numerators].toSorted(([a], [b]) => a - b)
}

/** The exponent e with 2^e ≤ ‖v‖ < 2^{e+1}; undefined for a row of zeros. */
function octaveOf({ cols, data }: Matrix, row: number): number | undefined {
  let largest = 0
  for (let c = row * cols; c < (row + 1) * cols; c++) largest = Math.max(largest, Math.abs(data[c]))
  if (largest === 0) return undefined
  let square = 0 // divided by the largest entry, so that nothing under- or overflows
  for (let c = row * cols; c < (row + 1) * cols; c++) square += (data[c] / largest) ** 2
  return exponentOf(largest * Math.sqrt(square))
}

/** The exponent of a normal float64, from its bits. */
function exponentOf(x: number): number {
  return ((new Uint32Array(Float64Array.of(x).buffer)[1] >>> 20) & 0x7ff) - 1023
}
