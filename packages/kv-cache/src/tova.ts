import type { Shape, Snapshot } from '@sublinear/core'
import type { HeldTokens } from '@sublinear/exact-attention'
import { allButLowest, receivedShares } from './attention-shares'
import { lastQueries } from './last-queries'
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

const KIND = 'tova'

/**
 * A tier from which those tokens leave to which the last query gives the least attention, wherever they stand.
 * Source: Oren et al., Transformers are Multi-State RNNs (2024). Deviation: tokens leave 64 at a time, at fixed places of the stream,
 *   by the query of the last token before that place, and not one a token; the query heads of a group add up.
 *
 * @param count  tokens kept, ≥ 1; store  how they are held (float32)
 * @throws TypeError, RangeError when count is no integer ≥ 1 or store no function
 * Guarantee: exact over the tokens held. What left had no more attention than all that stayed, the earlier of equals first. The last query is
 *   the last one given to `step`; before the first the oldest tokens leave. Pushing and asking teach nothing. Merging is 'none'.
 * Cost: the store's, 4·(d + dv) bytes a token in float32, 4 more, and 4·d + 12 a query head; every 64 tokens one query's scores.
 */
export function tova(options: TokenOptions): (shape: Shape) => TokenTier {
  checkTokenOptions(KIND, options)
  return (shape) => tokenTier({ ...shape, ...described(shape, options) })
}

/** A tier of tova from its snapshot, resuming bit for bit. @throws RangeError when the bytes are damaged or of another kind */
export function restoreTova(bytes: Uint8Array): TokenTier {
  const { snapshot, count, store, ...shape } = tierSnapshot(KIND, bytes)
  return tokenTier({ ...shape, ...described(shape, { count, store }) }, snapshot)
}

function described(shape: Shape, { count, store }: TokenOptions): Omit<TokenTierOptions, 'd' | 'dv' | 'scale'> {
  return {
    kind: KIND,
    count,
    store,
    merging: 'none',
    policy: (held, snapshot) => attendedLast(held, shape, count, snapshot),
  }
}

function attendedLast(held: HeldTokens, { d, scale }: Shape, count: number, snapshot?: Snapshot): Policy {
  const order = streamOrder(KIND, held, snapshot)
  const last = lastQueries(KIND, d, 1, snapshot)
  return {
    get bytes() {
      return order.bytes + last.bytes
    },
    observe: (queries, total, arrival) => last.observe(queries, total, arrival?.groups ?? 1),
    admit(block, dropped) {
      const scores = receivedShares(last, held, order.slots, block, scale)
      return order.exchange(block, allButLowest(scores, scores.length - count), dropped)
    },
    saved: () => ({ ...last.saved(), tensors: { ...last.saved().tensors, ...order.saved() } }),
  }
}
