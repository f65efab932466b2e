import {
  checkBlock,
  checkInteger,
  checkKeys,
  checkScale,
  decodeSnapshot,
  emptyPartial,
  encodeSnapshot,
  queryGroups,
  requireSame,
  rowsOf,
  totalCounters,
  type AttentionStream,
  type KvBlock,
  type Matrix,
  type PartialSoftmax,
  type Shape,
  type StreamSpec,
  type Tier,
  type TierSpec,
} from '@sublinear/core'
import { combine, heldTokens, restoredTokens, savedTokens } from '@sublinear/exact-attention'
import { joined } from './blocks'
import { nestedIn, nestedSnapshot } from './nested-snapshots'
import { insideOf } from './token-tier'

const KIND = 'tiers'
const VERSION = '1'
/** Tokens held exactly before they are handed to the first tier together. */
const BLOCK = 64

export interface TiersOptions extends Shape {
  /** In order: what a tier evicts goes to the next; the last part may be any stream. */
  readonly parts: readonly [...TierSpec[], StreamSpec]
}

export interface Tiers extends AttentionStream, Disposable {
  /** Not to be pushed to: tokens reach them through the tiers before. */
  readonly parts: readonly AttentionStream[]
  /** Query rows answered so far, since this object was made, and the sums of what the parts count beside rows. */
  readonly counters: Readonly<Record<string, number>>
}

/** What merge reads of another. */
interface Contents {
  readonly identity: Record<string, string>
  readonly tokens: number
  readonly parts: readonly AttentionStream[]
  readonly pending: KvBlock
}

const contentsOf = new WeakMap<AttentionStream, () => Contents>()

/**
 * A key-value cache of tiers: each holds the tokens of its policy, what it evicts goes to the next, and the last part takes what is left.
 * Source: not from the papers; answers of disjoint sets of tokens combine as partial softmaxes.
 *
 * @param d, dv, scale  the shape of every part; parts  tiers in order and at last any stream
 * @throws TypeError, RangeError when a part is no tier, not empty, or of another shape
 * Guarantee: every token pushed is in exactly one place, with its weight: exact over the tokens held, the last part's own guarantee for the
 *   rest. Tokens are handed on 64 at a time, at fixed positions of the stream; until then they are held here, exactly.
 *   Merging is 'ordered' where every tier's is and the last part's is 'linear', else 'none'.
 * Cost: the parts' and a buffer of 64 tokens.
 */
export function tiers(options: TiersOptions): Tiers {
  const { parts, ...shape } = options
  checkShape(KIND, shape)
  if (!Array.isArray(parts) || parts.length === 0 || parts.some((spec) => typeof spec !== 'function'))
    throw new TypeError(`${KIND}: parts must be a list of at least one tier or stream spec`)
  const made = parts.map((spec) => spec(shape))
  for (const [i, { tokens }] of made.entries()) {
    if (tokens !== 0) throw new RangeError(`${KIND}: part ${i} must be empty, got one with ${tokens} tokens`)
  }
  return live(shape, made)
}

/**
 * Tiers from their snapshot, resuming bit for bit; `open` restores one part.
 *
 * @throws RangeError when the bytes are damaged, of another kind, or their parts do not fit
 */
export function restoreTiers(bytes: Uint8Array, open: (bytes: Uint8Array) => AttentionStream): Tiers {
  const snapshot = decodeSnapshot(bytes, { kind: KIND, version: VERSION })
  const { d: width, dv: valueWidth, scale: factor, tokens: _, ...described } = snapshot.parameters
  const shape = { d: Number(width), dv: Number(valueWidth), scale: Number(factor) }
  checkShape(KIND, shape)
  const from = restoredTokens(KIND, snapshot, { ...shape, most: BLOCK })
  const parts = Object.keys(described).map((_, i) => open(nestedSnapshot(snapshot, `part-${i}`)))
  if (parts.length === 0) throw new RangeError(`${KIND}: the snapshot has no parts`)
  return live(shape, parts, from)
}

function live(
  { d, dv, scale }: Shape,
  parts: readonly AttentionStream[],
  from?: { readonly tokens: number; readonly held: KvBlock },
): Tiers {
  checkParts(parts, { d, dv, scale })
  const forgetting = parts.slice(0, -1) as Tier[]
  const last = parts.at(-1)!
  const pending = heldTokens({ d, dv, scale, most: BLOCK })
  const insides = parts.map(insideOf)
  const canMerge = forgetting.every((tier, i) => insides[i] && tier.merging === 'ordered') && last.merging === 'linear'
  const identity = {
    d: String(d),
    dv: String(dv),
    scale: String(scale),
    parts: JSON.stringify(insides.slice(0, -1).map((inside) => inside?.identity ?? 'unknown')),
  }
  let rows = 0
  let tokens = 0

  /** Hands tokens down the tiers until none is left. */
  const handOn = (block: KvBlock | undefined, first = 0) => {
    for (let i = first; block && i < forgetting.length; i++) block = forgetting[i]!.admit(block)
    if (block) last.push(block)
  }

  const settle = () => {
    if (pending.count > 0) handOn(pending.read())
    pending.clear()
  }

  /** Takes as many rows from `from` on as fit before the next are handed on, handing on first when the buffer is full. */
  const take = (block: KvBlock, from: number): number => {
    if (pending.count === BLOCK) settle()
    const count = Math.min(BLOCK - pending.count, block.keys.rows - from)
    pending.write(block, from, count, pending.count)
    tokens += count
    return count
  }

  const takeAll = (block: KvBlock) => {
    for (let from = 0; from < block.keys.rows;) from += take(block, from)
  }

  /** Answers into rows at … of `out`, which are empty: all parts and the buffer; with `visible`, row i sees it up to visible + ⌊i / groups⌋. */
  const answer = (queries: Matrix, out: PartialSoftmax, at: number, visible?: number, groups = 1): PartialSoftmax => {
    rows += queries.rows
    const own = queries.rows === out.sum.rows ? out : rowsOfPartial(out, at, at + queries.rows)
    for (const [i, part] of parts.entries()) {
      if (insides[i]) continue
      const { max, mass, sum } = combine(own, part.attend(queries))
      own.max.set(max)
      own.mass.set(mass)
      own.sum.data.set(sum.data)
    }
    for (const inside of insides) inside?.held.attend(queries, own)
    pending.attend(queries, own, visible === undefined ? undefined : { visible, groups })
    return own
  }

  /** Takes in what another's tiers hold; the last parts are merged already. */
  const absorb = (theirs: Contents) => {
    settle()
    let moved: KvBlock | undefined
    for (const [i, tier] of forgetting.entries()) {
      const displaced = moved && tier.admit(moved)
      moved = joined(displaced, insides[i]!.absorb(insideOf(theirs.parts[i]!)!))
    }
    if (moved) last.push(moved)
  }

  const self: Tiers = {
    d,
    dv,
    scale,
    parts,
    merging: canMerge ? 'ordered' : 'none',
    get tokens() {
      return tokens
    },
    get bytes() {
      return parts.reduce((total, { bytes }) => total + bytes, pending.bytes)
    },
    get counters() {
      return { ...totalCounters(parts), rows }
    },
    push(block) {
      checkBlock(KIND, block, d, dv)
      takeAll(block)
    },
    attend(queries) {
      checkKeys(KIND, 'queries', queries, d)
      return answer(queries, emptyPartial(queries.rows, dv), 0)
    },
    step(block, queries) {
      checkBlock(KIND, block, d, dv)
      checkKeys(KIND, 'queries', queries, d)
      const groups = queryGroups(KIND, block, queries)
      const out = emptyPartial(queries.rows, dv)
      for (let from = 0; from < block.keys.rows;) {
        const count = take(block, from)
        const own = rowsOf(queries, from * groups, (from + count) * groups)
        const total = answer(own, out, from * groups, pending.count - count + 1, groups)
        for (const part of parts as readonly Partial<Tier>[]) part.observe?.(own, total)
        from += count
      }
      return out
    },
    merge(later) {
      const theirs = contentsOf.get(later)?.()
      if (!theirs) throw new TypeError(`${KIND}: cannot merge, the other stream is not of tiers`)
      requireSame(KIND, identity, theirs.identity)
      if (!canMerge) throw new RangeError(`${KIND}: cannot merge, merging is none`)
      last.merge(theirs.parts.at(-1)!) // refuses what differs, before anything has changed
      const settled = theirs.tokens - theirs.pending.keys.rows
      if (settled > 0) absorb(theirs)
      tokens += settled
      takeAll(theirs.pending)
    },
    toBytes() {
      const nested = parts.map((part, i) => nestedIn(`part-${i}`, part.toBytes()))
      return encodeSnapshot({
        kind: KIND,
        version: VERSION,
        parameters: {
          d: String(d),
          dv: String(dv),
          scale: String(scale),
          tokens: String(tokens),
          ...Object.assign({}, ...nested.map(({ parameters }) => parameters)),
        },
        tensors: {
          ...Object.assign({}, ...nested.map(({ tensors }) => tensors)),
          ...savedTokens(pending.read()),
        },
      })
    },
    [Symbol.dispose]() {
      pending[Symbol.dispose]()
      for (const part of parts as readonly Partial<Disposable>[]) part[Symbol.dispose]?.()
    },
  }
  if (from) {
    tokens = from.tokens - from.held.keys.rows
    takeAll(from.held)
  }
  contentsOf.set(self, () => ({ identity, tokens, parts, pending: pending.read() }))
  return self
}

/** All but the last can hand on what they forget; all have one shape and are different objects. */
function checkParts(parts: readonly AttentionStream[], shape: Shape): void {
  if (new Set(parts).size < parts.length) throw new RangeError(`${KIND}: every part must be a stream of its own`)
  for (const [i, part] of parts.entries()) {
    if (i < parts.length - 1 && typeof (part as Partial<Tier>).admit !== 'function')
      throw new TypeError(
        `${KIND}: part ${i} must be a tier, which hands on what it forgets; only the last may be any stream`,
      )
    for (const name of ['d', 'dv', 'scale'] as const) {
      if (part[name] !== shape[name])
        throw new RangeError(`${KIND}: part ${i} must have ${name} = ${shape[name]}, got ${part[name]}`)
    }
  }
}

function checkShape(who: string, { d, dv, scale }: Shape): void {
  checkInteger(who, 'd', d, 1)
  checkInteger(who, 'dv', dv, 1)
  checkScale(who, scale)
}

function rowsOfPartial({ max, mass, sum }: PartialSoftmax, from: number, to: number): PartialSoftmax {
  return { max: max.subarray(from, to), mass: mass.subarray(from, to), sum: rowsOf(sum, from, to) }
}
