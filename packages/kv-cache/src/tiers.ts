import {
  checkBlock,
  checkInteger,
  checkKeys,
  checkScale,
  decodeSnapshot,
  encodeSnapshot,
  queryGroups,
  requireSame,
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
import { addPartial, restoredTokens, savedTokens } from '@sublinear/exact-attention'
import { joined } from './blocks'
import { front } from './front'
import { nestedIn, nestedSnapshot } from './nested-snapshots'
import { insideOf, type Policy } from './token-tier'

const KIND = 'tiers'
const VERSION = '1'
/** The most tokens held exactly before they are handed to the first tier together, and the default. */
const BLOCK = 64

export interface TiersOptions extends Shape {
  /** In order: what a tier evicts goes to the next; the last part may be any stream. */
  readonly parts: readonly [...TierSpec[], StreamSpec]
  /** Tokens held exactly before they are handed to the first tier together, 1 to 64: fewer where bytes are few. Default 64. */
  readonly buffer?: number
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
 * @param d, dv, scale  the shape of every part; parts  tiers in order and at last any stream; buffer  1 to 64
 * @throws TypeError, RangeError when a part is no tier, not empty, or of another shape, or buffer no such number
 * Guarantee: every token pushed is in exactly one place, with its weight: exact over the tokens held, the last part's own guarantee for the
 *   rest. Tokens are handed on `buffer` at a time, at fixed positions of the stream; until then they are held here, exactly.
 *   Merging is 'ordered' where every tier's is and the last part's is 'linear', else 'none'.
 * Cost: the parts' and the buffer, 4·(d + dv) bytes a token; smaller buffers are slower.
 */
export function tiers(options: TiersOptions): Tiers {
  const { parts, buffer = BLOCK, ...shape } = options
  checkShape(KIND, shape)
  checkInteger(KIND, 'buffer', buffer, 1, BLOCK)
  if (!Array.isArray(parts) || parts.length === 0 || parts.some((spec) => typeof spec !== 'function'))
    throw new TypeError(`${KIND}: parts must be a list of at least one tier or stream spec`)
  const made = parts.map((spec) => spec(shape))
  for (const [i, { tokens }] of made.entries()) {
    if (tokens !== 0) throw new RangeError(`${KIND}: part ${i} must be empty, got one with ${tokens} tokens`)
  }
  return live(shape, made, buffer)
}

/**
 * Tiers from their snapshot, resuming bit for bit; `open` restores one part.
 *
 * @throws RangeError when the bytes are damaged, of another kind, or their parts do not fit
 */
export function restoreTiers(bytes: Uint8Array, open: (bytes: Uint8Array) => AttentionStream): Tiers {
  const snapshot = decodeSnapshot(bytes, { kind: KIND, version: VERSION })
  const { d: width, dv: valueWidth, scale: factor, buffer: waits, tokens: _, ...described } = snapshot.parameters
  const shape = { d: Number(width), dv: Number(valueWidth), scale: Number(factor) }
  checkShape(KIND, shape)
  const buffer = Number(waits)
  checkInteger(KIND, 'buffer', buffer, 1, BLOCK)
  const from = restoredTokens(KIND, snapshot, { ...shape, most: buffer })
  const parts = Object.keys(described).map((_, i) => open(nestedSnapshot(snapshot, `part-${i}`)))
  if (parts.length === 0) throw new RangeError(`${KIND}: the snapshot has no parts`)
  return live(shape, parts, buffer, from)
}

function live(
  { d, dv, scale }: Shape,
  parts: readonly AttentionStream[],
  buffer: number,
  from?: { readonly tokens: number; readonly held: KvBlock },
): Tiers {
  checkParts(parts, { d, dv, scale })
  const forgetting = parts.slice(0, -1) as Tier[]
  const last = parts.at(-1)!
  const insides = parts.map(insideOf)
  const canMerge = forgetting.every((tier, i) => insides[i] && tier.merging === 'ordered') && last.merging === 'linear'
  const identity = {
    d: String(d),
    dv: String(dv),
    scale: String(scale),
    buffer: String(buffer),
    parts: JSON.stringify(insides.slice(0, -1).map((inside) => inside?.identity ?? 'unknown')),
  }
  let rows = 0
  let tokens = 0

  /** Hands tokens down the parts until none is left; a policy's own front is for those that stand alone. */
  const handOn = (block: KvBlock | undefined, first = 0) => {
    for (let i = first; block && i < forgetting.length; i++) block = (insides[i] ?? forgetting[i]!).admit(block)
    if (block) takeLast(block)
  }
  const takeLast = (block: KvBlock) => (insides.at(-1) ? insides.at(-1)!.admit(block, true) : last.push(block))

  const answer = (queries: Matrix, out: PartialSoftmax) => {
    for (const [i, part] of parts.entries()) if (!insides[i]) addPartial(out, part.attend(queries))
    for (const inside of insides) inside?.held.attend(queries, out)
  }

  const observers = (parts as readonly { observe?: Policy['observe'] }[]).map((part) => part.observe?.bind(part))
  const observe: Policy['observe'] = (queries, total, arrival) => {
    const { groups } = arrival!
    for (const [i, learn] of observers.entries()) learn?.(queries, total, i === 0 ? arrival : { groups })
  }
  const waiting = front({ d, dv, scale, most: buffer, handOn, answer, ...(observers.some(Boolean) && { observe }) })

  /** Takes in what another's tiers hold; the last parts are merged already. */
  const absorb = (theirs: Contents) => {
    waiting.settle()
    let moved: KvBlock | undefined
    for (const i of forgetting.keys()) {
      const displaced = moved && insides[i]!.admit(moved)
      moved = joined(displaced, insides[i]!.absorb(insideOf(theirs.parts[i]!)!))
    }
    if (moved) takeLast(moved)
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
      return parts.reduce((total, { bytes }) => total + bytes, waiting.bytes)
    },
    get counters() {
      return { ...totalCounters(parts), rows }
    },
    push(block) {
      checkBlock(KIND, block, d, dv)
      waiting.push(block)
      tokens += block.keys.rows
    },
    attend(queries) {
      checkKeys(KIND, 'queries', queries, d)
      rows += queries.rows
      return waiting.attend(queries)
    },
    step(block, queries) {
      checkBlock(KIND, block, d, dv)
      checkKeys(KIND, 'queries', queries, d)
      const groups = queryGroups(KIND, block, queries)
      rows += queries.rows
      tokens += block.keys.rows
      return waiting.step(block, queries, groups)
    },
    merge(later) {
      const theirs = contentsOf.get(later)?.()
      if (!theirs) throw new TypeError(`${KIND}: cannot merge, the other stream is not of tiers`)
      requireSame(KIND, identity, theirs.identity)
      if (!canMerge) throw new RangeError(`${KIND}: cannot merge, merging is none`)
      last.merge(theirs.parts.at(-1)!) // refuses what differs, before anything has changed
      if (theirs.tokens > theirs.pending.keys.rows) absorb(theirs)
      tokens += theirs.tokens
      waiting.push(theirs.pending)
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
          buffer: String(buffer),
          tokens: String(tokens),
          ...Object.assign({}, ...nested.map(({ parameters }) => parameters)),
        },
        tensors: {
          ...Object.assign({}, ...nested.map(({ tensors }) => tensors)),
          ...savedTokens(waiting.read()),
        },
      })
    },
    [Symbol.dispose]() {
      waiting[Symbol.dispose]()
      for (const part of parts as readonly Partial<Disposable>[]) part[Symbol.dispose]?.()
    },
  }
  if (from) {
    tokens = from.tokens
    waiting.push(from.held)
  }
  contentsOf.set(self, () => ({ identity, tokens, parts, pending: waiting.read() }))
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
    if (insideOf(part)?.waits())
      throw new RangeError(`${KIND}: part ${i} must not hold tokens that wait, as those of a tier that stood alone do`)
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
