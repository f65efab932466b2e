import {
  checkBlock,
  checkFits,
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
  snapshotUnder,
  tensorsUnder,
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
import {
  float32,
  openStore,
  tokensIn,
  waitingTokens,
  widenBySample,
  type HeldTokens,
  type WaitingTokens,
} from '@sublinear/token-store'
import { tierSchema } from './saved-tiers'
import { checkSizes, MOST_BUFFER, SIZES, type TokenOptions } from './token-options'

const VERSION = '2'

/** A tier that holds up to `count` tokens, chosen by its policy, and answers over them as its store holds them. */
export interface TokenTier extends Tier, Disposable {
  readonly check: LiveStream['check']
  readonly count: number
  /** Tokens that the policy holds now, a copy, rounded as the store rounds; in stream order where merging is 'ordered'. Tokens that wait are not among them. */
  read(): KvBlock
  /** Tokens that wait before the policy, where the tier stands alone. */
  waits(): KvBlock | undefined
  absorb(later: Pick<AttentionStream, 'toBytes'>): KvBlock | undefined
}

/** Rule that decides which tokens stay. */
export interface Policy {
  /** Stores what the policy keeps of a checked block and returns the tokens that leave, in stream order. With `dropped` nobody reads the result, and it need not be made. */
  admit(block: KvBlock, dropped?: boolean): KvBlock | undefined
  /** Learns from queries and the softmax of everything that they saw; `held` has not changed since. */
  observe?(queries: Matrix, total: PartialSoftmax, arrival?: Arrival): void
  /** Tokens held, in stream order; only where merging is 'ordered'. */
  inOrder?(): KvBlock
  /** For each slot, what of the square of its weight is the variance of a sample that it stands in: fills the spread of answers. */
  unsure?(): Float64Array
  /** Bytes held beside the tokens. */
  readonly bytes?: number | undefined
  /** State that the slots do not tell, for a snapshot. */
  saved?(): {
    readonly parameters?: Record<string, string> | undefined
    readonly tensors?: Record<string, Tensor> | undefined
  }
}

/** A snapshot to go on from, and how many tokens its policy had been given. */
export interface PolicyStart {
  readonly snapshot: State
  readonly seen: number
}

export interface TokenTierOptions extends Shape, TokenOptions {
  readonly kind: string
  readonly merging: 'ordered' | 'none'
  /** Parameters that decide the policy beside `count`: saved, and compared by merge. */
  readonly identity?: Record<string, string> | undefined
  /** Features of a shape that it computes. Default: those of exact answers over the tokens held. */
  readonly can?: readonly HeadFeature[] | undefined
  /** Why it gives no error bars, where its policy makes tokens that did not come. */
  readonly noBars?: string | undefined
  /** Whether a store of codes may hold weights in 16 bits. */
  readonly shortWeights?: boolean | undefined
  /** End of the admitted tokens that it holds. */
  readonly end?: Tier['end'] | undefined
  /** The policy over an empty store, or over one filled from a snapshot. */
  readonly policy: (held: HeldTokens, from?: PolicyStart) => Policy
}

/**
 * The tier of a policy: store, checks, answers, snapshots and merging are the same for all. Alone it is tiers of one: up to `buffer` tokens
 * wait before they go to the policy together.
 *
 * Guarantee: exact over the tokens as the store holds them, and those that wait. Alone, it forgets what it evicts; what admit returns is fresh or shares the
 *   block's memory.
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
      ...(end && { end }),
      read: () => now().read(),
      waits: () => now().waits(),
      admit(block, dropped) {
        alive.check()
        checkBlock(kind, block, options.d, options.dv)
        if (options.rotary)
          throw new TypeError(`${kind}: a tier that turns keys takes them by push and step, and not by admit`)
        return alive.act('admit', () => {
          alive.tokens += block.keys.rows
          return now().admitted(block, dropped)
        })
      },
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

/** A policy's store, its buffer where it stands alone, and what is done with both. */
interface TierInside extends Inside, Pick<TokenTier, 'read' | 'waits'> {
  readonly observe: Policy['observe']
  admitted(block: KvBlock, dropped?: boolean): KvBlock | undefined
  attendInOrder(queries: Matrix, into: PartialSoftmax): void
}

function begun(options: TokenTierOptions, given: number, from?: State): TierInside {
  const { kind, d, dv, scale, count, store = float32, buffer = MOST_BUFFER } = options
  const head = headOf(options)
  const scored = { d, dv, scale, ...scoresOf(options) }
  const held = store.make({ ...scored, most: count, ...(options.shortWeights && { shortWeights: true }) })
  if (from) held.restore(kind, from)
  const start = from && waited(kind, from, { d, dv, most: buffer, held: held.count, given })
  const policy = options.policy(held, start)
  const observe = policy.observe?.bind(policy)

  let waiting: WaitingTokens | undefined // none in tiers, which have their own
  let left: (KvBlock | undefined)[] | undefined // what leaves, while it is asked for
  const opened = () =>
    (waiting ??= waitingTokens({
      ...scored,
      most: buffer,
      handOn(waited) {
        const leaving = policy.admit(waited.read(), left === undefined)
        left?.push(leaving)
      },
      behind: (queries, out, inOrder) => held.attend(queries, out, undefined, inOrder),
      ...(observe && { observe }),
    }))
  const takeAll = (block: KvBlock) => {
    for (let at = 0; at < block.keys.rows;) at += opened().take(block, at)
  }
  /** The policy's own taking: what waits goes before. */
  const admitted = (block: KvBlock, dropped = false): KvBlock | undefined => {
    left = dropped ? undefined : []
    waiting?.settle()
    const before = left ?? []
    left = undefined
    const leaving = block.keys.rows > 0 ? policy.admit(block, dropped) : undefined
    return dropped ? undefined : joinedTokens(...before, leaving)
  }
  if (start?.waiting) takeAll(start.waiting)

  return {
    version: VERSION,
    d,
    dv,
    scale,
    ...head,
    merging: isDithered(held) ? 'none' : options.merging,
    identity: {
      ...shapeParameters({ d, dv, scale, ...head }),
      count: String(count),
      store: held.spec,
      buffer: String(buffer),
      ...options.identity,
    },
    bytes: () => held.bytes + (policy.bytes ?? 0) + (waiting?.bytes ?? 0),
    take: (block, at) => opened().take(block, at),
    errorBars: () => options.noBars ?? held.noBars,
    answer(queries, out, arrived) {
      if (out.spread && policy.unsure && held.count > 0)
        widenBySample(out.spread, queries, held.read(), policy.unsure(), scale)
      if (waiting) waiting.answer(queries, out, arrived)
      else held.attend(queries, out)
    },
    continues: true,
    refuses({ keys: { rows } }) {
      waiting?.reserve(rows)
      held.reserve(Math.min(count, held.count + rows))
    },
    joining(later) {
      const theirs = tokenTier(options, later)
      return () => {
        const rest = theirs.waits()
        if (theirs.tokens > (rest?.keys.rows ?? 0)) admitted(theirs.read(), true)
        if (rest) takeAll(rest)
        theirs[Symbol.dispose]()
      }
    },
    back: {
      spare: (tokens) => (observe ? 0 : waiting ? (waiting.back?.spare(tokens) ?? 0) : tokens === 0 ? buffer : 0),
      most: (tokens) => waiting?.back?.most(tokens) ?? 0,
      take(count) {
        waiting?.back?.take(count)
        if (waiting?.count !== 0) return
        waiting[Symbol.dispose]() // as before the first came
        waiting = undefined
      },
    },
    saved() {
      const { parameters = {}, tensors = {} } = policy.saved?.() ?? {}
      const rest = waiting && waiting.count > 0 ? tensorsUnder('waiting', waiting.saved()) : {}
      return { parameters, tensors: { ...tensors, ...held.saved(), ...rest } }
    },
    dispose() {
      held[Symbol.dispose]()
      waiting?.[Symbol.dispose]()
    },
    observe,
    admitted,
    read: () => policy.inOrder?.() ?? held.read(),
    waits: () => (waiting && waiting.count > 0 ? waiting.read() : undefined),
    attendInOrder(queries, into) {
      if (waiting) waiting.answer(queries, into)
      else held.attend(queries, into, undefined, true)
    },
  }
}

/** Whether tokens are held with a dither: joined, they would be rounded twice, and their bars would count one of them. */
const isDithered = (held: HeldTokens): boolean => held.spec.includes('"dither"')

/** The tokens of a snapshot that waited before the policy, which holds `held`. */
function waited(
  kind: string,
  snapshot: State,
  {
    held,
    given,
    ...room
  }: { readonly d: number; readonly dv: number; readonly most: number; readonly held: number; readonly given: number },
): PolicyStart & { readonly waiting?: KvBlock | undefined } {
  checkFits(kind, given >= held)
  if (!snapshot.tensors.has('waiting/keys')) return { snapshot, seen: given }
  const waiting = tokensIn(kind, snapshotUnder('waiting', snapshot), room)
  const seen = given - waiting.keys.rows
  checkFits(kind, seen >= held)
  return { snapshot, seen, waiting }
}

const OWN = [...SIZES, 'noBars', 'kind', 'merging', 'identity', 'can', 'shortWeights', 'end', 'policy']

/** The snapshot of a tier of this kind, with what decides it. */
export function tierSnapshot(
  kind: string,
  bytes: Uint8Array,
): Shape & Given<TokenOptions> & { readonly snapshot: Snapshot } {
  const snapshot = decodeSnapshot(bytes, { kind, version: VERSION })
  const shape = shapeIn(kind, snapshot, HEAD_FEATURES)
  const { count, buffer } = readBy(kind, tierSchema, snapshot).parameters
  return { ...shape, count, buffer, store: openStore(kind, snapshot.parameters['store']), snapshot }
}
