import {
  checkBlock,
  checkInteger,
  checkKeys,
  decodeSnapshot,
  emptyPartial,
  encodeSnapshot,
  requireSame,
  stepByToken,
  type AttentionStream,
  type KvBlock,
  type Shape,
  type Snapshot,
  type Tensor,
  type Tier,
} from '@sublinear/core'
import { heldTokens, restoredTokens, savedTokens, type HeldTokens } from '@sublinear/exact-attention'

const VERSION = '1'

/** A tier that holds up to `count` tokens and answers exactly over them. */
export interface TokenTier extends Tier, Disposable {
  readonly count: number
  /** What is held now, in the order of the slots; a copy. */
  read(): KvBlock
}

/** Which tokens stay. */
export interface Policy {
  /** Takes what it wants of a checked block into the store; returns what leaves, in stream order. */
  admit(block: KvBlock): KvBlock | undefined
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

/** What tiers() reaches past the contract for: answers continued in place, and merging that hands on what it displaces. */
export interface Inside {
  readonly held: HeldTokens
  readonly identity: Record<string, string>
  /** Takes in another tier's tokens, which come later; returns what leaves. */
  absorb(later: Inside): KvBlock | undefined
  readonly policy: Policy
  readonly tokens: () => number
}

const insides = new WeakMap<AttentionStream, Inside>()

export function insideOf(stream: AttentionStream): Inside | undefined {
  return insides.get(stream)
}

/**
 * The tier of a policy: store, checks, answers, snapshots and merging are the same for all.
 *
 * Guarantee: exact over the tokens held. Alone, it forgets what it evicts; what admit returns may share the block's memory.
 */
export function tokenTier(options: TokenTierOptions, from?: Snapshot): TokenTier {
  const { kind, d, dv, scale, count, merging } = options
  checkInteger(kind, 'count', count, 1)
  const held = heldTokens({ d, dv, scale, most: count })
  let tokens = 0
  if (from) {
    const before = restoredTokens(kind, from, { d, dv, most: count })
    held.write(before.held, 0, before.held.keys.rows, 0)
    tokens = before.tokens
  }
  const policy = options.policy(held, from)
  const identity = { kind, d: String(d), dv: String(dv), scale: String(scale), count: String(count) }

  const take = (block: KvBlock): KvBlock | undefined => {
    tokens += block.keys.rows
    return block.keys.rows > 0 ? policy.admit(block) : undefined
  }

  const inside: Inside = {
    held,
    identity,
    policy,
    tokens: () => tokens,
    absorb(later) {
      const theirs = later.policy.inOrder!()
      tokens += later.tokens() - theirs.keys.rows
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
      return tokens
    },
    get bytes() {
      return held.bytes + (policy.bytes ?? 0)
    },
    admit(block) {
      checkBlock(kind, block, d, dv)
      return take(block)
    },
    push(block) {
      checkBlock(kind, block, d, dv)
      take(block)
    },
    attend(queries) {
      checkKeys(kind, 'queries', queries, d)
      const out = emptyPartial(queries.rows, dv)
      held.attend(queries, out)
      return out
    },
    step: (block, queries) => stepByToken(self, block, queries),
    merge(later) {
      const theirs = insides.get(later)
      if (!theirs || theirs.identity['kind'] !== kind)
        throw new TypeError(`${kind}: cannot merge, the other stream is not a ${kind} tier`)
      requireSame(kind, identity, theirs.identity)
      if (merging === 'none') throw new RangeError(`${kind}: cannot merge, merging is none`)
      inside.absorb(theirs)
    },
    read: () => held.read(),
    toBytes() {
      const { parameters = {}, tensors = {} } = policy.saved?.() ?? {}
      const { kind: _, ...named } = identity
      return encodeSnapshot({
        kind,
        version: VERSION,
        parameters: { ...named, ...parameters, tokens: String(tokens) },
        tensors: { ...tensors, ...savedTokens(held.read()) },
      })
    },
    [Symbol.dispose]() {
      held[Symbol.dispose]()
    },
  }
  insides.set(self, inside)
  return self
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
