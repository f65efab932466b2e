import {
  checkBlock,
  checkInteger,
  checkKeys,
  checkScale,
  decodeSnapshot,
  emptyPartial,
  encodeSnapshot,
  queryGroups,
  requireSame,
  rowsOf,
  type AttentionStream,
  type KvBlock,
  type PartialSoftmax,
  type Shape,
  type Snapshot,
} from '@sublinear/core'
import { restoredTokens, savedTokens } from '@sublinear/exact-attention'
import { joined } from './blocks'
import type { Halving } from './halving'
import { restoreHalving } from './restore-halving'
import { capacityOf, emptyTree, halvingTree, mostTreeBytes, type TreeState } from './halving-tree'

const KIND = 'merge-reduce'
const VERSION = '1'

export interface MergeReduceOptions extends Shape {
  readonly halving: Halving
  /** Tokens halved together, ≥ 2. */
  readonly blockSize: number
  /** Levels above the tokens as they came, 1 to 52. */
  readonly levels: number
  /** Tokens held before any is halved, at least (levels + 1)·blockSize. Absent: a block is halved as soon as the next token comes. */
  readonly capacity?: number
  /** Told what stands for what at every halving: for a stream that keeps account of the difference. Not part of a snapshot. */
  readonly replaced?: (before: KvBlock, after: KvBlock) => void
}

export interface MergeReduce extends AttentionStream, Disposable {
  readonly blockSize: number
  readonly levels: number
  readonly halving: Halving
  /** The most tokens held at once; one more in the sampler of a tree that has moved up. */
  readonly capacity: number
  /** Tokens that come in before anything is halved: `replaced` is not called for so many. */
  readonly room: number
  /** What stands for the stream, weights included: from the top level down, in stream order within one, then what the sampler has; a copy. */
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
 * @param d, dv, scale  the shape; halving  what halves a block
 * @param blockSize  tokens halved together; levels  above the first; capacity  see above
 * @throws TypeError, RangeError when a size is out of range or scale not finite
 * Guarantee: at most (levels + 1)·blockSize tokens, or `capacity`, and one in the sampler, after any call. Halvings happen at fixed places
 *   of the stream, whatever the calls. Numerator and denominator count the same tokens, so constant values come back.
 * Cost: 4·(d + dv + 2) bytes a token; one halving for every blockSize/2 tokens that leave level 0 and as many again for all levels above.
 */
export function mergeReduce(options: MergeReduceOptions): MergeReduce {
  return live(options, emptyTree(checkedLevels(options)), 0)
}

/**
 * A merge-and-reduce stream from its snapshot, resuming bit for bit. Halvings of this package are known; one of your own is given again.
 *
 * @throws RangeError when the bytes are damaged or belong to another halving
 */
export function restoreMergeReduce(
  bytes: Uint8Array,
  own?: Halving,
  replaced?: MergeReduceOptions['replaced'],
): MergeReduce {
  const snapshot = decodeSnapshot(bytes, { kind: KIND, version: VERSION })
  const spec = snapshot.parameters['halving'] ?? ''
  const halving = own ?? restoreHalving(spec)
  requireSame('restoreMergeReduce', { halving: halving.spec }, { halving: spec })
  const options = { ...sizesOf(snapshot), halving, ...(replaced && { replaced }) }
  const levels = checkedLevels(options)
  const { d, dv } = options
  const { tokens, held } = restoredTokens(KIND, snapshot, { d, dv, most: capacityOf(options) })
  const { state, candidate } = restoredState(snapshot, d, dv, levels, held.keys.rows)
  return live(options, state, tokens, { held, candidate })
}

function live(
  options: MergeReduceOptions,
  state: TreeState,
  pushed: number,
  from?: { readonly held: KvBlock; readonly candidate: KvBlock },
): MergeReduce {
  const { d, dv, scale, halving, blockSize, levels, capacity } = options
  const tree = halvingTree(options, state, from)
  let tokens = pushed
  let rows = 0

  const take = (block: KvBlock, start: number) => {
    const count = tree.take(block, start)
    tokens += count
    return count
  }

  return {
    d,
    dv,
    scale,
    halving,
    blockSize,
    levels,
    capacity: capacityOf(options),
    merging: 'none',
    get tokens() {
      return tokens
    },
    get bytes() {
      return tree.bytes + halving.spec.length
    },
    get room() {
      return tree.room
    },
    get counts() {
      return [...state.counts]
    },
    get counters() {
      return { rows, failures: state.failures }
    },
    push(block) {
      checkBlock(KIND, block, d, dv)
      for (let at = 0; at < block.keys.rows;) at += take(block, at)
    },
    attend(queries) {
      checkKeys(KIND, 'queries', queries, d)
      rows += queries.rows
      const out = emptyPartial(queries.rows, dv)
      tree.attend(queries, out)
      return out
    },
    step(block, queries) {
      checkBlock(KIND, block, d, dv)
      checkKeys(KIND, 'queries', queries, d)
      const groups = queryGroups(KIND, block, queries)
      const out = emptyPartial(queries.rows, dv)
      rows += queries.rows
      for (let at = 0; at < block.keys.rows;) {
        const count = take(block, at)
        const [first, end] = [at * groups, (at + count) * groups]
        tree.attend(rowsOf(queries, first, end), rowsOfPartial(out, first, end), count, groups)
        at += count
      }
      return out
    },
    merge() {
      throw new RangeError(`${KIND}: cannot merge, merging is none`)
    },
    read: () => (tree.candidate().keys.rows > 0 ? joined(tree.read(), tree.candidate()) : tree.read()),
    toBytes() {
      const { counts, lift, draws, progress, failures } = state
      const candidate = savedTokens(tree.candidate())
      return encodeSnapshot({
        kind: KIND,
        version: VERSION,
        parameters: {
          d: String(d),
          dv: String(dv),
          scale: String(scale),
          halving: halving.spec,
          blockSize: String(blockSize),
          ...(capacity !== undefined && { capacity: String(capacity) }),
          tokens: String(tokens),
          lift: String(lift),
          draws: String(draws),
          progress: String(progress),
          failures: String(failures),
        },
        tensors: {
          ...savedTokens(tree.read()),
          ...Object.fromEntries(Object.entries(candidate).map(([name, tensor]) => [`candidate/${name}`, tensor])),
          counts: { dtype: 'F64', shape: [levels + 1], data: Float64Array.from(counts) },
        },
      })
    },
    [Symbol.dispose]() {
      tree[Symbol.dispose]()
    },
  }
}

const MOST_LEVELS = 52

/** The levels, everything checked. */
function checkedLevels({ d, dv, scale, blockSize, levels, capacity, halving }: MergeReduceOptions): number {
  checkInteger(KIND, 'd', d, 1)
  checkInteger(KIND, 'dv', dv, 1)
  checkScale(KIND, scale)
  checkInteger(KIND, 'levels', levels, 1, MOST_LEVELS)
  checkInteger(KIND, 'blockSize', blockSize, 2, 2 ** 31)
  if (capacity !== undefined) checkInteger(KIND, 'capacity', capacity, (levels + 1) * blockSize)
  if (typeof halving?.halve !== 'function' || typeof halving.spec !== 'string' || typeof halving.seed !== 'bigint')
    throw new TypeError(`${KIND}: halving must have a spec, a seed and a function halve`)
  return levels
}

function sizesOf({ parameters, tensors }: Snapshot): Omit<MergeReduceOptions, 'halving'> {
  const number = (name: string) => Number(parameters[name])
  return {
    d: number('d'),
    dv: number('dv'),
    scale: number('scale'),
    blockSize: number('blockSize'),
    levels: (tensors.get('counts')?.data.length ?? 0) - 1,
    ...('capacity' in parameters && { capacity: number('capacity') }),
  }
}

function restoredState(
  snapshot: Snapshot,
  d: number,
  dv: number,
  levels: number,
  rows: number,
): { readonly state: TreeState; readonly candidate: KvBlock } {
  const { parameters, tensors } = snapshot
  const own = new Map(
    ['keys', 'values', 'weights'].flatMap((name) => {
      const tensor = tensors.get(`candidate/${name}`)
      return tensor ? [[name, tensor] as const] : []
    }),
  )
  const { held: candidate } = restoredTokens(KIND, { ...snapshot, tensors: own }, { d, dv, most: 1 })
  const counts = [...(tensors.get('counts')?.data ?? [])].map(Number)
  const [lift, draws, progress, failures] = ['lift', 'draws', 'progress', 'failures'].map((name) =>
    Number(parameters[name]),
  ) as [number, number, number, number]
  const fits =
    counts.length === levels + 1 &&
    counts.every((count) => Number.isInteger(count) && count >= 0) &&
    counts.reduce((a, b) => a + b, 0) === rows &&
    [lift, draws, failures].every((count) => Number.isSafeInteger(count) && count >= 0) &&
    lift >= 1 &&
    progress >= 0 &&
    progress < 1
  if (!fits) throw new RangeError(`${KIND}: the tensors of the snapshot do not fit its parameters`)
  return { state: { counts, lift, draws, progress, failures }, candidate }
}

function rowsOfPartial({ max, mass, sum }: PartialSoftmax, from: number, to: number): PartialSoftmax {
  return { max: max.subarray(from, to), mass: mass.subarray(from, to), sum: rowsOf(sum, from, to) }
}
