import {
  checkHead,
  decodeSnapshot,
  joinedTokens,
  liveStream,
  HEAD_FEATURES,
  headOf,
  HELD_FEATURES,
  readBy,
  scoresOf,
  shapeIn,
  shapeParameters,
  type Arrival,
  type AttentionStream,
  type HeadFeature,
  type Inside,
  type KvBlock,
  type LiveStream,
  type Making,
  type Matrix,
  type PartialSoftmax,
  type Shape,
  type Snapshot,
  type State,
  type Tensor,
  type Tier,
  type Given,
} from '@sublinear/core'
import { float32, openStore, widenBySample, type HeldTokens } from '@sublinear/token-store'
import { attendCrowd } from './crowding'
import { tierSchema } from './saved-tiers'
import { admitBy, waited, waitingRoom, type WaitingRoom } from './waiting-room'
import { checkSizes, MOST_BUFFER, SIZES, type TokenOptions } from './token-options'

const VERSION = '2'

/** A tier that holds up to `count` tokens, chosen by its policy, and answers over them as its store holds them. */
export interface TokenTier extends Tier, Disposable {
  readonly check: LiveStream['check']
  readonly count: number
  /**
   * A copy of the tokens that the policy holds now, rounded as the store rounds, in stream order where merging is 'ordered'. Tokens that wait are not among them.
   */
  read(): KvBlock
  /** A copy of the tokens that wait before the policy, where the tier stands alone. */
  waits(): KvBlock | undefined
  absorb(later: Pick<AttentionStream, 'toBytes'>): KvBlock | undefined
}

/** Rule that decides which tokens stay. */
export interface Policy {
  /** Stores what the policy keeps of a checked block and returns the tokens that leave, in stream order. With `dropped` nobody reads the result, and it need not be made. */
  admit(block: KvBlock, dropped?: boolean): KvBlock | undefined
  /** Learns from queries and their softmax over everything that they saw; `held` has not changed since. */
  observe?(queries: Matrix, total: PartialSoftmax, arrival?: Arrival): void
  /** Whether `observe` asks `held` at once for the shares of the queries that it was given. */
  readonly asksShares?: boolean | undefined
  /** Tokens held, in stream order; only where merging is 'ordered'. */
  inOrder?(): KvBlock
  /** For each slot, the variance of its sampled weight as a share of the squared weight: fills the spread of answers. */
  unsure?(): Float64Array
  /** Bytes held beside the tokens. Default 0. */
  bytes?(): number
  /** State that the policy of a fork copies by itself. Absent: it is restored from what `saved` gives. */
  readonly parts?: unknown
  /** State that cannot be read from the slots, for a snapshot. */
  saved?(): {
    readonly parameters?: Record<string, string> | undefined
    readonly tensors?: Record<string, Tensor> | undefined
  }
}

/** A snapshot to go on from, and the number of tokens that its policy had been given. */
export interface PolicyStart {
  readonly snapshot: State
  readonly seen: number
  /** The `parts` of the policy that is copied. */
  readonly like?: unknown
}

export interface TokenTierOptions extends Shape, TokenOptions {
  readonly kind: string
  readonly merging: 'ordered' | 'none'
  /** Parameters that decide the policy beside `count`: they are saved, and merge compares them. */
  readonly identity?: Record<string, string> | undefined
  /** Features of a shape that the tier computes. Default: those of exact answers over the tokens held. */
  readonly can?: readonly HeadFeature[] | undefined
  /** The reason why it gives no error bars, where its policy makes tokens that did not come. */
  readonly noBars?: string | undefined
  /** Power at which a crowd of its tokens counts, 0 to 1. Default: 1, where they count as they are. */
  readonly crowd?: number | undefined
  /** Whether a store of codes may hold weights in 16 bits. */
  readonly shortWeights?: boolean | undefined
  /** End of the admitted tokens that it holds: the first or the newest. */
  readonly end?: Tier['end'] | undefined
  /** The policy over an empty store, or over one filled from a snapshot. */
  readonly policy: (held: HeldTokens, from?: PolicyStart) => Policy
}

/**
 * Makes the tier of a policy; store, checks, answers, snapshots and merging are the same for all. A tier that stands alone lets up to `buffer` tokens wait
 * before they go to the policy together.
 *
 * Guarantee: exact over the tokens as the store holds them, and over those that wait. A tier that stands alone forgets the tokens that it evicts; what `admit`
 *   returns is a fresh block or shares the memory of the given one.
 */
export function tokenTier(options: TokenTierOptions, from?: State): TokenTier {
  const { kind, count, can = HELD_FEATURES, end } = options
  checkSizes(kind, options)
  checkHead(kind, options, can, OWN)
  const making: Making<TierInside, TierMembers> = {
    kind,
    begin: (alive, state) => begun(options, alive.tokens, state),
    members: (now, alive, stream) => ({
      count,
      read: () => now().read(),
      waits: () => now().waits(),
      admit: admitBy(kind, options, alive, now),
      attendInOrder(queries, into) {
        alive.check()
        now().attendInOrder(queries, into)
      },
      absorb(later) {
        stream.check.merge(later)
        const theirs = tokenTier(options, decodeSnapshot(later.toBytes()))
        return alive.act('absorb', () => {
          const all = joinedTokens(theirs.read(), theirs.waits())
          alive.tokens += theirs.tokens
          theirs[Symbol.dispose]()
          return all && now().admitted(all)
        })
      },
      ...(end && { end }),
      ...(now().observe && {
        observe(queries: Matrix, total: PartialSoftmax, arrival?: Arrival) {
          alive.check()
          alive.act('observe', () => now().observe!(queries, total, arrival))
        },
      }),
    }),
  }
  return liveStream(making, from)
}

type TierMembers = Omit<TokenTier, keyof LiveStream>

/** The policy's store, the buffer of a tier that stands alone, and the work on both. */
interface TierInside extends Inside, Pick<TokenTier, 'read' | 'waits'> {
  readonly held: HeldTokens
  readonly room: WaitingRoom
  readonly parts: unknown
  readonly observe: Policy['observe']
  admitted(block: KvBlock, dropped?: boolean): KvBlock | undefined
  attendInOrder(queries: Matrix, into: PartialSoftmax): void
}

function begun(options: TokenTierOptions, given: number, from?: State): TierInside {
  const { kind, d, dv, scale, count, store = float32, buffer = MOST_BUFFER, crowd = 1 } = options
  const head = headOf(options)
  const scored = { d, dv, scale, ...scoresOf(options) }
  const like = from?.live as TierInside | undefined
  const held =
    like?.held.copy() ?? store.make({ ...scored, most: count, ...(options.shortWeights && { shortWeights: true }) })
  if (from && !like) held.restore(kind, from)
  const seen = like
    ? given - like.room.count
    : from && waited(kind, from, { d, dv, most: buffer, held: held.count, given }).seen
  const policy = options.policy(held, from && { snapshot: from, seen: seen!, like: like?.parts })
  const observe = policy.observe?.bind(policy)
  const room = waitingRoom({
    ...scored,
    most: buffer,
    admit: (block, dropped) => policy.admit(block, dropped),
    behind(queries, out, inOrder) {
      if (crowd < 1) attendCrowd(held, queries, out, inOrder, crowd)
      else held.attend(queries, out, undefined, inOrder, policy.asksShares)
    },
    ...(observe && { observe }),
    like: like?.room,
  })
  if (from && !like) room.restore(kind, from)
  /** Adds to the spread of answers, where it is asked for, what the sampling of the tokens held leaves unsure. */
  const widen = (queries: Matrix, { spread }: PartialSoftmax) => {
    if (spread && policy.unsure && held.count > 0) widenBySample(spread, queries, held.read(), policy.unsure(), scored)
  }

  const inside: TierInside = {
    version: VERSION,
    d,
    dv,
    scale,
    merging: isDithered(held) ? 'none' : options.merging,
    identity: like?.identity ?? {
      ...shapeParameters({ d, dv, scale, ...head }),
      count: String(count),
      store: held.spec,
      buffer: String(buffer),
      ...options.identity,
    },
    bytes: () => held.bytes + (policy.bytes?.() ?? 0) + room.bytes,
    take: room.take,
    errorBars: () => options.noBars ?? held.noBars,
    answer(queries, out, arrived) {
      widen(queries, out)
      room.answer(queries, out, arrived)
    },
    continues: true,
    refuses({ keys: { rows } }) {
      room.reserve(rows)
      held.reserve(Math.min(count, held.count + rows))
    },
    joining(later) {
      const theirs = tokenTier(options, later)
      const [settled, rest] = [theirs.read(), theirs.waits()]
      const isSettled = theirs.tokens > (rest?.keys.rows ?? 0)
      theirs[Symbol.dispose]() // here, since a check alone does not join
      return () => {
        if (isSettled) room.admitted(settled, true)
        if (rest) room.takeAll(rest)
      }
    },
    back: room.back,
    saved() {
      const { parameters = {}, tensors = {} } = policy.saved?.() ?? {}
      return { parameters, tensors: { ...tensors, ...held.saved(), ...room.saved() } }
    },
    savedBeside() {
      const { parameters = {}, tensors = {} } = (!policy.parts && policy.saved?.()) || {}
      return { parameters, tensors }
    },
    parts: policy.parts,
    held,
    room,
    dispose() {
      held[Symbol.dispose]()
      room[Symbol.dispose]()
    },
    observe,
    admitted: room.admitted,
    read: () => policy.inOrder?.() ?? held.read(),
    waits: room.waits,
    attendInOrder(queries, into) {
      widen(queries, into)
      room.answer(queries, into, undefined, true)
    },
  }
  return Object.assign(inside, head) // a spread in a literal makes it slow, and most heads are empty
}

/** Whether tokens are held with a dither. Then they cannot merge: they would be rounded twice, and their error bars would count one rounding. */
const isDithered = (held: HeldTokens): boolean => held.spec.includes('"dither"')

const OWN = [...SIZES, 'noBars', 'kind', 'merging', 'identity', 'can', 'crowd', 'shortWeights', 'end', 'policy']

/** Reads the snapshot of a tier of this kind: the parameters that decide it. */
export function tierSnapshot(
  kind: string,
  bytes: Uint8Array,
): Shape & Given<TokenOptions> & { readonly snapshot: Snapshot } {
  const snapshot = decodeSnapshot(bytes, { kind, version: VERSION })
  const shape = shapeIn(kind, snapshot, HEAD_FEATURES)
  const { count, buffer } = readBy(kind, tierSchema, snapshot).parameters
  return { ...shape, count, buffer, store: openStore(kind, snapshot.parameters['store']), snapshot }
}
