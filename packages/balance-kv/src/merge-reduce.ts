import {
  checkHead,
  checkInteger,
  checkObject,
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
  type LiveStream,
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
  /** The halving of blocks. */
  readonly halving: Halving
  /** Number of tokens that are halved together, ≥ 2. */
  readonly blockSize: number
  /** Number of levels above the tokens as they came, 1 to 52. */
  readonly levels: number
  /** Number of tokens held before any is halved, at least (levels + 1)·blockSize. Absent: a block is halved as soon as the next token comes. */
  readonly capacity?: number | undefined
  /**
   * Called at every halving with the tokens before and those that now stand for them, for a stream that keeps account of the difference. No part of a snapshot.
   */
  readonly replaced?: ((before: KvBlock, after: KvBlock) => void) | undefined
  /** Kind of its snapshots: the name of a method that is such a tree. Default 'mergeReduce'. */
  readonly name?: string | undefined
}

export interface MergeReduce extends AttentionStream, Disposable {
  readonly blockSize: number
  readonly levels: number
  readonly halving: Halving
  /** The most tokens held at once; the sampler of a tree that has moved up holds one more. */
  readonly capacity: number
  /** Number of tokens that can come before anything is halved; `replaced` is not called for them. */
  readonly room: number
  /** A copy of the weighted tokens that stand for the stream: from the top level down, in stream order within a level, then the sampler's. */
  read(): KvBlock
  /** Numbers of tokens by level as they are now, level 0 first. */
  readonly counts: readonly number[]
  readonly counters: {
    /** Query rows answered since this object was made. */
    readonly rows: number
    /** Number of steps at which the walk of the halving had failed. */
    readonly failures: number
  }
}

/** The bytes that a stream of these sizes never exceeds, whatever the length of its input. */
export function mergeReduceBytes(
  options: Shape & Pick<MergeReduceOptions, 'blockSize' | 'levels' | 'capacity' | 'halving'>,
): number {
  return checkObject('mergeReduceBytes', options?.halving, 'halving').spec.length + mostTreeBytes(options)
}

/**
 * Makes a coreset of the stream by merging and halving: a full block of a level becomes half a block of the next level, where each token stands for two.
 * Source: MergeAndReduce (BalanceKV, Theorem 3.4), for any halving. Deviation: the tokens of a full block stay as they are until the next token comes;
 *   after the last level the tree moves up instead of growing, so that any length fits; with `capacity` nothing is halved while there is
 *   room, so answers are exact for the first `capacity` tokens (as in *Express*).
 *
 * Guarantee: at most (levels + 1)·blockSize tokens, or `capacity`, and one in the sampler, after any call. Halvings happen at fixed places
 *   of the stream, whatever the calls. Numerator and denominator count the same tokens, so constant values are answered exactly.
 * Cost: 4·(d + dv + 2) bytes a token; one halving for every blockSize/2 tokens that leave level 0, and as many again for all levels above.
 *
 * @param d, dv, scale  the shape; halving  the halving of a block
 * @param blockSize  tokens halved together, ≥ 2; levels  levels above the first, 1 to 52; capacity  tokens held before any is halved
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
 * Restores a merge-and-reduce stream from its snapshot; it goes on bit for bit. Halvings of this package are known; a halving of your own must be given again.
 *
 * @throws RangeError when the bytes are damaged or belong to another halving
 */
export function restoreMergeReduce(bytes: Uint8Array, own?: Halving, name: string = KIND): MergeReduce {
  const snapshot = decodeSnapshot(bytes, { kind: name, version: VERSION })
  return live({ ...treeIn(name, snapshot, own).options, name }, snapshot)
}

/**
 * Reads the tree from a snapshot, and its options.
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

/** Makes the tree of a state, or an empty one. */
export function beginTree(kind: string, options: MergeReduceOptions, from?: State): HalvingTree {
  if (!from) return halvingTree(options, emptyTree(options.levels))
  const like = (from.live as TreeInside | undefined)?.tree
  if (like) return halvingTree(options, { ...like.state, counts: [...like.state.counts] }, undefined, like)
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
  })
  const readings = (now: () => TreeInside) => {
    return { room: () => now().tree.room, counts: () => [...now().tree.state.counts] }
  }
  type Own = Omit<MergeReduce, keyof LiveStream>
  return liveStream<TreeInside, Own>({ kind, begin, members, readings }, from) as MergeReduce
}

export type TreeInside = Inside & { readonly tree: HalvingTree }

/** Options without the shape; a halving is named by its spec. */
export type MergeReduceSizes = Pick<MergeReduceOptions, 'blockSize' | 'levels'> & {
  readonly halving: string
  readonly capacity?: number | undefined
}

/** Record of the method: a tree of uniform halvings, as large as fits; every other halving must beat it. */
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

/** Makes the inside of a stream over a tree: what all such streams share. */
export function treeInside(options: MergeReduceOptions, tree: HalvingTree): TreeInside {
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
    savedBeside: () => ({ tensors: {} }),
    tree,
    dispose: () => tree[Symbol.dispose](),
  }
}

const MOST_LEVELS = 52
const OPTIONS = ['halving', 'blockSize', 'levels', 'capacity', 'replaced', 'name']

/** Checks the options; returns the levels. */
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

/** Schema of a tree of halvings: how many of the tokens held belong to each level, and how far its sampling has come. */
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
