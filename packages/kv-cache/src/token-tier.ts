import {
  checkBlock,
  checkFits,
  checkHead,
  checkInteger,
  checkOptions,
  decodeSnapshot,
  joinedTokens,
  life,
  liveStream,
  HEAD_FEATURES,
  headOf,
  HELD_FEATURES,
  numbersIn,
  scoresOf,
  shapeIn,
  shapeParameters,
  snapshotUnder,
  tensorsUnder,
  tokenCount,
  type Arrival,
  type AttentionStream,
  type HeadFeature,
  type Inside,
  type KvBlock,
  type LiveStream,
  type Matrix,
  type PartialSoftmax,
  type Shape,
  type Snapshot,
  type Tensor,
  type Tier,
} from '@sublinear/core'
import {
  float32,
  openStore,
  savedTokens,
  tokensIn,
  waitingTokens,
  type HeldTokens,
  type TokenStore,
  type WaitingTokens,
} from '@sublinear/token-store'

const VERSION = '2'
/** The most tokens that wait before a tier that stands alone, and the default. */
const MOST_BUFFER = 64

/** What every policy that holds tokens takes. */
export interface TokenOptions {
  /** Tokens held, ≥ 1. */
  readonly count: number
  /** How they are held: in float32 (the default) or `quantised({ keyBits, valueBits })`. */
  readonly store?: TokenStore
  /** Tokens that wait before the policy where the tier stands alone, 1 to 64. Default 64. In tiers they wait before the first. */
  readonly buffer?: number
}

/** A tier that holds up to `count` tokens, chosen by its policy, and answers over them as its store holds them. */
export interface TokenTier extends Tier, Disposable {
  readonly check: LiveStream['check']
  readonly count: number
  /** What the policy holds now, a copy, rounded as the store rounds; in stream order where merging is 'ordered'. Tokens that wait are not among it. */
  read(): KvBlock
  /** Tokens that wait before the policy, where the tier stands alone. */
  waits(): KvBlock | undefined
  absorb(later: Pick<AttentionStream, 'toBytes'>): KvBlock | undefined
}

/** Which tokens stay. */
export interface Policy {
  /** Takes what it wants of a checked block into the store; returns what leaves, in stream order; anything where that is dropped. */
  admit(block: KvBlock, dropped?: boolean): KvBlock | undefined
  /** Learns from queries and the softmax of everything that they saw; `held` has not changed since. */
  observe?(queries: Matrix, total: PartialSoftmax, arrival?: Arrival): void
  /** What is held, in stream order; only where merging is 'ordered'. */
  inOrder?(): KvBlock
  /** Held beside the tokens. */
  readonly bytes?: number
  /** What the slots do not tell, for a snapshot. */
  saved?(): { readonly parameters?: Record<string, string>; readonly tensors?: Record<string, Tensor> }
}

/** A snapshot to go on from, and how many tokens its policy had been given. */
export interface PolicyStart {
  readonly snapshot: Snapshot
  readonly seen: number
}

export interface TokenTierOptions extends Shape, TokenOptions {
  readonly kind: string
  readonly merging: 'ordered' | 'none'
  /** What decides the policy beside `count`: saved, and compared by merge. */
  readonly identity?: Record<string, string>
  /** What of a shape's features it computes. Default: what exact answers over the tokens held give. */
  readonly can?: readonly HeadFeature[]
  /** Which end of what was admitted it holds. */
  readonly end?: Tier['end']
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
export function tokenTier(options: TokenTierOptions, from?: Snapshot): TokenTier {
  const {
    kind,
    d,
    dv,
    scale,
    count,
    store = float32,
    buffer = MOST_BUFFER,
    merging,
    can = HELD_FEATURES,
    end,
  } = options
  checkSizes(kind, options)
  checkHead(kind, options, can, OWN)
  const head = headOf(options)
  const scored = { d, dv, scale, ...scoresOf(options) }
  const held = store.make({ ...scored, most: count })
  if (from) held.restore(kind, from)
  const start = from && waited(kind, from, { d, dv, most: buffer, held: held.count })
  const policy = options.policy(held, start)
  const alive = life(kind, start?.seen)

  let waiting: WaitingTokens | undefined // none in tiers, which have their own
  let left: (KvBlock | undefined)[] | undefined // what leaves, while it is asked for
  const observe = policy.observe?.bind(policy)
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
  const inside: Inside = {
    kind,
    version: VERSION,
    d,
    dv,
    scale,
    ...head,
    merging,
    identity: {
      ...shapeParameters({ d, dv, scale, ...head }),
      count: String(count),
      store: held.spec,
      buffer: String(buffer),
      ...options.identity,
    },
    bytes: () => held.bytes + (policy.bytes ?? 0) + (waiting?.bytes ?? 0),
    take: (block, at) => opened().take(block, at),
    answer(queries, out, arrived) {
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
    saved() {
      const { parameters = {}, tensors = {} } = policy.saved?.() ?? {}
      const rest = waiting && waiting.count > 0 ? tensorsUnder('waiting', savedTokens(waiting.read())) : {}
      return { parameters, tensors: { ...tensors, ...held.saved(), ...rest } }
    },
    dispose() {
      held[Symbol.dispose]()
      waiting?.[Symbol.dispose]()
    },
  }
  const stream = liveStream(inside, alive)
  if (start?.waiting) {
    takeAll(start.waiting)
    alive.tokens += start.waiting.keys.rows
  }
  return Object.assign(stream, {
    count,
    ...(end && { end }),
    read: () => policy.inOrder?.() ?? held.read(),
    waits: () => (waiting && waiting.count > 0 ? waiting.read() : undefined),
    admit(block: KvBlock, dropped?: boolean) {
      alive.check()
      checkBlock(kind, block, d, dv)
      if (head.rotary)
        throw new TypeError(`${kind}: a tier that turns keys takes them by push and step, and not by admit`)
      return alive.act('admit', () => {
        alive.tokens += block.keys.rows
        return admitted(block, dropped)
      })
    },
    attendInOrder(queries: Matrix, into: PartialSoftmax) {
      alive.check()
      if (waiting) waiting.answer(queries, into)
      else held.attend(queries, into, undefined, true)
    },
    absorb(later: Pick<AttentionStream, 'toBytes'>) {
      stream.check.merge(later)
      const theirs = tokenTier(options, decodeSnapshot(later.toBytes()))
      return alive.act('absorb', () => {
        const all = joinedTokens(theirs.read(), theirs.waits())
        alive.tokens += theirs.tokens
        theirs[Symbol.dispose]()
        return all && admitted(all)
      })
    },
    ...(observe && {
      observe(queries: Matrix, total: PartialSoftmax, arrival?: Arrival) {
        alive.check()
        alive.act('observe', () => observe(queries, total, arrival))
      },
    }),
  })
}

/** The tokens of a snapshot that waited before the policy, which holds `held`. */
function waited(
  kind: string,
  snapshot: Snapshot,
  { d, dv, most, held }: { readonly d: number; readonly dv: number; readonly most: number; readonly held: number },
): PolicyStart & { readonly waiting?: KvBlock } {
  const tokens = tokenCount(kind, snapshot, held)
  if (!snapshot.tensors.has('waiting/keys')) return { snapshot, seen: tokens }
  const waiting = tokensIn(kind, snapshotUnder('waiting', snapshot), { d, dv, most })
  const seen = tokens - waiting.keys.rows
  checkFits(kind, seen >= held)
  return { snapshot, seen, waiting }
}

const SIZES = ['count', 'store', 'buffer']
const OWN = [...SIZES, 'kind', 'merging', 'identity', 'can', 'end', 'policy']

/**
 * @param own  names of the policy's own options
 * @throws TypeError, RangeError when an option is unknown, count no integer ≥ 1, store no token store or buffer no integer from 1 to 64
 */
export function checkTokenOptions(who: string, options: TokenOptions, own: readonly string[] = []): void {
  checkOptions(who, options, [...SIZES, ...own])
  checkSizes(who, options)
}

/** The sizes among options, for a tier. */
export function sizesOf({ count, store, buffer }: TokenOptions): TokenOptions {
  return { count, ...(store !== undefined && { store }), ...(buffer !== undefined && { buffer }) }
}

function checkSizes(who: string, { count, store, buffer }: TokenOptions): void {
  checkInteger(who, 'count', count, 1)
  if (buffer !== undefined) checkInteger(who, 'buffer', buffer, 1, MOST_BUFFER)
  if (store !== undefined && typeof store?.make !== 'function')
    throw new TypeError(`${who}: store must be a token store, got ${typeof store}`)
}

/** The snapshot of a tier of this kind, with what decides it. */
export function tierSnapshot(
  kind: string,
  bytes: Uint8Array,
): Shape & Required<TokenOptions> & { readonly snapshot: Snapshot } {
  const snapshot = decodeSnapshot(bytes, { kind, version: VERSION })
  const shape = shapeIn(kind, snapshot, HEAD_FEATURES)
  const [count, buffer] = numbersIn(snapshot, 'count', 'buffer') as [number, number]
  return { ...shape, count, buffer, store: openStore(kind, snapshot.parameters['store']), snapshot }
}
