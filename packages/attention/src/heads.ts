import {
  checkBlock,
  checkInteger,
  checkKeys,
  decodeSnapshot,
  emptyPartial,
  encodeSnapshot,
  totalCounters,
  type AttentionStream,
  type KvBlock,
  type Matrix,
  type PartialSoftmax,
} from '@sublinear/core'

export interface HeadsOptions {
  readonly queryHeads: number
  /** Divides queryHeads: head h of the queries reads stream ⌊h·kvHeads/queryHeads⌋. */
  readonly kvHeads: number
  /** The stream of a kv-head; all of one shape. */
  readonly make: (kvHead: number) => AttentionStream
}

/** One stream a kv-head behind rows of heads·d columns. Row r·queryHeads + h of a partial is head h of query row r. */
export interface HeadStreams {
  readonly queryHeads: number
  readonly kvHeads: number
  /** Of one head. */
  readonly d: number
  readonly dv: number
  readonly tokens: number
  readonly bytes: number
  readonly streams: readonly AttentionStream[]
  /** The sums of what the streams count: `rows` is query rows times query heads. */
  readonly counters: Readonly<Record<string, number>>
  push(block: KvBlock): void // keys b × kvHeads·d, values b × kvHeads·dv
  attend(queries: Matrix): PartialSoftmax // r × queryHeads·d → r·queryHeads rows
  step(block: KvBlock, queries: Matrix): PartialSoftmax
  toBytes(): Uint8Array
}

/**
 * Multi-head and grouped-query attention: kvHeads streams answer queryHeads query heads.
 *
 * @throws TypeError, RangeError when kvHeads does not divide queryHeads or the streams' shapes differ
 * Guarantee: head by head what the streams answer alone.
 */
export function heads({ queryHeads, kvHeads, make }: HeadsOptions): HeadStreams {
  checkInteger('heads', 'queryHeads', queryHeads, 1)
  checkInteger('heads', 'kvHeads', kvHeads, 1)
  if (queryHeads % kvHeads !== 0) {
    throw new RangeError(`heads: queryHeads must be a multiple of kvHeads = ${kvHeads}, got ${queryHeads}`)
  }
  const groups = queryHeads / kvHeads
  const streams = Array.from({ length: kvHeads }, (_, h) => make(h))
  const { d, dv, scale, tokens } = streams[0]!
  if (new Set(streams).size < kvHeads)
    throw new RangeError('heads: make must return a stream of its own for every head')
  for (const [h, other] of streams.entries()) {
    if (other.d !== d || other.dv !== dv || other.scale !== scale || other.tokens !== tokens) {
      throw new RangeError(`heads: stream ${h} differs from stream 0 in d, dv, scale or tokens`)
    }
  }

  const checked = (block: KvBlock) => checkBlock('heads', block, kvHeads * d, kvHeads * dv)
  const checkQueries = (queries: Matrix, rows?: number) => checkKeys('heads', 'queries', queries, queryHeads * d, rows)
  const blockOf = ({ keys, values, weights }: KvBlock, h: number): KvBlock => ({
    keys: columns(keys, h * d, d),
    values: columns(values, h * dv, dv),
    ...(weights && { weights }),
  })
  /** The queries of one kv-head: its groups side by side are groups rows a token. */
  const queriesOf = (queries: Matrix, h: number): Matrix => {
    const { data } = columns(queries, h * groups * d, groups * d)
    return { rows: queries.rows * groups, cols: d, data }
  }
  const gather = (rows: number, answer: (h: number) => PartialSoftmax): PartialSoftmax => {
    const out = emptyPartial(rows * queryHeads, dv)
    for (let h = 0; h < kvHeads; h++) {
      const part = answer(h)
      for (let r = 0; r < rows; r++) {
        const to = r * queryHeads + h * groups
        const from = r * groups
        out.max.set(part.max.subarray(from, from + groups), to)
        out.mass.set(part.mass.subarray(from, from + groups), to)
        out.sum.data.set(part.sum.data.subarray(from * dv, (from + groups) * dv), to * dv)
      }
    }
    return out
  }

  return {
    queryHeads,
    kvHeads,
    d,
    dv,
    streams,
    get tokens() {
      return streams[0]!.tokens
    },
    get bytes() {
      return streams.reduce((total, stream) => total + stream.bytes, 0)
    },
    get counters() {
      return totalCounters(streams)
    },
    push(block) {
      checked(block)
      for (const [h, stream] of streams.entries()) stream.push(blockOf(block, h))
    },
    attend(queries) {
      checkQueries(queries)
      return gather(queries.rows, (h) => streams[h]!.attend(queriesOf(queries, h)))
    },
    step(block, queries) {
      checked(block)
      checkQueries(queries, block.keys.rows)
      return gather(queries.rows, (h) => streams[h]!.step(blockOf(block, h), queriesOf(queries, h)))
    },
    toBytes() {
      const parts = streams.map((stream) => stream.toBytes())
      return encodeSnapshot({
        kind: 'heads',
        version: '1',
        parameters: { queryHeads: String(queryHeads), kvHeads: String(kvHeads) },
        tensors: Object.fromEntries(
          parts.map((data, h) => [`stream-${h}`, { dtype: 'U8' as const, shape: [data.length], data }]),
        ),
      })
    },
  }
}

/**
 * Heads from their snapshot; `open` restores one stream.
 *
 * @throws RangeError when the bytes are damaged or no snapshot of heads
 */
export function restoreHeads(bytes: Uint8Array, open: (bytes: Uint8Array) => AttentionStream): HeadStreams {
  const { parameters, tensors } = decodeSnapshot(bytes, { kind: 'heads', version: '1' })
  const kvHeads = Number(parameters['kvHeads'])
  if (kvHeads !== tensors.size) {
    throw new RangeError(`heads: the snapshot must have ${parameters['kvHeads']} streams, got ${tensors.size}`)
  }
  return heads({
    queryHeads: Number(parameters['queryHeads']),
    kvHeads,
    make: (h) => {
      const data = tensors.get(`stream-${h}`)?.data
      if (!(data instanceof Uint8Array)) throw new RangeError(`heads: the snapshot has no stream ${h}`)
      return open(data)
    },
  })
}

function columns({ rows, cols, data }: Matrix, first: number, count: number): Matrix {
  const out = new Float32Array(rows * count)
  for (let r = 0; r < rows; r++) out.set(data.subarray(r * cols + first, r * cols + first + count), r * count)
  return { rows, cols: count, data: out }
}
