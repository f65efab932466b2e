import { checkBlock, checkInteger, checkKeys } from './check'
import { checkOptions } from './check-head'
import type { AttentionStream, Checks, KvBlock, Matrix, PartialSoftmax } from './contracts'
import { totalCounters } from './counters'
import { checkParts, disposeAll, forkedParts } from './forked'
import { rowsOfPartial } from './kv-block'
import { decodeLayer, encodeLayer, layerParts, type LayerHeads } from './layer-snapshot'
import { life } from './life'
import { addSpread, rowsOfSpread, type AskBars } from './spread'
import { asksBars, emptyPartial } from './step'

const KIND = 'layer'

export interface LayerOptions {
  /** Query heads, ≥ 1: their queries stand beside each other in a row. */
  readonly queryHeads: number
  /** Kv-heads: a divisor of queryHeads. Query head h reads stream ⌊h·kvHeads/queryHeads⌋. */
  readonly kvHeads: number
  /** Makes the stream of a kv-head; all streams have one shape. */
  readonly make: (kvHead: number) => AttentionStream
}

/** Streams of a layer, one for each kv-head, behind rows of heads·d columns. Row r·queryHeads + h of a partial is head h of query row r. */
export interface Layer extends Disposable {
  readonly queryHeads: number
  readonly kvHeads: number
  /** Width of a key of one head. */
  readonly d: number
  readonly dv: number
  readonly tokens: number
  readonly bytes: number
  readonly streams: readonly AttentionStream[]
  /** Sums of the streams' counters: `rows` is query rows times query heads. */
  readonly counters: Readonly<Record<string, number>>
  readonly check: Checks
  push(block: KvBlock): void // keys b × kvHeads·d, values b × kvHeads·dv
  /** Answers head by head, with error bars where they are asked for. @throws TypeError where a stream gives none; the message says why */
  attend(queries: Matrix, asked?: AskBars): PartialSoftmax // r × queryHeads·d → r·queryHeads rows
  step(block: KvBlock, queries: Matrix, asked?: AskBars): PartialSoftmax
  /** Takes in a layer that holds a later part of the stream, head by head. */
  merge(later: Pick<Layer, 'toBytes'>): void
  toBytes(): Uint8Array
  /** A copy that goes on from here, bit for bit, and shares nothing that could be seen. */
  fork(): Layer
  /** Forgets everything: the layer is as it was when it was made. */
  reset(): void
  /** How many tokens may come now such that every stream can take them back. */
  readonly spare: number
  takeBack(count: number): void
}

/**
 * A layer of multi-head or grouped-query attention: kvHeads streams answer queryHeads query heads.
 *
 * Guarantee: each head gets the answer that its stream gives alone. All streams that have `check` are asked before any of them takes a token; where one fails
 *   all the same, the layer is broken, and says so.
 *
 * @throws TypeError, RangeError when kvHeads does not divide queryHeads or the streams' shapes differ
 * @example
 * const make = () => policies.window({ count: 64 })({ d: 2, dv: 2, scale: 1 })
 * const four = layer({ queryHeads: 4, kvHeads: 2, make })
 * four.step({ keys: matrix(1, 4), values: matrix(1, 4) }, matrix(1, 8)).sum.cols // 2
 */
export function layer(options: LayerOptions): Layer {
  checkOptions(KIND, options, ['queryHeads', 'kvHeads', 'make'])
  const { queryHeads, kvHeads, make } = options
  checkInteger(KIND, 'queryHeads', queryHeads, 1)
  checkInteger(KIND, 'kvHeads', kvHeads, 1)
  if (queryHeads % kvHeads !== 0) {
    throw new RangeError(`${KIND}: queryHeads must be a multiple of kvHeads = ${kvHeads}, got ${queryHeads}`)
  }
  return layerOf(
    { queryHeads, kvHeads },
    Array.from({ length: kvHeads }, (_, h) => make(h)),
  )
}

function layerOf(heads: LayerHeads, streams: readonly AttentionStream[]): Layer {
  const { queryHeads, kvHeads } = heads
  const groups = queryHeads / kvHeads
  const { d, dv } = checkedStreams(streams)
  const named = Object.fromEntries(streams.map((stream, h) => [`stream-${h}`, stream]))
  const alive = life(KIND)

  /** The tokens of one kv-head. Its query heads stand side by side, so its queries are `groups` rows a token. */
  const blockOf = ({ keys, values, weights }: KvBlock, h: number): KvBlock => ({
    keys: columns(keys, h * d, d),
    values: columns(values, h * dv, dv),
    ...(weights && { weights }),
  })
  const queriesOf = (queries: Matrix, h: number): Matrix => {
    const { data } = columns(queries, h * groups * d, groups * d)
    return { rows: queries.rows * groups, cols: d, data }
  }
  /** Collects the answers of all heads to `rows` query rows. Each head gets a place to answer in: within the whole, where its rows lie together there. */
  const gather = (
    rows: number,
    answer: (h: number, place: PartialSoftmax) => PartialSoftmax,
    withBars: boolean,
  ): PartialSoftmax => {
    const out = emptyPartial(rows * queryHeads, dv, withBars)
    for (let h = 0; h < kvHeads; h++) {
      const isWithin = rows === 1 || kvHeads === 1
      const place = isWithin
        ? rowsOfPartial(out, h * groups, h * groups + rows * groups)
        : emptyPartial(rows * groups, dv, withBars)
      const part = answer(h, place)
      if (isWithin && part === place) continue
      for (let r = 0; r < rows; r++) {
        const to = r * queryHeads + h * groups
        const from = r * groups
        out.max.set(part.max.subarray(from, from + groups), to)
        out.mass.set(part.mass.subarray(from, from + groups), to)
        out.sum.data.set(part.sum.data.subarray(from * dv, (from + groups) * dv), to * dv)
        if (out.spread && part.spread) addSpread(out.spread, rowsOfSpread(part.spread, from, from + groups), to)
      }
    }
    return out
  }

  /** Tells whether error bars are asked for, and checks that all streams give them. */
  const barsOf = (asked: AskBars | undefined): boolean => {
    if (!asksBars(asked)) return false
    for (const [h, { errorBars }] of streams.entries()) {
      if (errorBars !== true)
        throw new TypeError(`${KIND}: stream ${h} gives no error bars: ${errorBars ?? 'it knows of none'}`)
    }
    return true
  }

  /** Asks every stream whether it would refuse its part, before any takes; returns the parts. */
  const pushes = (block: KvBlock) => {
    alive.check()
    checkBlock(KIND, block, kvHeads * d, kvHeads * dv)
    const blocks = streams.map((_, h) => blockOf(block, h))
    for (const [h, { check }] of streams.entries()) check?.push(blocks[h], true)
    return blocks
  }
  const steps = (block: KvBlock, queries: Matrix) => {
    alive.check()
    checkBlock(KIND, block, kvHeads * d, kvHeads * dv)
    checkKeys(KIND, 'queries', queries, queryHeads * d, block.keys.rows)
    const calls = streams.map((_, h) => [blockOf(block, h), queriesOf(queries, h)] as const)
    for (const [h, { check }] of streams.entries()) check?.step(...calls[h], true)
    return calls
  }
  const merges = (later: Pick<Layer, 'toBytes'>) => {
    alive.check()
    if (typeof later?.toBytes !== 'function') throw new TypeError(`${KIND}: cannot merge what is no layer`)
    const parts = layerParts(later.toBytes(), heads)
    for (const [h, { check }] of streams.entries()) check?.merge(parts[h])
    return parts
  }

  const takesBack = (count: number) => {
    alive.check()
    checkInteger(KIND, 'count', count, 0)
    for (const [h, stream] of streams.entries()) {
      if (count > 0 && !stream.takeBack) throw new RangeError(`${KIND}: stream ${h} cannot take tokens back`)
      stream.check?.takeBack?.(count)
    }
  }

  return {
    queryHeads,
    kvHeads,
    d,
    dv,
    streams,
    check: {
      push: (block) => void pushes(block),
      step: (block, queries) => void steps(block, queries),
      merge: (l) => void merges(l),
      takeBack: takesBack,
    },
    get tokens() {
      return streams[0].tokens
    },
    get bytes() {
      return streams.reduce((total, stream) => total + stream.bytes, 0)
    },
    get counters() {
      return totalCounters(streams)
    },
    push(block) {
      const blocks = pushes(block)
      alive.act('push', () => {
        for (const [h, stream] of streams.entries()) stream.push(blocks[h])
      })
    },
    attend(queries, asked) {
      alive.check()
      checkKeys(KIND, 'queries', queries, queryHeads * d)
      return gather(queries.rows, (h, place) => streams[h].attend(queriesOf(queries, h), place), barsOf(asked))
    },
    step(block, queries, asked) {
      const calls = steps(block, queries)
      const withBars = barsOf(asked)
      return alive.act('step', () => gather(queries.rows, (h, place) => streams[h].step(...calls[h], place), withBars))
    },
    merge(later) {
      const parts = merges(later)
      alive.act('merge', () => {
        for (const [h, stream] of streams.entries()) stream.merge(parts[h])
      })
    },
    toBytes() {
      alive.check()
      return encodeLayer(
        heads,
        streams.map((stream) => stream.toBytes()),
      )
    },
    fork() {
      alive.check()
      return layerOf(heads, Object.values(forkedParts(KIND, named)))
    },
    reset() {
      alive.check()
      checkParts(KIND, 'reset', named)
      alive.act('reset', () => {
        for (const stream of streams) stream.reset()
      })
    },
    get spare() {
      return Math.min(...streams.map(({ spare = 0 }) => spare))
    },
    takeBack(count) {
      takesBack(count)
      alive.act('takeBack', () => {
        for (const stream of streams) stream.takeBack?.(count)
      })
    },
    [Symbol.dispose]() {
      alive.end()
      disposeAll(named)
    },
  }
}

/**
 * Restores a layer from its snapshot; `open` restores one stream.
 *
 * @throws RangeError when the bytes are damaged or no snapshot of a layer
 */
export function restoreLayer(bytes: Uint8Array, open: (bytes: Uint8Array) => AttentionStream): Layer {
  const { queryHeads, kvHeads, streams } = decodeLayer(bytes)
  return layer({ queryHeads, kvHeads, make: (h) => open(streams[h].toBytes()) })
}

/** Checks that the streams are as many objects as heads, all of one shape and length; returns what they share. */
function checkedStreams(streams: readonly AttentionStream[]): Pick<AttentionStream, 'd' | 'dv'> {
  const first = streams[0]
  if (new Set(streams).size < streams.length)
    throw new RangeError(`${KIND}: make must return a stream of its own for every head`)
  for (const [h, other] of streams.entries()) {
    const isAlike = (['d', 'dv', 'scale', 'tokens'] as const).every((name) => other[name] === first[name])
    if (!isAlike) throw new RangeError(`${KIND}: stream ${h} differs from stream 0 in d, dv, scale or tokens`)
  }
  return first
}

function columns({ rows, cols, data }: Matrix, first: number, count: number): Matrix {
  if (rows === 1 || count === cols) return { rows, cols: count, data: data.subarray(first, first + rows * count) }
  const out = new Float32Array(rows * count)
  for (let r = 0; r < rows; r++) out.set(data.subarray(r * cols + first, r * cols + first + count), r * count)
  return { rows, cols: count, data: out }
}
