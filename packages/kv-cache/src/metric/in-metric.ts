import {
  checkBlock,
  checkInteger,
  checkKeys,
  checkOptions,
  decodeSnapshot,
  encodeSnapshot,
  life,
  nestedIn,
  nestedSnapshot,
  readAnew,
  readBy,
  requireSame,
  schema,
  type AttentionStream,
  type Checks,
  type Head,
  type KvBlock,
  type Shape,
  type StreamSpec,
} from '@sublinear/core'
import { checkMetric, type Metric } from './metric'
import { metricRows } from './metric-rows'

const made = readAnew<InMetric, 'tokens' | 'bytes' | 'counters' | 'errorBars' | 'spare'>()

const [KIND, VERSION] = ['inMetric', '1'] as const
/** Number that is added to an entry in a snapshot. */
const OFFSET = 128

/** Schema of a stream in a metric, which is a snapshot within it. */
export const metricSchema = schema(
  { kind: KIND, version: VERSION, tensors: { metric: { type: 'U8', whole: true, least: 1, most: 255 } } },
  {
    'The stream is a snapshot of its own, under `of`; `metric` is the lower triangle of C, row by row, each entry 128 more.':
      () => true,
  },
)

export interface InMetricOptions {
  /** The stream: far keys, clusters, tiers of them, any other. */
  readonly of: StreamSpec
  /** The metric, as `queryMetric` makes it. */
  readonly metric: Metric
}

export interface InMetric extends AttentionStream, Disposable {
  readonly check: Checks
  readonly spare: number
  takeBack(count: number): void
  readonly metric: Metric
  /** The parts of the stream as they are now, or the stream itself; they hold keys in the metric and must not be pushed to. */
  readonly parts: readonly AttentionStream[]
  readonly counters: Readonly<Record<string, number>>
}

/**
 * A stream that measures distances as queries see them: the stream within takes keys times C and queries times C⁻ᵀ, for the metric M = C·Cᵀ. Scores stay what
 * they were; the distances of far keys, the merging of clusters and the rounding of codes are those of the metric.
 * Source: not from the papers.
 *
 * Guarantee: that of the stream within, for the same scores. Where that is exact, answers are those without a metric but for the rounding of keys and queries
 *   to float32. A multiple of the plain metric changes no bit. Merging is that of the stream, with one of the same metric.
 * Cost: d²/2 operations in float64 for a key and for a query; d·(d + 1)/2 bytes.
 *
 * @param of  the stream; metric  d·(d + 1)/2 integers, as `queryMetric` makes them
 * @returns a stream of a shape, without `rotary`, `positions` and values in keys: turned queries have another metric at each place
 * @throws TypeError, RangeError when the metric is none or of another width, or a key or query is out of range in the metric
 * @example
 * const metric = queryMetric({ queries: matrix(1, 2, new Float32Array([1, 0])) })
 * const stream = inMetric({ of: clusters({ count: 16 }), metric })({ d: 2, dv: 2, scale: 1 })
 * console.log(metric, stream.bytes) // [127, 0, 54] 3
 */
export function inMetric(options: InMetricOptions): (shape: Shape) => InMetric {
  checkOptions(KIND, options, ['of', 'metric'])
  const { of, metric } = options
  if (typeof of !== 'function') throw new TypeError(`${KIND}: of must be a stream of a shape, got ${typeof of}`)
  checkMetric(KIND, 'metric', metric)
  return (shape) => {
    checkFits(metric, shape.d, shape)
    const stream = of(shape)
    if (stream.tokens !== 0) throw new RangeError(`${KIND}: of must be empty, got one with ${stream.tokens} tokens`)
    return live(stream, [...metric])
  }
}

/**
 * Restores a stream in a metric from its snapshot; it goes on bit for bit. `open` restores the stream within.
 *
 * @throws RangeError when the bytes are damaged, of another kind, or the metric is not one for the stream within
 */
export function restoreInMetric(bytes: Uint8Array, open: (bytes: Uint8Array) => AttentionStream): InMetric {
  const snapshot = decodeSnapshot(bytes)
  const { metric } = readBy(KIND, metricSchema, bytes).tensors
  return live(
    open(nestedSnapshot(snapshot, 'of')),
    Array.from(metric, (entry) => entry - OFFSET),
  )
}

/** @throws RangeError where a metric is of another width, or the head has features by which keys and queries change after they came */
function checkFits(metric: Metric, d: number, head: Head = {}): void {
  checkMetric(KIND, 'metric', metric, d)
  const unable = (['rotary', 'positions', 'values'] as const).find((name) => head[name] !== undefined)
  if (unable) throw new RangeError(`${KIND}: cannot do ${unable}`)
}

function live(of: AttentionStream, metric: Metric): InMetric {
  const { d, dv, scale, head } = of
  checkFits(metric, d, head)
  const alive = life(KIND)
  const within = metricRows(metric, d)
  const seen = (block: KvBlock): KvBlock => {
    alive.check()
    checkBlock(KIND, block, d, dv)
    return { ...block, keys: within.keys(block.keys) }
  }
  const asked = (queries: Parameters<typeof within.queries>[0]) => {
    alive.check()
    checkKeys(KIND, 'queries', queries, d)
    return within.queries(queries)
  }
  /** The stream within another of the same kind and metric. */
  const inside = (later: Pick<AttentionStream, 'toBytes'>) => {
    alive.check()
    if (typeof later?.toBytes !== 'function') throw new TypeError(`${KIND}: cannot merge what is no stream`)
    const snapshot = decodeSnapshot(later.toBytes())
    if (snapshot.kind !== KIND)
      throw new TypeError(`${KIND}: cannot merge, the other stream is not ${KIND} but ${snapshot.kind}`)
    const theirs = (snapshot.tensors.get('metric')?.data ?? []) as ArrayLike<number>
    requireSame(
      KIND,
      { version: VERSION, metric: String(metric) },
      { version: snapshot.version, metric: String(Array.from(theirs, (entry) => entry - OFFSET)) },
    )
    const bytes = nestedSnapshot(snapshot, 'of')
    return { toBytes: () => bytes }
  }
  const check: Checks = {
    push: (block) => of.check?.push(seen(block)),
    step: (block, queries) => of.check?.step(seen(block), asked(queries)),
    merge: (later) => of.check?.merge(inside(later)),
    takeBack(count) {
      alive.check()
      checkInteger(KIND, 'count', count, 0)
      if (count > 0 && !of.takeBack) throw new RangeError(`${KIND}: its stream cannot take tokens back`)
      of.check?.takeBack?.(count)
    },
  }
  return made(
    {
      tokens: () => of.tokens,
      bytes: () => of.bytes + metric.length,
      counters: () => of.counters ?? {},
      errorBars: () => of.errorBars,
      spare: () => (of.takeBack ? (of.spare ?? 0) : 0),
    },
    {
      d,
      dv,
      scale,
      ...(head && { head }),
      metric,
      parts: (of as Partial<InMetric>).parts ?? [of],
      merging: of.merging,
      check,
      push: (block) => of.push(seen(block)),
      attend: (queries, into) => of.attend(asked(queries), into),
      step: (block, queries, into) => of.step(seen(block), asked(queries), into),
      merge: (later) => of.merge(inside(later)),
      toBytes() {
        alive.check()
        const { parameters, tensors } = nestedIn('of', of.toBytes())
        const own = {
          dtype: 'U8',
          shape: [metric.length],
          data: Uint8Array.from(metric, (entry) => entry + OFFSET),
        } as const
        return encodeSnapshot({ kind: KIND, version: VERSION, parameters, tensors: { ...tensors, metric: own } })
      },
      fork: () => live(of.fork(), metric),
      reset() {
        alive.check()
        of.reset()
      },
      takeBack(count) {
        check.takeBack!(count)
        of.takeBack?.(count)
      },
      [Symbol.dispose]() {
        alive.end()
        ;(of as Partial<Disposable>)[Symbol.dispose]?.()
      },
    },
  )
}
