import type { KvBlock, Shape, Snapshot } from '@sublinear/core'
import type { HeldTokens } from '@sublinear/exact-attention'
import { copyRow, emptyBlock } from './blocks'
import { distanceHeap, type DistanceHeap } from './distance-heap'
import {
  checkTokenOptions,
  tierSnapshot,
  tokenTier,
  type Policy,
  type TokenOptions,
  type TokenTier,
  type TokenTierOptions,
} from './token-tier'

const KIND = 'far-keys'
/** Tokens between two moves of the centre; before the first, at every power of two. */
const RESCORE = 64

/**
 * A tier that keeps the `count` tokens whose keys lie farthest from the mean key: those whose scores differ most from the average,
 * which a summary of the rest would get wrong. It needs no queries.
 * Source: not from the papers. Distances are from the running mean of all keys admitted, which follows the stream: it is taken
 *   every 64 tokens (and at 1, 2, 4 … 32). Distances are of the keys as they are held, and are not kept: a call takes them anew.
 *
 * @param count  tokens kept, ≥ 1; store  how they are held (float32)
 * @throws TypeError, RangeError when count is no integer ≥ 1 or store no function
 * Guarantee: exact over the tokens held. Between two moves of the centre every token that left was no farther from it than all that
 *   stayed; a token that left does not come back when the mean moves. Merging is 'none': what is held depends on the mean at the time.
 * Cost: the store's bytes, 4·(d + dv) a token in float32, and 16·d. A call of up to 64 tokens takes O(count·d), and O(d + log count) a token.
 */
export function farKeys(options: TokenOptions): (shape: Shape) => TokenTier {
  checkTokenOptions('farKeys', options)
  return (shape) => tokenTier({ ...shape, ...described(shape.d, options) })
}

/** Far keys from their snapshot, resuming bit for bit. @throws RangeError when the bytes are damaged or of another kind */
export function restoreFarKeys(bytes: Uint8Array): TokenTier {
  const { snapshot, count, store, ...shape } = tierSnapshot(KIND, bytes)
  return tokenTier({ ...shape, ...described(shape.d, { count, store }) }, snapshot)
}

function described(d: number, { count, store }: TokenOptions): Omit<TokenTierOptions, 'd' | 'dv' | 'scale'> {
  return { kind: KIND, count, store, merging: 'none', policy: (held, snapshot) => farthest(held, d, count, snapshot) }
}

/** Where the stream stands: the running mean as a weighted sum, and the mean that distances were last taken from. */
interface Position {
  seen: number // tokens admitted
  weight: number
  readonly sum: Float64Array // d
  readonly centre: Float64Array // d
}

function farthest(held: HeldTokens, d: number, count: number, snapshot?: Snapshot): Policy {
  const position = snapshot
    ? restored(snapshot, d)
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
        } else if (left) copyRow(left, done++, block, r)
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

function restored({ parameters, tensors }: Snapshot, d: number): Position {
  const [sum, centre] = ['sum', 'centre'].map((name) => tensors.get(name)?.data)
  const weight = Number(parameters['weight'])
  const fits =
    sum instanceof Float64Array &&
    centre instanceof Float64Array &&
    sum.length === d &&
    centre.length === d &&
    sum.every(Number.isFinite) &&
    centre.every(Number.isFinite) &&
    weight >= 0 &&
    weight < Infinity
  if (!fits) throw new RangeError(`${KIND}: the tensors of the snapshot do not fit its parameters`)
  return { seen: Number(parameters['tokens']), weight, sum, centre }
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
