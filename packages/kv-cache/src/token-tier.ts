import {
  checkBlock,
  checkInteger,
  checkKeys,
  decodeSnapshot,
  emptyPartial,
  encodeSnapshot,
  queryGroups,
  requireSame,
  type AttentionStream,
  type KvBlock,
  type Matrix,
  type PartialSoftmax,
  type Shape,
  type Snapshot,
  type Tensor,
  type Tier,
} from '@sublinear/core'
import {
  heldTokens,
  savedTokens,
  tokenCount,
  tokensIn,
  type HeldTokens,
  type TokenStore,
} from '@sublinear/exact-attention'
import { joined } from './blocks'
import { front, type Arrival, type Front } from './front'
import { openStore } from './open-store'

const VERSION = '1'
/** Tokens that wait before a tier that stands alone, as they do before the first part of tiers. */
const WAITING = 64

/** What every policy that holds tokens takes. */
export interface TokenOptions {
  /** Tokens held, ≥ 1. */
  readonly count: number
  /** How they are held: in float32 (the default) or `quantised({ keyBits, valueBits })`. */
  readonly store?: TokenStore
}

/** A tier that holds up to `count` tokens, chosen by its policy, and answers over them as its store holds them. */
export interface TokenTier extends Tier, Disposable {
  readonly count: number
  /** What the policy holds now, in the order of the slots; a copy, rounded as the store rounds. Tokens that wait are not among it. */
  read(): KvBlock
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

export interface TokenTierOptions extends Shape {
  readonly kind: string
  readonly count: number
  /** Default: heldTokens, float32. */
  readonly store?: TokenStore | undefined
  readonly merging: 'ordered' | 'none'
  /** What decides the policy beside `count`: saved, and compared by merge. */
  readonly identity?: Record<string, string>
  /** The policy over an empty store, or over one filled from a snapshot. */
  readonly policy: (held: HeldTokens, snapshot?: Snapshot) => Policy
}

/** What tiers() reaches past the contract for: the policy without its front, answers continued in place, merging that hands on. */
export interface Inside {
  readonly held: HeldTokens
  readonly identity: Record<string, string>
  admit(block: KvBlock, dropped?: boolean): KvBlock | undefined
  /** Takes in another tier's tokens, which come later; returns what leaves. */
  absorb(later: Inside): KvBlock | undefined
  readonly policy: Policy
  /** Given to the policy so far. */
  readonly tokens: () => number
  /** What waits before the policy; undefined where nothing does. */
  readonly waits: () => KvBlock | undefined
}

const insides = new WeakMap<AttentionStream, Inside>()

export function insideOf(stream: AttentionStream): Inside | undefined {
  return insides.get(stream)
}

/**
 * The tier of a policy: store, checks, answers, snapshots and merging are the same for all. Alone it is tiers of one: up to 64 tokens
 * wait before they go to the policy together.
 *
 * Guarantee: exact over the tokens as the store holds them, and those that wait. Alone, it forgets what it evicts; what admit returns is fresh or shares the
 *   block's memory.
 */
export function tokenTier(options: TokenTierOptions, from?: Snapshot): TokenTier {
  const { kind, d, dv, scale, count, store = heldTokens, merging } = options
  checkTokenOptions(kind, { count, store })
  const held = store({ d, dv, scale, most: count })
  if (from) held.restore(kind, from)
  const before = from && waited(kind, from, { d, dv, held: held.count })
  let given = before?.given ?? 0
  const policy = options.policy(held, before?.snapshot)
  const identity = {
    kind,
    d: String(d),
    dv: String(dv),
    scale: String(scale),
    count: String(count),
    store: held.spec,
    ...options.identity,
  }

  const take = (block: KvBlock, dropped = false): KvBlock | undefined => {
    given += block.keys.rows
    return block.keys.rows > 0 ? policy.admit(block, dropped) : undefined
  }

  let waiting: Front | undefined // none in tiers, which have their own
  let left: (KvBlock | undefined)[] | undefined // what leaves, while it is asked for
  const observe = policy.observe?.bind(policy)
  const opened = () =>
    (waiting ??= front({
      d,
      dv,
      scale,
      most: WAITING,
      handOn(block) {
        const leaving = take(block, left === undefined)
        left?.push(leaving)
      },
      answer: (queries, out) => held.attend(queries, out),
      ...(observe && { observe }),
    }))
  const inside: Inside = {
    held,
    identity,
    policy,
    admit: take,
    tokens: () => given,
    waits: () => (waiting && waiting.count > 0 ? waiting.read() : undefined),
    absorb(later) {
      const theirs = later.policy.inOrder!()
      given += later.tokens() - theirs.keys.rows
      return take(theirs)
    },
  }

  const self: TokenTier = {
    d,
    dv,
    scale,
    count,
    merging,
    get tokens() {
      return given + (waiting?.count ?? 0)
    },
    get bytes() {
      return held.bytes + (policy.bytes ?? 0) + (waiting?.bytes ?? 0)
    },
    admit(block) {
      checkBlock(kind, block, d, dv)
      if (block.keys.rows === 0) return undefined
      left = []
      opened().push(block)
      const leaving = joined(...left)
      left = undefined
      return leaving
    },
    push(block) {
      checkBlock(kind, block, d, dv)
      if (block.keys.rows > 0) opened().push(block)
    },
    attend(queries) {
      checkKeys(kind, 'queries', queries, d)
      if (waiting) return waiting.attend(queries)
      const out = emptyPartial(queries.rows, dv)
      held.attend(queries, out)
      return out
    },
    step(block, queries) {
      checkBlock(kind, block, d, dv)
      checkKeys(kind, 'queries', queries, d)
      const groups = queryGroups(kind, block, queries)
      if (block.keys.rows === 0) return emptyPartial(queries.rows, dv)
      return opened().step(block, queries, groups)
    },
    ...(observe && { observe }),
    merge(later) {
      const theirs = insides.get(later)
      if (!theirs || theirs.identity['kind'] !== kind)
        throw new TypeError(`${kind}: cannot merge, the other stream is not a ${kind} tier`)
      requireSame(kind, identity, theirs.identity)
      if (merging === 'none') throw new RangeError(`${kind}: cannot merge, merging is none`)
      if (theirs.tokens() > 0) {
        waiting?.settle()
        inside.absorb(theirs)
      }
      const rest = theirs.waits()
      if (rest) opened().push(rest)
    },
    read: () => held.read(),
    toBytes() {
      const { parameters = {}, tensors = {} } = policy.saved?.() ?? {}
      const { kind: _, ...named } = identity
      const rest = inside.waits()
      return encodeSnapshot({
        kind,
        version: VERSION,
        parameters: { ...named, ...parameters, tokens: String(self.tokens) },
        tensors: {
          ...tensors,
          ...held.saved(),
          ...(rest &&
            Object.fromEntries(Object.entries(savedTokens(rest)).map(([name, data]) => [`waiting/${name}`, data]))),
        },
      })
    },
    [Symbol.dispose]() {
      held[Symbol.dispose]()
      waiting?.[Symbol.dispose]()
    },
  }
  insides.set(self, inside)
  if (before?.waiting) opened().push(before.waiting)
  return self
}

/** The tokens of a snapshot that waited before the policy, which holds `held`. `snapshot` is that of the policy. */
function waited(
  kind: string,
  snapshot: Snapshot,
  { d, dv, held }: { readonly d: number; readonly dv: number; readonly held: number },
): { readonly given: number; readonly waiting?: KvBlock; readonly snapshot: Snapshot } {
  const { parameters, tensors } = snapshot
  const tokens = tokenCount(kind, snapshot, held)
  if (!tensors.has('waiting/keys')) return { given: tokens, snapshot }
  const apart = new Map(
    ['keys', 'values', 'weights'].flatMap((name) => {
      const found = tensors.get(`waiting/${name}`)
      return found ? [[name, found] as const] : []
    }),
  )
  const waiting = tokensIn(kind, { ...snapshot, tensors: apart }, { d, dv, most: WAITING })
  const given = tokens - waiting.keys.rows
  if (given < held) throw new RangeError(`${kind}: the tensors of the snapshot do not fit its parameters`)
  return { given, waiting, snapshot: { ...snapshot, parameters: { ...parameters, tokens: String(given) } } }
}

/** @throws TypeError, RangeError when count is no integer ≥ 1 or store no function */
export function checkTokenOptions(who: string, { count, store }: TokenOptions): void {
  checkInteger(who, 'count', count, 1)
  if (store !== undefined && typeof store !== 'function')
    throw new TypeError(`${who}: store must be a token store, got ${typeof store}`)
}

/** The snapshot of a tier of this kind, with what decides it. */
export function tierSnapshot(
  kind: string,
  bytes: Uint8Array,
): Shape & Required<TokenOptions> & { readonly snapshot: Snapshot } {
  const snapshot = decodeSnapshot(bytes, { kind, version: VERSION })
  const { parameters } = snapshot
  const number = (name: string) => Number(parameters[name])
  return {
    d: number('d'),
    dv: number('dv'),
    scale: number('scale'),
    count: number('count'),
    store: openStore(kind, parameters['store']),
    snapshot,
  }
}
