import { checkInteger, type Shape, type Snapshot } from '@sublinear/core'
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

const KIND = 'snap-kv'

export interface SnapKvOptions extends TokenOptions {
  /** Tokens whose queries select, and which stay themselves. Default 32, the paper's, or half of `count` where that is less. */
  readonly window?: number
  /** Neighbours over which the largest attention counts; odd. Default 7, the paper's. */
  readonly pool?: number
}

/**
 * A tier that keeps the last `window` tokens and those before them to which their queries give the most attention, a token counting as
 * much as the best of its neighbours.
 * Source: Li et al., SnapKV: LLM Knows What You are Looking for Before Generation (2024). Deviation: the paper selects once, when the prompt is
 *   complete; here it is done anew every 64 tokens, among those still held (a prompt that comes in one piece of count + 64 tokens or less is
 *   selected from as in the paper), so neighbours are neighbours among these; the query heads of a group add up.
 *
 * @param count  tokens kept, ≥ 2; window  1 … count − 1; pool  odd, ≥ 1; store  how they are held (float32)
 * @throws TypeError, RangeError when one is no such integer or store no function
 * Guarantee: exact over the tokens held. Selections see the queries given to `step` before them and none later; before the first the oldest
 *   tokens leave. Pushing and asking teach nothing. Merging is 'none'.
 * Cost: the store's, 4·(d + dv) bytes a token in float32, 4 more, and 4·d + 12 a query of the window; every 64 tokens the scores of the window's queries.
 */
export function snapKv(options: SnapKvOptions): (shape: Shape) => TokenTier {
  checkTokenOptions('snapKv', options)
  const { count, window, pool = 7 } = options
  const choice = checked('snapKv', count, window ?? Math.max(1, Math.min(32, Math.floor(count / 2))), pool)
  return (shape) => tokenTier({ ...shape, ...described(shape, options, choice) })
}

/** A tier of snapKv or pyramidKv from its snapshot, resuming bit for bit. @throws RangeError when the bytes are damaged or of another kind */
export function restoreSnapKv(bytes: Uint8Array): TokenTier {
  const { snapshot, count, store, ...shape } = tierSnapshot(KIND, bytes)
  const { window, pool } = snapshot.parameters
  const choice = checked(KIND, count, Number(window), Number(pool))
  return tokenTier({ ...shape, ...described(shape, { count, store }, choice) }, snapshot)
}

interface Choice {
  readonly window: number
  readonly pool: number
}

function checked(who: string, count: number, window: number, pool: number): Choice {
  checkInteger(who, 'count', count, 2)
  checkInteger(who, 'window', window, 1, count - 1)
  checkInteger(who, 'pool', pool, 1)
  if (pool % 2 === 0) throw new RangeError(`${who}: pool must be odd, got ${pool}`)
  return { window, pool }
}

function described(
  shape: Shape,
  { count, store }: TokenOptions,
  choice: Choice,
): Omit<TokenTierOptions, 'd' | 'dv' | 'scale'> {
  return {
    kind: KIND,
    count,
    store,
    merging: 'none',
    identity: { window: String(choice.window), pool: String(choice.pool) },
    policy: (held, snapshot) => selected(held, shape, count, choice, snapshot),
  }
}

function selected(
  held: HeldTokens,
  { d, scale }: Shape,
  count: number,
  { window, pool }: Choice,
  snapshot?: Snapshot,
): Policy {
  const order = streamOrder(KIND, held, snapshot)
  const last = lastQueries(KIND, d, window, snapshot)
  return {
    get bytes() {
      return order.bytes + last.bytes
    },
    observe: (queries, total, arrival) => last.observe(queries, total, arrival?.groups ?? 1),
    admit(block, dropped) {
      const rows = held.count + block.keys.rows
      if (rows <= count) return order.exchange(block, new Uint8Array(rows).fill(1), dropped)
      const before = rows - window
      const pooled = largestAround(receivedShares(last, held, order.slots, block, scale).subarray(0, before), pool)
      const scores = new Float64Array(rows)
      scores.set(pooled)
      return order.exchange(block, allButLowest(scores, rows - count, before), dropped)
    },
    saved: () => ({ ...last.saved(), tensors: { ...last.saved().tensors, ...order.saved() } }),
  }
}

/** The largest of `pool` entries around each. */
function largestAround(scores: Float64Array, pool: number): Float64Array {
  const reach = (pool - 1) / 2
  return scores.map((_, i) => scores.subarray(Math.max(0, i - reach), i + reach + 1).reduce((a, b) => Math.max(a, b)))
}
