import {
  TOTAL,
  readBy,
  schema,
  type Arrival,
  type Matrix,
  type PartialSoftmax,
  type State,
  type Tensor,
} from '@sublinear/core'
import type { HeldTokens } from '@sublinear/token-store'

/** Attention received, by token in stream order: tokens held, then tokens that have just come. */
export interface Received {
  readonly received: Float64Array
  readonly watched: Float64Array
}

const received = {
  received: { type: 'F64', size: 'held', ...TOTAL },
  'waited/received': { type: 'F64', ...TOTAL },
} as const
/** Schema of the attention received, and of the number of queries that watched. */
export const receivedSchema = schema({ tensors: received })
export const watchedSchema = schema({
  tensors: {
    ...received,
    watched: { type: 'F64', size: 'held', ...TOTAL },
    'waited/watched': { type: 'F64', like: 'waited/received', ...TOTAL },
  },
})

/** The attention that each token, held or waiting, has received since it came, from the softmax of all queries. */
export interface AttentionReceived {
  bytes(): number
  observe(queries: Matrix, total: PartialSoftmax, arrival?: Arrival): void
  /** Attention by token, in stream order: of the tokens in these slots, then of the next `rows` tokens that waited and now come. */
  inOrder(slots: readonly number[], rows: number): Received
  /** Goes on with the sums that `inOrder` gave, of the tokens that stay: they are now in these slots, and no token waits any more. */
  keep(before: Received, stays: Uint8Array, slots: readonly number[]): void
  /** Copies of all sums, by the names that they have in a snapshot. */
  copied(): Record<string, Float64Array>
  saved(): Record<string, Tensor>
}

/**
 * Makes the sums of attention received.
 *
 * @param counts  whether query rows are counted, too: 8 more bytes a token
 * @throws RangeError when the sums in the snapshot do not fit the tokens held
 */
export function attentionReceived(
  kind: string,
  held: HeldTokens,
  counts: boolean,
  snapshot?: State,
  like?: AttentionReceived,
): AttentionReceived {
  const names = counts ? (['received', 'watched'] as const) : (['received'] as const)
  const sizes = { held: held.count }
  const saved: Partial<Record<string, Float64Array>> = like
    ? like.copied()
    : snapshot
      ? (counts ? readBy(kind, watchedSchema, snapshot, sizes) : readBy(kind, receivedSchema, snapshot, sizes)).tensors
      : {}
  const bySlot = new Map(names.map((name) => [name, saved[name] ?? new Float64Array(0)]))
  const waited = new Map(names.map((name) => [name, saved[`waited/${name}`] ?? new Float64Array(0)]))

  /** The sums of tokens that wait, grown to as many as wait now. */
  const grown = (name: 'received' | 'watched', count: number): Float64Array => {
    const more = new Float64Array(count)
    const old = waited.get(name)!
    more.set(old.subarray(0, count))
    waited.set(name, more)
    return more
  }

  return {
    bytes: () => [...bySlot.values(), ...waited.values()].reduce((sum, { byteLength }) => sum + byteLength, 0),
    observe(queries, total, arrival) {
      held.addShares(bySlot.get('received')!, queries, total)
      const seen = bySlot.get('watched')
      if (seen) for (let i = 0; i < seen.length; i++) seen[i] += queries.rows
      if (!arrival?.waiting) return
      const { groups, waiting } = arrival
      waiting.addShares(grown('received', waiting.count), queries, total)
      if (!counts) return
      const by = grown('watched', waiting.count)
      for (let i = 0; i < by.length; i++) {
        const blind = groups * Math.max(0, i + 1 - waiting.visible) // query rows that belong to earlier tokens, and do not see this one
        by[i] += Math.max(0, queries.rows - blind)
      }
    },
    inOrder(slots, rows) {
      const of = (name: 'received' | 'watched') => {
        const out = new Float64Array(slots.length + rows)
        const held = bySlot.get(name)
        if (held) for (let i = 0; i < slots.length; i++) out[i] = held[slots[i]]
        out.set((waited.get(name) ?? new Float64Array(0)).subarray(0, rows), slots.length)
        return out
      }
      return { received: of('received'), watched: counts ? of('watched') : new Float64Array(0) }
    },
    keep(before, stays, slots) {
      for (const name of names) {
        const next = new Float64Array(slots.length)
        for (let i = 0, kept = 0; i < stays.length; i++) if (stays[i]) next[slots[kept++]] = before[name][i]
        bySlot.set(name, next)
        waited.set(name, new Float64Array(0))
      }
    },
    copied() {
      const all: Record<string, Float64Array> = {}
      for (const name of names) {
        all[name] = bySlot.get(name)!.slice()
        all[`waited/${name}`] = waited.get(name)!.slice()
      }
      return all
    },
    saved: () =>
      Object.fromEntries(
        [
          ...names.map((name) => [name, bySlot.get(name)!] as const),
          ...names.map((name) => [`waited/${name}`, waited.get(name)!] as const),
        ].map(([name, data]) => [name, { dtype: 'F64' as const, shape: [data.length], data }]),
      ),
  }
}
