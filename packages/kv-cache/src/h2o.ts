import { checkInteger, type Shape, type Snapshot } from '@sublinear/core'
import type { HeldTokens } from '@sublinear/exact-attention'
import { addShares, allButLowest } from './attention-shares'
import { streamOrder } from './stream-order'
import {
  checkTokenOptions,
  tierSnapshot,
  tokenTier,
  type Policy,
  type TokenOptions,
  type TokenTier,
  type TokenTierOptions,
} from './token-tier'

const KIND = 'h2o'

export interface H2oOptions extends TokenOptions {
  /** Of the tokens held, the latest, which stay whatever their attention. Default half of them, the paper's. */
  readonly recent?: number
}

/**
 * A tier that keeps the tokens which have received the most attention, and the latest.
 * Source: Zhang et al., H2O: Heavy-Hitter Oracle for Efficient Generative Inference of Large Language Models (2023). Deviation: tokens
 *   leave 64 at a time, at fixed places of the stream, and not one a token; the query heads of a group add up.
 *
 * @param count  tokens kept, ≥ 1; recent  of these the latest, from 0 to count; store  how they are held (float32)
 * @throws TypeError, RangeError when one is no such integer or store no function
 * Guarantee: exact over the tokens held. Those that left had received no more attention than any that stayed and is not recent, the earlier
 *   of equals first. Attention is that of the softmax over everything, in `step`, from the token's arrival on; behind other tiers from
 *   its arrival here on. Pushing and asking teach nothing. Merging is 'none'.
 * Cost: the store's, 4·(d + dv) bytes a token in float32, and 12 more; 2·count·d operations and count exponentials a query.
 */
export function h2o(options: H2oOptions): (shape: Shape) => TokenTier {
  checkTokenOptions(KIND, options)
  const { count, recent } = options
  const latest = checked(count, recent ?? Math.floor(count / 2))
  return (shape) => tokenTier({ ...shape, ...described(shape, options, latest) })
}

/** A tier of h2o from its snapshot, resuming bit for bit. @throws RangeError when the bytes are damaged or of another kind */
export function restoreH2o(bytes: Uint8Array): TokenTier {
  const { snapshot, count, store, ...shape } = tierSnapshot(KIND, bytes)
  const recent = checked(count, Number(snapshot.parameters['recent']))
  return tokenTier({ ...shape, ...described(shape, { count, store }, recent) }, snapshot)
}

function checked(count: number, recent: number): number {
  checkInteger(KIND, 'recent', recent, 0, count)
  return recent
}

function described(
  shape: Shape,
  { count, store }: TokenOptions,
  recent: number,
): Omit<TokenTierOptions, 'd' | 'dv' | 'scale'> {
  return {
    kind: KIND,
    count,
    store,
    merging: 'none',
    identity: { recent: String(recent) },
    policy: (held, snapshot) => heavyHitters(held, shape, count, recent, snapshot),
  }
}

function heavyHitters(held: HeldTokens, { scale }: Shape, count: number, recent: number, snapshot?: Snapshot): Policy {
  const order = streamOrder(KIND, held, snapshot)
  let received = restored('received', held.count, held.count, snapshot) // by slot
  let waited = restored('waited', 0, Infinity, snapshot) // by tokens that wait before this tier

  return {
    get bytes() {
      return order.bytes + received.byteLength + waited.byteLength
    },
    observe(queries, total, arrival) {
      addShares(received, queries, total, held.readKeys(), held.weights, scale)
      if (!arrival?.waiting) return
      const { groups, waiting } = arrival
      const more = new Float64Array(waiting.held.count)
      more.set(waited.subarray(0, more.length))
      waited = more
      const { held: front, visible } = waiting
      addShares(waited, queries, total, front.readKeys(), front.weights, scale, { visible, groups })
    },
    admit(block, dropped) {
      const rows = held.count + block.keys.rows
      const scores = new Float64Array(rows)
      for (const [i, slot] of order.slots.entries()) scores[i] = received[slot]!
      scores.set(waited.subarray(0, block.keys.rows), held.count)
      const stays = allButLowest(scores, rows - count, rows - recent)
      const left = order.exchange(block, stays, dropped)
      const kept = scores.filter((_, i) => stays[i])
      received = new Float64Array(kept.length)
      for (const [i, slot] of order.slots.entries()) received[slot] = kept[i]!
      waited = new Float64Array(0)
      return left
    },
    saved: () => ({
      tensors: {
        ...order.saved(),
        received: { dtype: 'F64', shape: [received.length], data: received },
        waited: { dtype: 'F64', shape: [waited.length], data: waited },
      },
    }),
  }
}

function restored(name: string, least: number, most: number, snapshot?: Snapshot): Float64Array {
  if (!snapshot) return new Float64Array(0)
  const scores = snapshot.tensors.get(name)?.data
  const fits =
    scores instanceof Float64Array &&
    scores.length >= least &&
    scores.length <= most &&
    scores.every((score) => score >= 0 && score < Infinity)
  if (!fits) throw new RangeError(`${KIND}: the tensors of the snapshot do not fit its parameters`)
  return scores
}
