import {
  checkHead,
  checkInteger,
  COUNT,
  decodeSnapshot,
  FRAME_FEATURES,
  headIn,
  headOf,
  joinedTokens,
  largestWithin,
  liveStream,
  readBy,
  requireSame,
  schema,
  shapeParameters,
  snapshotUnder,
  tensorsUnder,
  type AttentionStream,
  type Inside,
  type KvBlock,
  type Life,
  type Method,
  type Shape,
  type Snapshot,
  type State,
} from '@sublinear/core'
import { restoredTokens, savedTokens, tokensIn } from '@sublinear/token-store'
import type { Halving } from './halving'
import { capacityOf, emptyTree, halvingTree, mostTreeBytes, type HalvingTree, type TreeState } from './halving-tree'
import { cacheSizes, LEAST_CAPACITY } from './cache-sizes'
import { restoreHalving } from './restore-halving'
import { uniformHalving } from './uniform-halving'

const KIND = 'mergeReduce'
const VERSION = '2'

export interface MergeReduceOptions extends Shape {
  /** The halving that blocks go through. */
  readonly halving: Halving
  /** Tokens halved together, ≥ 2. */
  readonly blockSize: number
  /** Levels above the tokens as they came, 1 to 52. */
  readonly levels: number
  /** Tokens held before any is halved, at least (levels + 1)·blockSize. Absent: a block is halved as soon as the next token comes. */
  readonly capacity?: number | undefined
  /** Told what stands for what at every halving: for a stream that keeps account of the difference. Not part of a snapshot. */
  readonly replaced?: ((before: KvBlock, after: KvBlock) => void) | undefined
  /** The kind of its snapshots: the name of a method that is such a tree. Default 'mergeReduce'. */
  readonly name?: string | undefined
}

export interface MergeReduce extends AttentionStream, Disposable {
  readonly blockSize: number
  readonly levels: number
  readonly halving: Halving
  /** The most tokens held at once; one more in the sampler of a tree that has moved up. */
  readonly capacity: number
  /** Tokens that come in before anything is halved: `replaced` is not called for so many. */
  readonly room: number
  /** Weighted tokens that stand for the stream: from the top level down, in stream order within one, then what the sampler has; a copy. */
  read(): KvBlock
  /** Tokens by level, level 0 first, as they are now. */
  readonly counts: readonly number[]
  readonly counters: {
    /** Query rows answered so far, since this object was made. */
    readonly rows: number
    /** Steps at which the halving's walk had failed. */
    readonly failures: number
  }
}

/** Bytes that a stream of these sizes never exceeds, whatever the length of its input. */
export function mergeReduceBytes(
  options: Shape & Pick<MergeReduceOptions, 'blockSize' | 'levels' | 'capacity' | 'halving'>,
): number {
  return mostTreeBytes(options) + options.halving.spec.length
}

/**
 * A coreset of the stream by merging and halving: a full block of a level becomes half a block of the next, each token there for two.
 * Source: MergeAndReduce (BalanceKV, Theorem 3.4), for any halving. Deviation: the tokens of a block stay until the next one comes, exactly;
 *   after the last level the tree moves up instead of growing, so that any length fits; with `capacity` nothing is halved while there is
 *   room, which is exact for the first `capacity` tokens (as in *Express*).
 *
 * Guarantee: at most (levels + 1)·blockSize tokens, or `capacity`, and one in the sampler, after any call. Halvings happen at fixed places
 *   of the stream, whatever the calls. Numerator and denominator count the same tokens, so constant values come back.
 * Cost: 4·(d + dv + 2) bytes a token; one halving for every blockSize/2 tokens that leave level 0 and as many again for all levels above.
 *
 * @param d, dv, scale  the shape; halving  what halves a block
 * @param blockSize  tokens halved together; levels  above the first; capacity  see above
 * @throws TypeError, RangeError when a size is out of range or scale not finite
 * @example
 * const stream = mergeReduce({ d: 2, dv: 2, scale: 1, halving: uniformHalving({ seed: 1 }), blockSize: 8, levels: 2 })
 * stream.push({ keys: matrix(100, 2), values: matrix(100, 2) })
 * console.log(stream.tokens, stream.bytes) // 100 677
 */
export function mergeReduce(options: MergeReduceOptions): MergeReduce {
  checkedLevels(options)
  return live(options)
}

/**
 * A merge-and-reduce stream from its snapshot, resuming bit for bit. Halvings of this package are known; one of your own is given again.
 *
 * @throws RangeError when the bytes are damaged or belong to another halving
 */
export function restoreMergeReduce(bytes: Uint8Array, own?: Halving, name: string = KIND): MergeReduce {
  const snapshot = decodeSnapshot(bytes, { kind: name, version: VERSION })
  return live({ ...treeIn(name, snapshot, own).options, name }, snapshot)
}

/**
 * The tree of a snapshot, and its options.
 *
 * @throws RangeError when its tensors do not fit, or belong to another halving
 */
export function treeIn(kind: string, snapshot: State, own?: Halving) {
  const spec = snapshot.parameters['halving'] ?? ''
  const halving = own ?? restoreHalving(spec)
  requireSame(kind, { halving: halving.spec }, { halving: spec })
  const options = { ...sizesOf(kind, snapshot), halving }
  const levels = checkedLevels(options)
  const { d, dv } = options
  const { tokens, held } = restoredTokens(kind, snapshot, { d, dv, most: capacityOf(options) })
  return { options, tokens, held, ...restoredState(kind, snapshot, d, dv, levels, held.keys.rows) }
}

/** The tree that a state has, or an empty one. */
export function beginTree(kind: string, options: MergeReduceOptions, from?: State): HalvingTree {
  if (!from) return halvingTree(options, emptyTree(options.levels))
  const { state, held, candidate } = treeIn(kind, from, options.halving)
  return halvingTree(options, state, { held, candidate })
}

function live(options: MergeReduceOptions, from?: Snapshot): MergeReduce {
  const { halving, blockSize, levels, name: kind = KIND } = options
  const begin = (_: Life, state?: State): TreeInside => {
    const tree = beginTree(kind, options, state)
    let rows = 0
    return {
      ...treeInside(options, tree),
      tree,
      answer(queries, out, arrived) {
        rows += queries.rows
        tree.attend(queries, out, arrived)
      },
      counters: () => ({ rows, failures: tree.state.failures }),
    }
  }
  const members = (now: () => TreeInside) => ({
    halving,
    blockSize,
    levels,
    capacity: capacityOf(options),
    read: () => joinedTokens(now().tree.read(), now().tree.candidate()) ?? now().tree.read(),
    get room() {
      return now().tree.room
    },
    get counts() {
      return [...now().tree.state.counts]
    },
  })
  const stream = liveStream<TreeInside, ReturnType<typeof members>>({ kind, begin, members }, from)
  return stream as typeof stream & Pick<MergeReduce, 'counters'>
}

interface TreeInside extends Inside {
  readonly tree: HalvingTree
}

/** Options that are not the shape; a halving is named by its spec. */
export type MergeReduceSizes = Pick<MergeReduceOptions, 'blockSize' | 'levels'> & {
  readonly halving: string
  readonly capacity?: number | undefined
}

/** A tree of uniform halvings, as large as fits: what every other halving must beat. */
export const mergeReduceMethod: Method<MergeReduceSizes> = {
  name: KIND,
  source: 'MergeAndReduce (BalanceKV, Theorem 3.4)',
  learns: 'nothing',
  can: FRAME_FEATURES,
  make: (shape, { halving, ...sizes }) => mergeReduce({ ...shape, ...sizes, halving: restoreHalving(halving) }),
  bytes: (shape, { halving, ...sizes }) => mergeReduceBytes({ ...shape, ...sizes, halving: restoreHalving(halving) }),
  within(shape, budgetBytes, { place }) {
    const { spec } = uniformHalving({ seed: place ? place.layer * place.heads + place.head : 0 })
    const sizes = (capacity: number) => ({ ...cacheSizes(capacity), halving: spec })
    const bytes = (capacity: number) => mergeReduceMethod.bytes(shape, sizes(capacity), { tokens: Infinity })
    const capacity = largestWithin(bytes, budgetBytes, { least: LEAST_CAPACITY })
    return capacity === undefined ? undefined : sizes(capacity)
  },
  atRate: (_, options, rate) => ({
    halving: options.halving,
    ...cacheSizes(Math.max(LEAST_CAPACITY, Math.round(capacityOf(options) * rate))),
  }),
  open: (bytes) => restoreMergeReduce(bytes),
}

/** A tree as a stream: what every stream over one shares. */
export function treeInside(options: MergeReduceOptions, tree: HalvingTree): Inside {
  const { d, dv, scale, halving, blockSize, levels, capacity } = options
  return {
    version: VERSION,
    d,
    dv,
    scale,
    ...headOf(options),
    merging: 'none',
    identity: {
      ...shapeParameters({ d, dv, scale, ...headOf(options) }),
      halving: halving.spec,
      blockSize: String(blockSize),
      ...(capacity !== undefined && { capacity: String(capacity) }),
    },
    bytes: () => tree.bytes + halving.spec.length,
    take: (block, at) => tree.take(block, at),
    answer: (queries, out, arrived) => tree.attend(queries, out, arrived),
    continues: true,
    refuses: ({ keys }) => tree.reserve(keys.rows),
    saved() {
      const { counts, lift, draws, progress, failures } = tree.state
      return {
        parameters: {
          lift: String(lift),
          draws: String(draws),
          progress: String(progress),
          failures: String(failures),
        },
        tensors: {
          ...savedTokens(tree.read()),
          ...tensorsUnder('candidate', savedTokens(tree.candidate())),
          counts: { dtype: 'F64', shape: [levels + 1], data: Float64Array.from(counts) },
        },
      }
    },
    dispose: () => tree[Symbol.dispose](),
  }
}

const MOST_LEVELS = 52
const OPTIONS = ['halving', 'blockSize', 'levels', 'capacity', 'replaced', 'name']

/** The levels, everything checked. */
function checkedLevels(options: MergeReduceOptions): number {
  checkHead(KIND, options, FRAME_FEATURES, OPTIONS)
  const { blockSize, levels, capacity, halving } = options
  checkInteger(KIND, 'levels', levels, 1, MOST_LEVELS)
  checkInteger(KIND, 'blockSize', blockSize, 2, 2 ** 31)
  if (capacity !== undefined) checkInteger(KIND, 'capacity', capacity, (levels + 1) * blockSize)
  if (typeof halving?.halve !== 'function' || typeof halving.spec !== 'string' || typeof halving.seed !== 'bigint')
    throw new TypeError(`${KIND}: halving must have a spec, a seed and a function halve`)
  return levels
}

function sizesOf(kind: string, snapshot: State): Omit<MergeReduceOptions, 'halving'> {
  const { parameters, tensors } = snapshot
  const number = (name: string) => Number(parameters[name])
  return {
    d: number('d'),
    dv: number('dv'),
    scale: number('scale'),
    ...headIn(kind, snapshot),
    blockSize: number('blockSize'),
    levels: (tensors.get('counts')?.data.length ?? 0) - 1,
    ...('capacity' in parameters && { capacity: number('capacity') }),
  }
}

function restoredState(
  kind: string,
  snapshot: State,
  d: number,
  dv: number,
  levels: number,
  rows: number,
): { readonly state: TreeState; readonly candidate: KvBlock } {
  const candidate = tokensIn(kind, snapshotUnder('candidate', snapshot), { d, dv, most: 1 })
  const sizes = { 'levels + 1': levels + 1, rows }
  const { parameters, tensors } = readBy(kind, treeSchema, snapshot, sizes)
  return { state: { counts: [...tensors.counts], ...parameters }, candidate }
}

/** The tree of halvings, as snapshots have it: how many of the tokens held are of each level, and how far its sampling has come. */
export const treeSchema = schema(
  {
    parameters: {
      lift: { whole: true, least: 1 },
      draws: COUNT,
      progress: { least: 0, most: 1 - 2 ** -53 },
      failures: COUNT,
    },
    tensors: { counts: { type: 'F64', size: 'levels + 1', ...COUNT } },
  },
  {
    'The sum of `counts` is the tokens held.': ({ tensors: { counts } }, { rows }) =>
      counts.reduce((sum, count) => sum + count, 0) === rows,
  },
)
