import { stackedRows, type KvBlock, type Matrix, type Shape, type Snapshot } from '@sublinear/core'
import type { HeldTokens } from '@sublinear/token-store'
import { attentionReceived, type Received } from './attention-received'
import { allButLowest } from './attention-shares'
import { lastQueries } from './last-queries'
import { streamOrder } from './stream-order'
import {
  checkTokenOptions,
  tierSnapshot,
  tokenTier,
  type Policy,
  type PolicyStart,
  type TokenOptions,
  type TokenTier,
} from './token-tier'

/** What a score may look at: tokens in stream order, those held first, then those that have just come. */
export interface Scoring {
  /** Tokens to be scored. */
  readonly count: number
  /** Tokens that have come in all, those that left included. */
  readonly seen: number
  readonly scale: number
  /** Keys and values as they are held, count × d and count × dv; copies. */
  keys(): Matrix
  values(): Matrix
  /** Weights of the tokens, where any differs from 1. */
  readonly weights: Float32Array | undefined
  /** Attention that each token has received since it came, added up over queries; where the policy remembers it. */
  readonly received: Float64Array
  /** Query rows that saw each token since it came; where the policy remembers it. */
  readonly watched: Float64Array
  /** Attention that each token gets from the last queries, added up over their tokens: one array a query head. None before the first query. */
  shares(): readonly Float64Array[]
}

/** A cache policy: what stays is the largest of its score. */
export interface ScoredPolicy<O extends TokenOptions = TokenOptions> {
  /** The kind of its snapshots. */
  readonly name: string
  /** The paper. */
  readonly source: string
  /** Checks options beside count and store; what decides the policy, by name, for snapshots and merging. */
  identity?(options: O): Readonly<Record<string, number | string>>
  /** Options from the identity of a snapshot. */
  options?(identity: Readonly<Record<string, string>>): Omit<O, keyof TokenOptions>
  /** What it remembers of queries. */
  readonly remembers?: {
    /** Attention received by each token. */
    readonly received?: boolean
    /** How many query rows saw each token. */
    readonly watched?: boolean
    /** Tokens whose queries are kept. */
    readonly last?: (options: O) => number
  }
  /** How many of the newest tokens stay whatever their score. Default 0. */
  readonly newest?: (options: O) => number
  /** One number a token. The largest stay, of equals the later. */
  score(tokens: Scoring, options: O): Float64Array
}

/** The tier of a scored policy, and how it comes back. */
export interface ScoredTier<O extends TokenOptions> {
  (options: O): (shape: Shape) => TokenTier
  readonly policy: ScoredPolicy<O>
  open(bytes: Uint8Array): TokenTier
}

/**
 * The tiers of a policy that is one score. Selection, ties, forced tokens, prefill in one go, stores, snapshots, the waiting buffer and what is
 * remembered of queries are the same for all.
 *
 * Guarantee: exact over the tokens held. At every selection those that stay and are not forced have scores no lower than those that leave, of
 *   equals the earlier leave. Selections come at fixed places of the stream; a stream of count + buffer tokens or less sees one, as a prompt does.
 *   Pushing and asking teach nothing. Merging is 'none'.
 * Cost: the store's, 4 bytes a token for its place, 8 for the attention received, 8 for the queries that saw it, and 4·d + 12 a query kept, each
 *   where the policy remembers it.
 */
export function scored<O extends TokenOptions>(policy: ScoredPolicy<O>): ScoredTier<O> {
  const { name } = policy
  const live = (shape: Shape, options: O, snapshot?: Snapshot): TokenTier => {
    const identity = policy.identity?.(options) ?? {}
    const { count, store, buffer } = options
    return tokenTier(
      {
        ...shape,
        count,
        ...(store && { store }),
        ...(buffer !== undefined && { buffer }),
        kind: name,
        merging: 'none',
        identity: Object.fromEntries(Object.entries(identity).map(([key, value]) => [key, String(value)])),
        policy: (held, from) => chosen(policy, held, shape, options, from),
      },
      snapshot,
    )
  }
  const make = (options: O) => {
    checkTokenOptions(name, options)
    policy.identity?.(options) // refuses
    return (shape: Shape) => live(shape, options)
  }
  return Object.assign(make, {
    policy,
    open(bytes: Uint8Array) {
      const { snapshot, count, store, buffer, ...shape } = tierSnapshot(name, bytes)
      const options = { ...policy.options?.(snapshot.parameters), count, store, buffer } as O
      return live(shape, options, snapshot)
    },
  })
}

function chosen<O extends TokenOptions>(
  policy: ScoredPolicy<O>,
  held: HeldTokens,
  { d, scale }: Shape,
  options: O,
  from?: PolicyStart,
): Policy {
  const { name, remembers = {} } = policy
  const { count } = options
  const newest = policy.newest?.(options) ?? 0
  const order = streamOrder(name, held, from?.snapshot)
  const attention = remembers.received
    ? attentionReceived(name, held, scale, remembers.watched ?? false, from?.snapshot)
    : undefined
  const last = remembers.last ? lastQueries(name, d, remembers.last(options), from?.snapshot) : undefined
  let seen = from?.seen ?? 0

  const scoring = (block: KvBlock, rows: number, sums: Received | undefined): Scoring => {
    const all = (name: 'keys' | 'values') => stackedRows([inOrder(held.read()[name], order.slots), block[name]])
    const keys = () => all('keys')
    return {
      count: rows,
      seen,
      scale,
      keys,
      values: () => all('values'),
      weights: weightsOf(held, order.slots, block),
      received: sums?.received ?? new Float64Array(0),
      watched: sums?.watched ?? new Float64Array(0),
      shares: () => last?.shares(held, order.slots, block, scale) ?? [],
    }
  }

  return {
    get bytes() {
      return order.bytes + (attention?.bytes ?? 0) + (last?.bytes ?? 0)
    },
    ...((attention || last) && {
      observe(queries, total, arrival) {
        attention?.observe(queries, total, arrival)
        last?.observe(queries, total, arrival?.groups ?? 1)
      },
    }),
    admit(block, dropped) {
      seen += block.keys.rows
      const rows = held.count + block.keys.rows
      const before = attention?.inOrder(order.slots, block.keys.rows)
      const stays =
        rows <= count
          ? new Uint8Array(rows).fill(1)
          : allButLowest(policy.score(scoring(block, rows, before), options), rows - count, rows - newest)
      const left = order.exchange(block, stays, dropped)
      if (before) attention!.keep(before, stays, order.slots)
      return left
    },
    saved() {
      const kept = last?.saved()
      return {
        parameters: { ...kept?.parameters },
        tensors: { ...kept?.tensors, ...order.saved(), ...attention?.saved() },
      }
    },
  }
}

function inOrder({ cols, data }: Matrix, slots: readonly number[]): Matrix {
  const out = new Float32Array(slots.length * cols)
  for (const [i, slot] of slots.entries()) out.set(data.subarray(slot * cols, (slot + 1) * cols), i * cols)
  return { rows: slots.length, cols, data: out }
}

function weightsOf(held: HeldTokens, slots: readonly number[], { keys, weights }: KvBlock): Float32Array | undefined {
  const own = held.weights
  if (!own && !weights) return undefined
  const out = new Float32Array(slots.length + keys.rows).fill(1)
  if (own) for (const [i, slot] of slots.entries()) out[i] = own[slot]!
  if (weights) out.set(weights, slots.length)
  return out
}
