import {
  checkFits,
  checkHead,
  checkInteger,
  checkObject,
  decodeSnapshot,
  headOf,
  HELD_FEATURES,
  joinedTokens,
  liveStream,
  nestedSnapshot,
  readBy,
  scoresOf,
  shapeIn,
  shapeParameters,
  totalCounters,
  type Arrival,
  type AttentionStream,
  type HeadFeature,
  type Inside,
  type KvBlock,
  type Life,
  type LiveStream,
  type Making,
  type Matrix,
  type PartialSoftmax,
  type Shape,
  type Snapshot,
  type State,
  type Tier,
  tokenCount,
} from '@sublinear/core'
import { continuePadded, continueWith, FEW, whyNoBars } from './asked-parts'
import { placedParts } from './placed-parts'
import type { Metric } from './metric/metric'
import { metricTurning } from './metric/metric-rows'
import { tiersSchema } from './saved-tiers'
import { checkParts, isTier } from './tier-parts'
import type { Tiers, TiersOptions } from './tiers-options'
import {
  float32,
  openStore,
  waitingTokens,
  type HeldTokens,
  type TokenStore,
  type WaitingTokens,
} from '@sublinear/token-store'

export type { Tiers, TiersOptions } from './tiers-options'

const KIND = 'tiers'
const VERSION = '2'
/** The most tokens that are held exactly until they are handed to the first tier together; also the default. */
const BLOCK = 64
const CAN: readonly HeadFeature[] = [...HELD_FEATURES, 'positions']

/**
 * A key-value cache of tiers: each tier holds the tokens that its policy keeps, the tokens that it evicts go to the next, and the last part takes all others.
 * Source: not from the papers; answers of disjoint sets of tokens combine as partial softmaxes.
 *
 * Guarantee: every token pushed is in exactly one part, with its weight: exact over the tokens held, and for the others the guarantee of the last
 *   part. Tokens are handed on `buffer` at a time, at fixed places of the stream; until then they are held here, exactly or as the store
 *   `waiting` rounds them. Parts that have `check` are asked before any takes a token; where one fails all the same, the whole is broken, and says so.
 *   With a `metric`, all keys are held times C and queries come times C⁻ᵀ, for M = C·Cᵀ: scores stay what they were; distances and the rounding of codes are
 *   those of the metric. With `rotary`, keys come unrotated and turn by their places in the text; with `positions`, the parts behind a window are asked from one distance.
 *   Merging is 'ordered' where every tier's merging is 'ordered' and the last part's is 'linear', else 'none'.
 * Cost: that of the parts, and the buffer, 4·(d + dv) bytes a token; smaller buffers are slower. A metric: d·(d + 1)/2 bytes, and d²/2 operations a row.
 *
 * @param d, dv, scale, softcap  the shape of every part; sinkLogit, rotary, positions  features that the whole computes; parts  tiers in order, the last any
 *   stream; buffer  1 to 64 (default 64); waiting  store of the waiting tokens (default: float32); metric  of distances, not with `rotary`; name  kind of its snapshots (default 'tiers')
 * @throws TypeError, RangeError when a part is no tier, not empty, or of another shape, buffer is no such integer, `waiting` is a store whose tokens change, or metric is none of this width;
 *   from a call, when a key or query is out of range in the metric
 * @example tiers({ d: 2, dv: 2, scale: 1, parts: [sinks({ count: 4 }), window({ count: 16 }), closureStream] }).tokens // 0
 */
export function tiers(options: TiersOptions): Tiers {
  const { parts, buffer = BLOCK, waiting = float32, metric, name = KIND, ...shape } = checkObject(KIND, options)
  checkHead(name, shape, CAN)
  checkInteger(name, 'buffer', buffer, 1, BLOCK)
  if (!Array.isArray(parts) || parts.length === 0 || parts.some((spec) => typeof spec !== 'function'))
    throw new TypeError(`${name}: parts must be a list of at least one tier or stream spec`)
  const { d, dv, scale } = shape
  const made = parts.map((spec) => spec({ d, dv, scale, ...scoresOf(shape) }))
  for (const [i, { tokens }] of made.entries()) {
    if (tokens !== 0) throw new RangeError(`${name}: part ${i} must be empty, got one with ${tokens} tokens`)
  }
  return live(name, shape, made, { buffer, store: waiting, metric })
}

/**
 * Restores tiers from their snapshot; they go on bit for bit. `open` restores one part.
 *
 * @throws RangeError when the bytes are damaged, or of another kind, or when the parts do not fit
 */
export function restoreTiers(
  bytes: Uint8Array,
  open: (bytes: Uint8Array) => AttentionStream,
  name: string = KIND,
): Tiers {
  const snapshot = decodeSnapshot(bytes, { kind: name, version: VERSION })
  const shape = shapeIn(name, snapshot, CAN)
  const said = Object.keys(snapshot.parameters).length
  const { buffer, parts: count, waiting, metric: saved } = readBy(name, tiersSchema, snapshot, { said }).parameters
  const store = waiting === '' ? float32 : openStore(name, waiting)
  const parts = Array.from({ length: count }, (_, i) => open(nestedSnapshot(snapshot, partName(i))))
  for (const { tokens } of parts) checkFits(name, tokens <= tokenCount(name, snapshot))
  return live(
    name,
    shape,
    parts,
    { buffer, store, metric: saved === '' ? undefined : saved.split(',').map(Number) },
    snapshot,
  )
}

const partName = (i: number) => `part-${i}`

function live(name: string, shape: Shape, parts: readonly AttentionStream[], holding: Holding, from?: Snapshot): Tiers {
  checkParts(name, parts, shape)
  if (!holding.store.steady)
    throw new RangeError(`${name}: waiting must be float32 or have first: 0, else answers depend on later tokens`)
  return liveStream(tiersOf(name, shape, parts, holding), from) as LiveStream & Pick<Tiers, 'parts' | 'counters'>
}

function tiersOf(
  name: string,
  shape: Shape,
  parts: readonly AttentionStream[],
  holding: Holding,
): Making<Inside, Pick<Tiers, 'parts'>> {
  return {
    kind: name,
    begin: (alive, state) => begun(name, shape, parts, holding, alive, state),
    members: () => ({ parts }),
    parts: () => Object.fromEntries(parts.map((part, i) => [partName(i), part])),
    around(copies) {
      const own = parts.map((_, i) => copies[partName(i)])
      return tiersOf(name, shape, own, holding)
    },
    resetParts() {
      for (const part of parts) part.reset()
    },
  }
}

/** The store of tokens that wait before the first part, and the metric in which all are held. */
interface Holding {
  readonly buffer: number
  readonly store: TokenStore
  readonly metric: Metric | undefined
}

type TiersInside = Inside & { readonly waiting: WaitingTokens }

function begun(
  name: string,
  shape: Shape,
  parts: readonly AttentionStream[],
  { buffer, store, metric }: Holding,
  alive: Life,
  from?: State,
): TiersInside {
  const { d, dv, scale, sinkLogit } = shape
  const like = from?.live as TiersInside | undefined
  const placed = placedParts(name, shape, parts)
  if (metric && shape.rotary) throw new RangeError(`${name}: metric cannot be had with rotary`)
  const turning = metric && metricTurning(name, metric, d)
  const forgetting = parts.slice(0, -1) as Tier[]
  const last = parts.at(-1)!
  const lastTier = isTier(last) ? last : undefined
  const canMerge = forgetting.every((tier) => tier.absorb && tier.merging === 'ordered') && last.merging === 'linear'
  let rows = 0

  /** Hands tokens down the parts, from part `first` on, until none is left. */
  const handOn = (block: KvBlock | undefined, first = 0) => {
    for (let i = first; block && i < forgetting.length; i++) {
      const before = forgetting[i].tokens
      block = forgetting[i].admit(block)
      if (block && i === 0 && placed) block = placed.passed(block, before)
    }
    if (!block) return
    if (lastTier) lastTier.admit(block, true)
    else last.push(block)
  }

  /** Parts in the order in which they are asked: first those that begin a partial, then those that continue one. */
  const asked = lastTier ? parts : [last, ...forgetting]
  let placeOf = atStart // the places of the rows that are being answered
  const questions = parts.map((_, i) => (queries: Matrix) => placed?.asked(i, queries, placeOf) ?? queries)
  const behind = (queries: Matrix, out: PartialSoftmax, inOrder: boolean) => {
    placed?.begin()
    for (const part of asked) {
      const own = questions[parts.indexOf(part)](queries)
      if (inOrder && isTier(part) && part.attendInOrder) part.attendInOrder(own, out)
      else if (inOrder && own.rows < FEW) continuePadded(part, own, out)
      else continueWith(part, own, out)
    }
  }

  const observers = parts.map((part) => (part as Partial<Tier>).observe?.bind(part))
  const observe = (queries: Matrix, total: PartialSoftmax, arrival: Arrival) => {
    const { groups } = arrival
    placed?.begin()
    for (const [i, learn] of observers.entries()) learn?.(questions[i](queries), total, i === 0 ? arrival : { groups })
  }
  const waiting = waitingTokens<HeldTokens>({
    ...shape,
    most: buffer,
    hold: store.make,
    handOn: (held) => handOn(held.read()),
    behind,
    ...(observers.some(Boolean) && { observe }),
    like: like?.waiting,
  })
  const takeAll = (block: KvBlock) => {
    for (let at = 0; at < block.keys.rows;) at += waiting.take(block, at)
  }

  /** Takes in the tokens that the tiers of a later part hold; tokens that they displace go down, the older before the younger. */
  const absorb = (theirs: readonly Pick<AttentionStream, 'toBytes'>[]) => {
    waiting.settle()
    let moved: KvBlock | undefined
    for (const [i, tier] of forgetting.entries()) {
      const displaced = moved && tier.admit(moved)
      moved = joinedTokens(displaced, tier.absorb!(theirs[i]))
    }
    if (moved) handOn(moved, forgetting.length)
  }

  /** The tokens that wait in a snapshot. */
  const pendingIn = (snapshot: Snapshot): KvBlock => {
    const own = store.make({ d, dv, scale, most: buffer })
    own.restore(name, snapshot)
    const block = own.read()
    own[Symbol.dispose]()
    return block
  }

  /** Throws where a part cannot take a block, which is as parts hold it. */
  const refuse = (block: KvBlock, queries?: Matrix) => {
    waiting.reserve(block.keys.rows)
    for (const { check } of parts) {
      if (queries) check?.step(block, queries, true)
      else check?.push(block, true)
    }
  }

  const inside: TiersInside = {
    version: VERSION,
    d,
    dv,
    scale,
    merging: canMerge ? 'ordered' : 'none',
    continues: sinkLogit !== undefined, // so that observers see the sink
    identity: like?.identity ?? {
      ...shapeParameters(shape),
      buffer: String(buffer),
      parts: String(parts.length),
      ...(store.spec !== float32.spec && { waiting: store.spec }),
      ...(metric && { metric: String(metric) }),
    },
    turning,
    errorBars: () => whyNoBars(parts) ?? waiting.noBars,
    bytes: () => parts.reduce((total, { bytes }) => total + bytes, waiting.bytes + (metric?.length ?? 0)),
    take: (block, at) => waiting.take(block, at),
    answer(queries, out, arrived) {
      rows += queries.rows
      const { count, groups } = arrived ?? { count: 1, groups: Infinity }
      placeOf = (row) => alive.tokens - count + Math.floor(row / groups)
      waiting.answer(queries, out, arrived)
    },
    counters: () => ({ ...totalCounters(parts), rows }),
    refuses(block, queries) {
      refuse(turning?.block(block, 0) ?? block, queries && (turning?.queries(queries, 0, 1) ?? queries))
    },
    joining(later) {
      const theirs = parts.map((_, i) => ({ toBytes: () => nestedSnapshot(later, partName(i)) }))
      for (const [i, { check }] of parts.entries()) check?.merge(theirs[i])
      const pending = pendingIn(later)
      refuse(pending)
      return () => {
        last.merge(theirs.at(-1)!)
        if (Number(later.parameters['tokens']) > pending.keys.rows) absorb(theirs)
        takeAll(pending)
      }
    },
    ...(waiting.back && { back: waiting.back }),
    saved: () => ({ tensors: waiting.saved() }),
    savedBeside: () => ({ tensors: {} }),
    waiting,
    dispose: () => waiting[Symbol.dispose](),
  }
  if (from && !like) {
    waiting.restore(name, from)
    checkFits(name, alive.tokens >= waiting.count)
  }
  return Object.assign(inside, headOf(shape)) // a spread in a literal makes it slow
}

const atStart = (_row: number) => 0
