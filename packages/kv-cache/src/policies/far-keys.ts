import { checkFits, copyToken, emptyBlock, tensorsIn, type KvBlock, type Shape, type Snapshot } from '@sublinear/core'
import type { HeldTokens } from '@sublinear/token-store'
import { tokenMethod } from '../tier-method'
import { distanceHeap, type DistanceHeap } from './distance-heap'
import {
  checkTokenOptions,
  tierSnapshot,
  tokenTier,
  type Policy,
  type PolicyStart,
  type TokenOptions,
  type TokenTier,
} from '../token-tier'

const KIND = 'farKeys'
/** Tokens between two moves of the centre; before the first, at every power of two. */
const RESCORE = 64

/**
 * A tier that keeps the `count` tokens whose keys lie farthest from the mean key: those whose scores differ most from the average,
 * which a summary of the rest would get wrong. It needs no queries.
 * Source: not from the papers. Distances are from the running mean of all keys admitted, which follows the stream: it is taken
 *   every 64 tokens (and at 1, 2, 4 … 32). Distances are of the keys as they are held, and are not kept: a call takes them anew.
 *
 * @param count  tokens kept, ≥ 1; store  how they are held (float32); buffer  tokens that wait where it stands alone (64)
 * @throws TypeError, RangeError when one is no such integer or store no token store
 * Guarantee: exact over the tokens held. Between two moves of the centre every token that left was no farther from it than all that
 *   stayed; a token that left does not come back when the mean moves. Merging is 'none': what is held depends on the mean at the time.
 * Cost: the store's bytes, 4·(d + dv) a token in float32, and 16·d. A call of up to 64 tokens takes O(count·d), and O(d + log count) a token.
 */
export function farKeys(options: TokenOptions): (shape: Shape) => TokenTier {
  checkTokenOptions(KIND, options)
  return (shape) => live(shape, options)
}

/** Far keys from their snapshot, resuming bit for bit. @throws RangeError when the bytes are damaged or of another kind */
export function restoreFarKeys(bytes: Uint8Array): TokenTier {
  const { snapshot, ...options } = tierSnapshot(KIND, bytes)
  return live(options, options, snapshot)
}

export const farKeysMethod = tokenMethod<TokenOptions>({
  name: KIND,
  source: 'not from the papers',
  learns: 'nothing',
  tier: farKeys,
  open: restoreFarKeys,
  beside: ({ d }) => 16 * d,
})

function live(shape: Shape, options: TokenOptions, snapshot?: Snapshot): TokenTier {
  const policy = (held: HeldTokens, from?: PolicyStart) => farthest(held, shape.d, options.count, from)
  return tokenTier({ ...shape, ...options, kind: KIND, merging: 'none', policy }, snapshot)
}

/** Where the stream stands: the running mean as a weighted sum, and the mean that distances were last taken from. */
interface Position {
  seen: number // tokens admitted
  weight: number
  readonly sum: Float64Array // d
  readonly centre: Float64Array // d
}

function farthest(held: HeldTokens, d: number, count: number, from?: PolicyStart): Policy {
  const position = from
    ? restored(from, d)
    : { seen: 0, weight: 0, sum: new Float64Array(d), centre: new Float64Array(d) }
  const { sum, centre } = position

  /** Counts the token, and says whether it moved the centre. */
  const passed = (keys: Float32Array, at: number, weight: number): boolean => {
    for (let c = 0; c < d; c++) sum[c]! += weight * keys[at + c]!
    position.weight += weight
    const seen = ++position.seen
    if (seen % RESCORE !== 0 && (seen > RESCORE || (seen & (seen - 1)) !== 0)) return false
    for (let c = 0; c < d; c++) centre[c] = sum[c]! / position.weight
    return true
  }

  return {
    bytes: 16 * d,
    admit(block, dropped) {
      const { rows, data } = block.keys
      const leaving = dropped ? 0 : Math.max(0, held.count + rows - count)
      const isWeighted = block.weights !== undefined || held.weights !== undefined
      const left = leaving > 0 ? emptyBlock(leaving, d, block.values.cols, isWeighted) : undefined
      let done = 0 // rows of `left`
      let heap: DistanceHeap | undefined // of the full store, since the centre last moved
      for (let r = 0; r < rows; r++) {
        if (held.count === count) heap ??= distanceHeap(held.distances(centre))
        if (!heap) held.write(block, r, 1, held.count)
        else if (squaredDistance(data, r * d, centre) > heap.least()) {
          const slot = heap.nearest()
          if (left) takeSlot(left, done++, held, slot)
          held.write(block, r, 1, slot)
          heap.replaceNearest(held.distances(centre, slot, 1)[0]!)
        } else if (left) copyToken(left, done++, block, r)
        if (passed(data, r * d, block.weights?.[r] ?? 1)) heap = undefined
      }
      return left
    },
    saved: () => ({
      parameters: { weight: String(position.weight) },
      tensors: {
        sum: { dtype: 'F64', shape: [d], data: sum.slice() },
        centre: { dtype: 'F64', shape: [d], data: centre.slice() },
      },
    }),
  }
}

function restored({ snapshot, seen }: PolicyStart, d: number): Position {
  const { sum, centre } = tensorsIn(KIND, snapshot, { sum: ['F64', d], centre: ['F64', d] })
  const weight = Number(snapshot.parameters['weight'])
  checkFits(KIND, sum.every(Number.isFinite) && centre.every(Number.isFinite) && weight >= 0 && weight < Infinity)
  return { seen, weight, sum, centre }
}

/** Row `at` of a block becomes what a slot holds. */
function takeSlot(to: KvBlock, at: number, held: HeldTokens, slot: number): void {
  held.readInto(to.keys, to.values, at, slot)
  if (to.weights) to.weights[at] = held.weights?.[slot] ?? 1
}

function squaredDistance(keys: Float32Array, at: number, centre: Float64Array): number {
  let total = 0
  for (let c = 0; c < centre.length; c++) {
    const gap = keys[at + c]! - centre[c]!
    total += gap * gap
  }
  return total
}
