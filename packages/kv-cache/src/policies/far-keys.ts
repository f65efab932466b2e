import {
  copyToken,
  emptyBlock,
  SUM,
  TOTAL,
  pickedRows,
  readBy,
  schema,
  type KvBlock,
  type Shape,
  type State,
} from '@sublinear/core'
import type { HeldTokens, StagedTokens } from '@sublinear/token-store'
import { checkCrowd, crowdSchema } from '../crowding'
import { tokenMethod } from '../tier-method'
import { distanceHeap } from './distance-heap'
import { ageSchema, checkAge, fading, type Fading } from './fading'
import { checkTokenOptions, sizesOf, type TokenOptions } from '../token-options'
import { tierSnapshot, tokenTier, type Policy, type PolicyStart, type TokenTier } from '../token-tier'

const KIND = 'farKeys'
/** Tokens between two moves of the centre. Before that many have come, it moves at every power of two. */
const RESCORE = 64

export interface FarKeysOptions extends TokenOptions {
  /**
   * Number of tokens after which a squared distance counts for half; after k times as many it counts for 1 / (1 + k). So old tokens make room, however far out
   * they lie. Default: Infinity.
   */
  readonly halvedAfter?: number | undefined
  /**
   * Power at which a crowd counts, 0 to 1: n tokens that a query sees alike count for n^crowd, and one that stands out in full. So tokens that are kept because
   * they are unusual take less attention from the others. Default: 1, and all count in full.
   */
  readonly crowd?: number | undefined
}

/**
 * A tier that keeps the `count` tokens whose keys lie farthest from the mean key. Their scores differ most from the average, so a summary of the other
 * tokens would get them wrong. It needs no queries.
 * Source: not from the papers. Distances are measured from the mean of all keys admitted so far; this centre moves every 64 tokens (and at 1, 2, 4 … 32).
 *   Distances are those of the keys as they are held; they are not kept, each call computes them anew.
 *
 * Guarantee: exact over the tokens held, where `crowd` is 1. Where distances do not fade, a token that left between two moves of the centre was no farther from it than any token
 *   that stayed. A token that left does not come back when the centre moves. Merging is 'none', since what is held depends on the centre at the time.
 * Cost: the store's bytes, 4·(d + dv) a token in float32, 4 more where distances fade, and 16·d. A call of up to 64 tokens takes O(count·d), and O(d
 * + log count) a token.
 *
 * @param count  tokens kept, ≥ 1; store  how they are held (default: float32); buffer  tokens that wait where the tier stands alone, 1 to 64 (default 64);
 *   halvedAfter  tokens, > 0 (default: Infinity); crowd  0 to 1 (default: 1)
 * @throws TypeError, RangeError when an option is no such number, or store is no token store
 * @example
 * const stream = farKeys({ count: 16 })({ d: 2, dv: 2, scale: 1 })
 * stream.push({ keys: matrix(100, 2), values: matrix(100, 2) })
 * console.log(stream.tokens, stream.bytes) // 100 1312
 */
export function farKeys(options: FarKeysOptions): (shape: Shape) => TokenTier {
  checkTokenOptions(KIND, options, ['halvedAfter', 'crowd'])
  if (options.halvedAfter !== undefined) checkAge(KIND, options.halvedAfter)
  if (options.crowd !== undefined) checkCrowd(KIND, options.crowd)
  return (shape) => live(shape, options)
}

/** Restores far keys from their snapshot; they go on bit for bit. @throws RangeError when the bytes are damaged or of another kind */
export function restoreFarKeys(bytes: Uint8Array): TokenTier {
  const { snapshot, count, store, buffer, ...shape } = tierSnapshot(KIND, bytes)
  const { halvedAfter } = readBy(KIND, ageSchema, snapshot).parameters
  const { crowd } = readBy(KIND, crowdSchema, snapshot).parameters
  return live(shape, { count, store, buffer, halvedAfter, crowd }, snapshot)
}

export const farKeysMethod = tokenMethod<FarKeysOptions>({
  name: KIND,
  source: 'not from the papers',
  learns: 'nothing',
  tier: farKeys,
  open: restoreFarKeys,
  inTokens: ['halvedAfter'],
  beside: ({ d }, { halvedAfter = Infinity }, _, held) => 16 * d + (halvedAfter < Infinity ? 4 * held : 0),
})

function live(shape: Shape, options: FarKeysOptions, snapshot?: State): TokenTier {
  const { halvedAfter = Infinity, crowd = 1 } = options
  const policy = (held: HeldTokens, from?: PolicyStart) => farthest(held, shape.d, options, from)
  const identity: Record<string, string> = {
    ...(halvedAfter < Infinity && { halvedAfter: String(halvedAfter) }),
    ...(crowd < 1 && { crowd: String(crowd) }),
  }
  const counted = crowd < 1 && { crowd, noBars: 'a crowd of its tokens counts for less' }
  return tokenTier(
    { ...shape, ...sizesOf(options), ...counted, kind: KIND, merging: 'none', identity, policy },
    snapshot,
  )
}

/** Position in the stream: the weighted sum of all keys, and the centre from which distances are measured. */
interface Position {
  seen: number // tokens admitted
  weight: number
  readonly sum: Float64Array // d
  readonly centre: Float64Array // d
}

/** State of the policy beside its tokens. */
interface Parts {
  readonly position: Position
  readonly fades: Fading | undefined
}

function farthest(held: HeldTokens, d: number, options: FarKeysOptions, from?: PolicyStart): Policy {
  const { count, halvedAfter = Infinity } = options
  const like = from?.like as Parts | undefined
  const position = like
    ? { ...like.position, sum: like.position.sum.slice(), centre: like.position.centre.slice() }
    : from
      ? restored(from, d)
      : { seen: 0, weight: 0, sum: new Float64Array(d), centre: new Float64Array(d) }
  const { sum, centre } = position
  const start = from && { snapshot: from.snapshot, held: held.count }
  const fades = halvedAfter < Infinity ? fading(KIND, { count, halvedAfter }, start, like?.fades) : undefined

  /** Counts tokens, of which only the last may move the centre. */
  const passed = ({ keys, weights }: KvBlock, from: number, rows: number): void => {
    for (let r = from; r < from + rows; r++) {
      const weight = weights?.[r] ?? 1
      for (let c = 0; c < d; c++) sum[c] += weight * keys.data[r * d + c]
      position.weight += weight
    }
    position.seen += rows
    if (moves(position.seen)) for (let c = 0; c < d; c++) centre[c] = sum[c] / position.weight
  }

  return {
    parts: { position, fades } satisfies Parts,
    bytes: () => 16 * d + (fades?.bytes() ?? 0),
    admit(block, dropped) {
      const { rows } = block.keys
      const leaving = dropped ? 0 : Math.max(0, held.count + rows - count)
      const isWeighted = block.weights !== undefined || held.weights !== undefined
      const left = leaving > 0 ? emptyBlock(leaving, d, block.values.cols, isWeighted) : undefined
      let done = 0 // rows of `left` that are filled
      for (let r = 0, some = 0; r < rows; r += some) {
        // As many rows as come before the centre moves, and either all have room or none has.
        some = 1
        while (r + some < rows && !moves(position.seen + some)) some++
        const room = count - held.count
        if (room > 0) {
          some = Math.min(some, room)
          fades?.came(held.count, position.seen, some)
          held.write(block, r, some, held.count)
        } else done = compete(held, block, { from: r, rows: some, centre, seen: position.seen, fades }, left, done)
        passed(block, r, some)
      }
      return left
    },
    saved: () => ({
      parameters: { weight: String(position.weight) },
      tensors: {
        sum: { dtype: 'F64', shape: [d], data: sum },
        centre: { dtype: 'F64', shape: [d], data: centre },
        ...fades?.saved(),
      },
    }),
  }
}

/** Schema of the running mean of keys: their weighted sum, and the centre from which distances are measured. */
export const farKeysSchema = schema({
  parameters: { weight: TOTAL },
  tensors: { sum: { type: 'F64', size: 'd', ...SUM }, centre: { type: 'F64', size: 'd', ...SUM } },
})

function restored({ snapshot, seen }: PolicyStart, d: number): Position {
  const { parameters, tensors } = readBy(KIND, farKeysSchema, snapshot, { d })
  return { seen, weight: parameters.weight, ...tensors }
}

/** Whether the centre moves when the token with number `seen` has come. */
function moves(seen: number): boolean {
  return movedAt(seen) === seen
}

/** The number of tokens that had come when the centre last moved. */
function movedAt(seen: number): number {
  return seen >= RESCORE ? seen - (seen % RESCORE) : 2 ** (31 - Math.clz32(seen))
}

/** A token that leaves: one held in a slot, a row of the block that had taken a slot, or a row that never had a chance of one. */
interface Leaving {
  readonly slot?: number | undefined
  readonly place?: number | undefined
  readonly row?: number | undefined
}

/**
 * Copies the rows that have a chance: those farther out than the smallest distance that a slot may have while they compete. Rounding may bring a row that takes
 * a slot nearer than all tokens held before, and then other rows have a chance, too.
 */
function withChances(
  held: HeldTokens,
  block: KvBlock,
  gaps: Float64Array,
  { from, centre, least }: { readonly from: number; readonly centre: Float64Array; readonly least: number },
): {
  readonly hopeful: readonly number[]
  readonly staged?: StagedTokens | undefined
  readonly distances?: Float64Array | undefined
} {
  for (let floor = least; ;) {
    const hopeful: number[] = []
    for (const [i, gap] of gaps.entries()) if (gap > floor) hopeful.push(from + i)
    if (hopeful.length === 0) return { hopeful }
    const staged = held.staged(rowsOfBlock(block, hopeful), 0, hopeful.length)
    const distances = staged.distances(centre)
    const lower = distances.reduce((a, b) => Math.min(a, b), floor)
    if (!gaps.some((gap) => gap > lower && gap <= floor)) return { hopeful, staged, distances }
    staged[Symbol.dispose]()
    floor = lower
  }
}

/** Copies rows of a block with their weights. */
function rowsOfBlock({ keys, values, weights }: KvBlock, rows: readonly number[]): KvBlock {
  return {
    keys: pickedRows(keys, rows),
    values: pickedRows(values, rows),
    ...(weights && { weights: Float32Array.from(rows, (row) => weights[row]) }),
  }
}

/** Rows that compete for slots when `seen` tokens have come before them. */
interface Competing {
  readonly from: number
  readonly rows: number
  readonly centre: Float64Array
  readonly seen: number
  readonly fades?: Fading | undefined
}

/**
 * Lets one row after the other take the slot of the nearest token, if the row is farther out; tokens that leave go to `left`, from row `done` on. The store is
 * read and written in one go, since codes are slow token by token.
 *
 * @returns how many rows of `left` are filled now
 */
function compete(
  held: HeldTokens,
  block: KvBlock,
  { from, rows, centre, seen, fades }: Competing,
  left: KvBlock | undefined,
  done: number,
): number {
  const apart = held.distances(centre)
  fades?.fade(apart, movedAt(seen), seen)
  const heap = distanceHeap(apart)
  const gaps = Float64Array.from({ length: rows }, (_, i) =>
    squaredDistance(block.keys.data, (from + i) * centre.length, centre),
  )
  const { hopeful, staged, distances } = withChances(held, block, gaps, { from, centre, least: heap.least() })
  const placed = new Map<number, number>() // index of a row among the hopeful, by the slot that it took
  const leaving: Leaving[] = []
  for (let row = from, next = 0; row < from + rows; row++) {
    const place = row === hopeful[next] ? next++ : -1
    if (place < 0 || !(gaps[row - from] > heap.least())) {
      leaving.push({ row })
      continue
    }
    const slot = heap.nearest()
    const before = placed.get(slot)
    leaving.push(before === undefined ? { slot } : { place: before })
    placed.set(slot, place)
    fades?.came(slot, seen + row - from)
    heap.replaceNearest(distances![place])
  }
  if (left) {
    const slots = leaving.flatMap(({ slot }) => slot ?? [])
    const old = slots.length > 0 ? held.readAt(slots) : undefined
    const again = leaving.flatMap(({ place }) => place ?? [])
    const displaced = again.length > 0 ? staged!.read(again) : undefined
    let [at, next] = [0, 0]
    for (const { slot, place, row } of leaving) {
      if (slot !== undefined) copyToken(left, done++, old!, at++)
      else if (place !== undefined) copyToken(left, done++, displaced!, next++)
      else copyToken(left, done++, block, row!)
    }
  }
  staged?.put([...placed.values()], [...placed.keys()])
  staged?.[Symbol.dispose]()
  return done
}

function squaredDistance(keys: Float32Array, at: number, centre: Float64Array): number {
  let total = 0
  for (let c = 0; c < centre.length; c++) {
    const gap = keys[at + c] - centre[c]
    total += gap * gap
  }
  return total
}
