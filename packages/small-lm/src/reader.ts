import {
  checkInteger,
  checkScale,
  speculate,
  type AttentionStream,
  type Matrix,
  type Shape,
  type Speculation,
} from '@sublinear/core'
import { kernels } from '@sublinear/kernels'
import type { LanguageModel } from './language-model'
import { layerNorm } from './layer-norm'
import { rotaryOf, rotaryTable, stillTable, take, turn } from './rotary'
import { checkIds } from './tokenizer'

/**
 * Makes the streams in which heads keep their past; every StreamSpec is one. Layers and heads count from 0. If it is `unrotated`, its streams get keys and queries
 * before rotation, with `rotary` in their shape: positions are then their own, and a text may be longer than the model was trained on.
 */
export type HeadSpec = ((shape: Shape, layer: number, head: number) => AttentionStream) & {
  readonly unrotated?: boolean
}

/** The same spec, marked for keys before rotation. */
export function unrotated(spec: HeadSpec): HeadSpec {
  return Object.assign((...head: Parameters<HeadSpec>) => spec(...head), { unrotated: true })
}

/** Queries, keys and values of one head for the tokens of a block: keys and queries rotated, unless the spec is unrotated; queries not scaled. */
export interface HeadBlock {
  readonly layer: number
  readonly head: number
  readonly queries: Matrix // rows × d
  readonly keys: Matrix // rows × d
  readonly values: Matrix // rows × d
}

export interface ReaderOptions {
  readonly model: LanguageModel
  readonly stream: HeadSpec
  /** Called with the queries, keys and values of every head, before its stream gets them. The arrays are overwritten after the call: copy what you keep. */
  readonly onHead?: (block: HeadBlock) => void
}

export interface Reader extends Disposable {
  /** Number of tokens read so far. */
  readonly tokens: number
  /** Bytes that the streams of all heads hold. */
  readonly bytes: number
  /** Bytes that a float32 cache of all keys and values would hold. */
  readonly cacheBytes: number
  /** Streams by layer and head. */
  readonly streams: readonly (readonly AttentionStream[])[]
  /** Reads on; returns the logits after every token, after the last, or none: rows × vocabulary. */
  read(ids: ArrayLike<number>, logits: 'all' | 'last' | 'none'): Matrix
  /** Reads on trial, until `accept`: for tokens that may turn out to be wrong. */
  tryOut(ids: ArrayLike<number>, logits: 'all' | 'last' | 'none'): Matrix
  /** Keeps the first `count` of the tokens on trial, and forgets the others. */
  accept(count: number): void
}

/** Tokens in one pass through the layers. */
const BLOCK = 128

/**
 * Makes a reader: a model that reads a text from the left, where every head keeps its past in an attention stream of its own.
 * Source: the model's own forward pass; attention is the stream's `step`.
 *
 * Guarantee: with exactStream, the logits of the model up to rounding; how a text is cut into calls changes them by rounding alone.
 * Cost: for a token two operations a weight, and the cost of its streams; in memory the streams, and 1.5 MB of scratch.
 *
 * @param model  the model; stream  makes the stream of a head: exactStream for the model's own attention
 * @throws TypeError, RangeError when a stream has another shape or is not empty, or an id is unknown; a refused call reads nothing.
 *   After an error inside a stream the heads disagree about the past: every later call throws.
 */
export function reader({ model, stream, onHead }: ReaderOptions): Reader {
  const { config, weights } = model
  const { layers, heads, d, width, hidden, vocabulary, ropeBase, epsilon, logitBound } = config
  const shape = { d, dv: d, scale: 1 / Math.sqrt(d), ...(stream.unrotated && { rotary: rotaryOf(config) }) }
  const streams = makeStreams(stream, shape, layers, heads)
  const length = logitBound === undefined ? undefined : Math.sqrt(logitBound * Math.sqrt(d))
  const stride = 3 * heads * d
  const { product } = kernels()

  const x = new Float32Array(BLOCK * width)
  const normed = new Float32Array(BLOCK * width)
  const qkv = new Float32Array(BLOCK * stride)
  const attended = new Float32Array(BLOCK * heads * d)
  const table = new Float64Array(BLOCK * d)
  const scratch = headScratch(d)
  const inner = new Float32Array(BLOCK * hidden)
  let tokens = 0
  let previous: number | undefined
  let trials: Speculation[][] | undefined
  let tried: number[] = []
  let before: number | undefined // the last token read before them
  let failure: 'a stream failed before' | 'it was disposed' | undefined

  const embed = (ids: ArrayLike<number>, from: number, rows: number) => {
    for (let r = 0; r < rows; r++) {
      const id = ids[from + r]
      const own = weights.embedding.subarray(id * width, (id + 1) * width)
      x.set(own, r * width)
      if (previous !== undefined) add(x, r * width, weights.shifted, previous * width, width)
      previous = id
    }
  }

  const attend = (layer: number, rows: number) => {
    const { queries, keys, values } = scratch(rows)
    for (let head = 0; head < heads; head++) {
      const placeOf = (part: number) => ({ rows, stride, at: (part * heads + head) * d, d })
      turn(queries.data, qkv, placeOf(0), table, length)
      turn(keys.data, qkv, placeOf(1), table, length)
      take(values.data, qkv, placeOf(2))
      onHead?.({ layer, head, queries, keys, values })
      const { mass, sum } = (trials ?? streams)[layer][head].step({ keys, values }, queries)
      for (let r = 0; r < rows; r++) scaled(attended, (r * heads + head) * d, sum.data, r * d, d, mass[r])
    }
  }

  /** Takes tokens from … from + rows − 1 through all layers; x then holds their last hidden states. */
  const pass = (ids: ArrayLike<number>, from: number, rows: number) => {
    embed(ids, from, rows)
    if (stream.unrotated) stillTable(table, rows, d)
    else rotaryTable(table, tokens, rows, d, ropeBase)
    for (const [l, layer] of weights.layers.entries()) {
      layerNorm(normed, x, rows, layer.attentionNorm, epsilon)
      product('nn', qkv, normed, layer.qkv, rows, width, stride)
      attend(l, rows)
      product('nn', x, attended, layer.project, rows, heads * d, width, true)
      layerNorm(normed, x, rows, layer.hiddenNorm, epsilon)
      product('nn', inner, normed, layer.up, rows, width, hidden)
      squareOrZero(inner, rows * hidden)
      product('nn', x, inner, layer.down, rows, hidden, width, true)
    }
    tokens += rows
  }

  return {
    streams,
    get tokens() {
      return tokens
    },
    get bytes() {
      return streams.flat().reduce((total, { bytes }) => total + bytes, 0)
    },
    get cacheBytes() {
      return 4 * 2 * d * heads * layers * tokens
    },
    read(ids, logits) {
      if (failure) throw new TypeError(`reader: cannot read on, ${failure}`)
      checkIds('reader', ids, vocabulary)
      const wanted = { all: ids.length, last: Math.min(1, ids.length), none: 0 }[logits]
      if (wanted === undefined)
        throw new RangeError(`reader: logits must be 'all', 'last' or 'none', got ${String(logits)}`)
      const first = ids.length - wanted // first of the rows wanted
      const out = new Float32Array(wanted * vocabulary)
      for (let from = 0; from < ids.length; from += BLOCK) {
        const rows = Math.min(BLOCK, ids.length - from)
        try {
          pass(ids, from, rows)
        } catch (error) {
          failure = 'a stream failed before'
          throw error
        }
        const skipped = Math.max(0, first - from)
        const count = rows - skipped
        if (count <= 0) continue
        layerNorm(normed, x.subarray(skipped * width), count, weights.lastNorm, epsilon)
        const at = (from + skipped - first) * vocabulary
        const own = out.subarray(at, at + count * vocabulary)
        product('nn', own, normed, weights.unembedding, count, width, vocabulary)
      }
      return { rows: wanted, cols: vocabulary, data: out }
    },
    tryOut(ids, logits) {
      if (!trials) before = previous
      trials ??= streams.map((layer) => layer.map(speculate))
      const out = this.read(ids, logits)
      tried.push(...Array.from(ids))
      return out
    },
    accept(count) {
      checkInteger('reader', 'count', count, 0, tried.length)
      for (const trial of (trials ?? []).flat()) trial.accept(count)
      tokens -= tried.length - count
      if (trials) previous = count > 0 ? tried[count - 1] : before
      trials = undefined
      tried = []
    },
    [Symbol.dispose]() {
      failure = 'it was disposed'
      for (const own of streams.flat() as readonly Partial<Disposable>[]) own[Symbol.dispose]?.()
    },
  }
}

// Loops stand in functions of their own: V8 would compile one of a longer function while it runs, leave that code behind it each time, and begin again.

/** `count` entries of a sum over its mass; zeros where there is none. */
function scaled(out: Float32Array, at: number, sum: Float32Array, from: number, count: number, mass: number): void {
  const inverse = mass > 0 ? 1 / mass : 0
  for (let c = 0; c < count; c++) out[at + c] = sum[from + c] * inverse
}

function squareOrZero(x: Float32Array, count: number): void {
  for (let i = 0; i < count; i++) x[i] = x[i] > 0 ? x[i] * x[i] : 0
}

function add(out: Float32Array, at: number, x: Float32Array, from: number, count: number): void {
  for (let c = 0; c < count; c++) out[at + c] += x[from + c]
}

function makeStreams(spec: HeadSpec, shape: Shape, layers: number, heads: number): AttentionStream[][] {
  if (typeof spec !== 'function') throw new TypeError('reader: stream must be a function of shape, layer and head')
  checkScale('reader', shape.scale)
  const streams = Array.from({ length: layers }, (_, layer) =>
    Array.from({ length: heads }, (_, head) => spec(shape, layer, head)),
  )
  if (new Set(streams.flat()).size < layers * heads)
    throw new RangeError('reader: every head must have a stream of its own')
  for (const { tokens, ...own } of streams.flat().map(({ d, dv, scale, tokens }) => ({ d, dv, scale, tokens }))) {
    if (tokens !== 0) throw new RangeError(`reader: streams must be empty, got one with ${tokens} tokens`)
    for (const name of ['d', 'dv', 'scale'] as const)
      if (own[name] !== shape[name])
        throw new RangeError(`reader: streams must have ${name} = ${shape[name]}, got ${own[name]}`)
  }
  return streams
}

/** Makes arrays for queries, keys and values of one head, which all layers and heads use in turn; new ones are made for another number of rows. */
function headScratch(d: number): (rows: number) => Pick<HeadBlock, 'queries' | 'keys' | 'values'> {
  const [queries, keys, values] = Array.from({ length: 3 }, () => new Float32Array(BLOCK * d))
  let views: Pick<HeadBlock, 'queries' | 'keys' | 'values'> | undefined
  return (rows) => {
    if (views?.keys.rows === rows) return views
    const first = (data: Float32Array): Matrix => ({ rows, cols: d, data: data.subarray(0, rows * d) })
    return (views = { queries: first(queries), keys: first(keys), values: first(values) })
  }
}
