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
import { heldTokens, restoredTokens, savedTokens, type HeldTokens } from '@sublinear/exact-attention'
import { joined } from './blocks'
import { front, type Arrival, type Front } from './front'

const VERSION = '1'
/** Tokens that wait before a tier that stands alone, as they do before the first part of tiers. */
const WAITING = 64

/** A tier that holds up to `count` tokens, chosen by its policy, and answers exactly over them. */
export interface TokenTier extends Tier, Disposable {
  readonly count: number
  /** What the policy holds now, in the order of the slots; a copy. Tokens that wait are not among it. */
  read(): KvBlock
}

/** Which tokens stay. */
export interface Policy {
  /** Takes what it wants of a checked block into the store; returns what leaves, in stream order. */
  admit(block: KvBlock): KvBlock | undefined
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
  readonly merging: 'ordered' | 'none'
  /** The policy over an empty store, or over one filled from a snapshot. */
  readonly policy: (held: HeldTokens, snapshot?: Snapshot) => Policy
}

/** What tiers() reaches past the contract for: the policy without its front, answers continued in place, merging that hands on. */
export interface Inside {
  readonly held: HeldTokens
  readonly identity: Record<string, string>
  admit(block: KvBlock): KvBlock | undefined
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
 * Guarantee: exact over the tokens held and those that wait. Alone, it forgets what it evicts; what admit returns is fresh or shares the
 *   block's memory.
 */
export function tokenTier(options: TokenTierOptions, from?: Snapshot): TokenTier {
  const { kind, d, dv, scale, count, merging } = options
  checkInteger(kind, 'count', count, 1)
  const held = heldTokens({ d, dv, scale, most: count })
  const before = from && parted(kind, from, { d, dv, most: count })
  if (before) held.write(before.held, 0, before.held.keys.rows, 0)
  let given = before?.given ?? 0
  const policy = options.policy(held, before?.snapshot)
  const identity = { kind, d: String(d), dv: String(dv), scale: String(scale), count: String(count) }

  const take = (block: KvBlock): KvBlock | undefined => {
    given += block.keys.rows
    return block.keys.rows > 0 ? policy.admit(block) : undefined
  }

  let waiting: Front | undefined // none in tiers, which have their own
  let left: (KvBlock | undefined)[] = []
  const observe = policy.observe?.bind(policy)
  const opened = () =>
    (waiting ??= front({
      d,
      dv,
      scale,
      most: WAITING,
      handOn: (block) => void left.push(take(block)),
      answer: (queries, out) => held.attend(queries, out),
      ...(observe && { observe }),
    }))
  const takeIn = (block: KvBlock): KvBlock | undefined => {
    if (block.keys.rows > 0) opened().push(block)
    const leaving = joined(...left)
    left = []
    return leaving
  }

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
      return takeIn(block)
    },
    push(block) {
      checkBlock(kind, block, d, dv)
      takeIn(block)
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
      const out = opened().step(block, queries, groups)
      left = []
      return out
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
      left = []
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
          ...savedTokens(held.read()),
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

/** The tokens of a snapshot: those with the policy, and those that waited before it. `snapshot` is that of the policy. */
function parted(
  kind: string,
  snapshot: Snapshot,
  { d, dv, most }: { readonly d: number; readonly dv: number; readonly most: number },
): { readonly held: KvBlock; readonly given: number; readonly waiting?: KvBlock; readonly snapshot: Snapshot } {
  const { parameters, tensors } = snapshot
  const { held, tokens } = restoredTokens(kind, snapshot, { d, dv, most })
  if (!tensors.has('waiting/keys')) return { held, given: tokens, snapshot }
  const apart = new Map(
    ['keys', 'values', 'weights'].flatMap((name) => {
      const found = tensors.get(`waiting/${name}`)
      return found ? [[name, found] as const] : []
    }),
  )
  const waiting = restoredTokens(kind, { ...snapshot, tensors: apart }, { d, dv, most: WAITING }).held
  const given = tokens - waiting.keys.rows
  if (given < held.keys.rows) throw new RangeError(`${kind}: the tensors of the snapshot do not fit its parameters`)
  return { held, given, waiting, snapshot: { ...snapshot, parameters: { ...parameters, tokens: String(given) } } }
}

/** The snapshot of a tier of this kind, with what decides it. */
export function tierSnapshot(
  kind: string,
  bytes: Uint8Array,
): Shape & { readonly count: number; readonly snapshot: Snapshot } {
  const snapshot = decodeSnapshot(bytes, { kind, version: VERSION })
  const number = (name: string) => Number(snapshot.parameters[name])
  return { d: number('d'), dv: number('dv'), scale: number('scale'), count: number('count'), snapshot }
}
