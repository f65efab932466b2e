import {
  checkFits,
  checkObject,
  FRAME_FEATURES,
  HELD_FEATURES,
  stackedRows,
  type HeadFeature,
  type KvBlock,
  type Matrix,
  type Shape,
  type Snapshot,
} from '@sublinear/core'
import type { HeldTokens } from '@sublinear/token-store'
import { attentionReceived, type AttentionReceived, type Received } from './attention-received'
import { allButLowest } from './attention-shares'
import { goneTokens, type GoneTokens } from './gone-tokens'
import { lastQueries, type LastQueries } from './last-queries'
import type { Counted, ScorePolicy, Scoring } from './scoring'
import { streamOrder, type StreamOrder } from './stream-order'
import { checkSizes, checkTokenOptions, sizesOf, type TokenOptions } from './token-options'
import { tierSnapshot, tokenTier, type Policy, type PolicyStart, type TokenTier } from './token-tier'

/** Tiers of a scored policy: makes them, and restores them. */
export interface ScoredTier<O extends Counted, S extends Counted = O> {
  (options: O & TokenOptions): (shape: Shape) => TokenTier
  readonly policy: ScorePolicy<O, S>
  /** Restores a tier from its snapshot; it goes on bit for bit. @throws RangeError when the bytes are damaged or of another kind */
  open(bytes: Uint8Array): TokenTier
}

/**
 * Makes the tiers of a policy that is one score: the tokens of the largest scores stay. Selection, ties, forced tokens, a prompt in one piece, stores,
 * snapshots, the waiting buffer and the memory of queries are the same for all such policies.
 *
 * Guarantee: exact over the tokens held. At every selection a token that stays and is not forced has a score no lower than any that leaves; of
 *   equals, the earlier leave. Selections come at fixed places of the stream; a stream of at most count + buffer tokens sees one, as a prompt does.
 *   The policy learns only from `step`, not from `push` and `attend`. Merging is 'none'.
 * Cost: the cost of the store, and 4 bytes a token for its place. Where the policy remembers them: 8 bytes a token for the attention received, 8 for the number
 *   of queries that saw it, 4·d + 12 for each kept query, and 8·(d + dv + 1) for the tokens that left.
 */
export function scored<O extends Counted, S extends Counted = O>(policy: ScorePolicy<O, S>): ScoredTier<O, S> {
  const { name } = checkObject('scored', policy, 'policy')
  const settledOf = (options: O): S => (policy.settle?.(options) ?? { count: options.count }) as S
  const live = (shape: Shape, own: TokenOptions, settled: S, snapshot?: Snapshot): TokenTier => {
    return tokenTier(
      {
        ...shape,
        ...sizesOf(own),
        kind: name,
        merging: 'none',
        can: scoredFeatures(policy.learns),
        identity: { options: JSON.stringify(settled) },
        policy: (held, from) => chosen(policy, settled, held, shape, from),
      },
      snapshot,
    )
  }
  const make = (options: O & TokenOptions) => {
    const settled = settledOf(checkedCount(name, options))
    checkTokenOptions(name, options, Object.keys(settled))
    return (shape: Shape) => live(shape, options, settled)
  }
  return Object.assign(make, {
    policy,
    open(bytes: Uint8Array) {
      const { snapshot, count, store, buffer, ...shape } = tierSnapshot(name, bytes)
      const saved = snapshot.parameters['options']
      const settled = read(name, saved, (options) => settledOf({ ...options, count } as O))
      checkFits(name, JSON.stringify(settled) === saved)
      return live(shape, { count, store, buffer }, settled, snapshot)
    },
  })
}

/** Features that a scored tier computes; where it learns from attention, only those of plain scores. */
export function scoredFeatures(learns: ScorePolicy['learns']): readonly HeadFeature[] {
  return learns === 'nothing' ? HELD_FEATURES : FRAME_FEATURES
}

/** Checks the sizes among the options, and returns the options for `settle`, which checks the others. */
function checkedCount<O extends TokenOptions>(name: string, options: O): O {
  checkSizes(name, checkObject(name, options))
  return options
}

/** Reads the options from a snapshot, settled as they were. */
function read<S>(name: string, json: string | undefined, settled: (options: object) => S): S {
  try {
    return settled(JSON.parse(json ?? '') as object)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new RangeError(`${name}: the options of the snapshot must be its own: ${why}`, { cause: error })
  }
}

/** State of a policy beside its tokens. */
interface Parts {
  readonly order: StreamOrder
  readonly attention: AttentionReceived | undefined
  readonly gone: GoneTokens | undefined
  readonly last: LastQueries | undefined
}

function chosen<O extends Counted, S extends Counted>(
  policy: ScorePolicy<O, S>,
  settled: S,
  held: HeldTokens,
  { d, dv, scale }: Shape,
  from?: PolicyStart,
): Policy {
  const { name, learns } = policy
  const { count } = settled
  const { first = 0, recent = 0 } = policy.stays?.(settled) ?? {}
  const like = from?.like as Parts | undefined
  const order = streamOrder(name, held, from?.snapshot, like?.order)
  const attention =
    learns === 'received' || learns === 'watched'
      ? attentionReceived(name, held, learns === 'watched', from?.snapshot, like?.attention)
      : undefined
  const gone = policy.remembersGone ? goneTokens(name, d, dv, from?.snapshot, like?.gone) : undefined
  const last =
    learns === 'lastQueries' ? lastQueries(name, d, policy.asks?.(settled) ?? 1, from?.snapshot, like?.last) : undefined
  let seen = from?.seen ?? 0

  const scoring = (block: KvBlock, sums: Received | undefined): Scoring => {
    const all = (side: 'keys' | 'values') => stackedRows([inOrder(held.read()[side], order.slots), block[side]])
    return {
      count: held.count + block.keys.rows,
      seen,
      scale,
      keys: () => all('keys'),
      values: () => all('values'),
      weights: weightsOf(held, order.slots, block),
      ...sums,
      ...(gone && { gone }),
      ...(last && { shares: () => last.shares(held, order.slots, block, scale) }),
    }
  }
  const stay = (block: KvBlock, sums: Received | undefined): Uint8Array => {
    const rows = held.count + block.keys.rows
    if (rows <= count) return new Uint8Array(rows).fill(1)
    const scores = policy.score(scoring(block, sums), settled)
    return allButLowest(first > 0 ? scores.fill(Infinity, 0, first) : scores, rows - count, rows - recent)
  }

  return {
    bytes: () => order.bytes() + (attention?.bytes() ?? 0) + (gone?.bytes ?? 0) + (last?.bytes() ?? 0),
    asksShares: attention !== undefined,
    ...((attention || last) && {
      observe(queries, total, arrival) {
        attention?.observe(queries, total, arrival)
        last?.observe(queries, total, arrival?.groups ?? 1)
      },
    }),
    parts: { order, attention, gone, last } satisfies Parts,
    admit(block, dropped) {
      seen += block.keys.rows
      const sums = attention?.inOrder(order.slots, block.keys.rows)
      const stays = stay(block, sums)
      gone?.add(held, order.slots, block, stays)
      const left = order.exchange(block, stays, dropped)
      if (sums) attention!.keep(sums, stays, order.slots)
      return left
    },
    saved() {
      const kept = last?.saved()
      return {
        parameters: { ...kept?.parameters, ...(gone && { gone: String(gone.weight) }) },
        tensors: { ...kept?.tensors, ...order.saved(), ...attention?.saved(), ...gone?.saved() },
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
  if (own) for (const [i, slot] of slots.entries()) out[i] = own[slot]
  if (weights) out.set(weights, slots.length)
  return out
}
