import type { AttentionStream, Matrix, Shape } from '@sublinear/core'
import { exactStream } from '@sublinear/exact-attention'
import type { InferenceSession, Tensor } from 'onnxruntime-common'
import type { HeadCut } from './head-cut'
import { headScratch, layerAnswers, type HeadBlock } from './layer-answers'
import { ownHead, readHead } from './held-head'
import { keptOutputs } from './kept-outputs'
import type { LongBlocks } from './long-blocks'
import { shapeOf } from './model-layer'
import { rotaryFrequencies } from './rotary-frequencies'
import type { OpenLayer, OpenSegment } from './open-segments'
import { answerTensors, passingTensors } from './passing-tensors'
import { floatsOf, type Ort } from './ort'
import type { Cut } from './segments'
import { tokenInputs, type Step } from './token-inputs'

/**
 * Makes the stream in which a head keeps its past; every StreamSpec is one. Layers and key heads count from 0. Layers that have a window of their own do not ask
 * it, unless it has `windows`: they hold their window exactly.
 */
export type HeadSpec = ((shape: Shape, layer: number, head: number) => AttentionStream) & {
  readonly windows?: boolean | undefined
  /**
   * Whether streams get keys and queries before rotation, and `rotary` in their shape: positions are then their own, and a text may be longer than
   * the graph's tables.
   */
  readonly unrotated?: boolean | undefined
}

export interface OnnxReaderOptions {
  readonly stream: HeadSpec
  /** Called with the queries, keys and values of every head, before its stream gets them. The arrays are overwritten after the call: copy what you keep. */
  readonly onHead?: ((block: HeadBlock) => void) | undefined
}

/** A model that reads a text from the left. */
export interface OnnxReader extends Disposable {
  /** Number of tokens read so far. */
  readonly tokens: number
  /** Bytes that the streams of all heads hold. */
  readonly bytes: number
  /** Bytes that a float32 cache of all keys and values would hold. */
  readonly cacheBytes: number
  /** Streams of the heads, by layer and key head; a layer that reads another's keys has that layer's streams. */
  readonly streams: readonly (readonly AttentionStream[])[]
  /** Reads on; returns the logits after every token, after the last, or none: rows × vocabulary. Only one call at a time. */
  read(ids: ArrayLike<number>, logits: 'all' | 'last' | 'none'): Promise<Matrix>
}

/** The last linear map: the tensors that it reads and makes, by their names in its session. */
export interface OpenHead {
  readonly session: InferenceSession
  readonly hidden: string
  readonly logits: string
}

/** A model in the form that its readers share. */
export interface OpenModel {
  readonly ort: Ort
  readonly cut: Cut
  readonly segments: readonly OpenSegment[]
  /** Session of the last linear map, where the graph was cut before it. */
  readonly head?: OpenHead | undefined
  readonly headCut: HeadCut
  readonly layers: readonly OpenLayer[]
  readonly vocabulary: number
  /** Steps of exact streams that the runtime takes over, where it is faster. */
  readonly long?: LongBlocks | undefined
  /** Number of places in the rotary tables; Infinity without tables. */
  readonly places: number
}

/** Tokens in one pass through the segments. */
const BLOCK = 256

/**
 * Makes a reader.
 *
 * @param watch  sees each layer's answers, and the tensors of its segment, and says what the model reads in their place: for the check on opening
 */
export function onnxReader(
  model: OpenModel,
  { stream, onHead }: OnnxReaderOptions,
  watch?: (layer: OpenLayer, answers: Float32Array, rows: number, parts: readonly Float32Array[]) => Float32Array,
): OnnxReader {
  const { ort, cut, segments, head, headCut, layers, vocabulary, long } = model
  const isTurned = !stream?.unrotated
  const places = isTurned ? model.places : Infinity
  const streams = makeStreams(stream, layers)
  const isRead = new Set(layers.map(({ reads }) => reads))
  const held = streams.map((own, i) => own.map((stream) => (isRead.has(i) ? readHead(stream) : ownHead(stream, long))))
  const heldBy = ({ index, reads }: OpenLayer) => held[reads ?? index]
  const owned = layers.filter(({ reads }) => reads === undefined).flatMap(({ index }) => streams[index])
  const kept = keptOutputs()
  const answerOf = answerTensors(ort)
  const passes = passingTensors(model)
  const sharedBy = segments.map(({ makes }, i) =>
    makes.filter(({ tensor }) => passes[i].has(tensor)).map(({ port }) => port),
  )
  const scratch = headScratch()
  let tokens = 0
  let previous = -1
  let failure: string | undefined
  let isReading = false

  /** Runs one segment after another; returns what the last one makes. */
  const pass = async (ids: readonly number[]): Promise<Tensor> => {
    const rows = ids.length
    const step: Step = { ids, before: tokens, previous }
    const have: Record<string, Tensor> = {
      ...tokenInputs(ort, cut.inputs, step),
      ...cacheShapes(ort, cut, tokens, rows),
    }
    for (const [i, { session, reads, makes, layers: own }] of segments.entries()) {
      if (session) {
        const feeds: Record<string, Tensor> = {}
        for (const { tensor, port } of reads) feeds[port] = have[tensor]
        const isKept = rows === 1 || rows === BLOCK
        const shared = sharedBy[i]
        const made = await kept.run(session, feeds, isKept ? { key: `${i} ${rows}`, shared, turn: i % 2 } : undefined)
        for (const { tensor, port } of makes) have[tensor] = made[port]
      }
      for (const [at, layer] of own.entries()) {
        const parts = layer.tensors.map((name) => floatsOf(have[name]))
        const answers = answerOf(layer, rows, passes[i].has(layer.site.output) ? `${at}` : undefined)
        const out = answers.data as Float32Array
        await layerAnswers(layer, heldBy(layer), parts, { rows, before: tokens, scratch, isTurned, out }, onHead)
        const said = watch?.(layer, out, rows, parts)
        have[layer.site.output] = said ? new ort.Tensor('float32', said, answers.dims) : answers
      }
    }
    tokens += rows
    previous = ids[rows - 1]
    return have[headCut.hidden !== undefined && head ? headCut.hidden : headCut.logits]
  }

  /** Computes logits of the last rows of a block from what its last segment made. */
  const headOf = async (last: Tensor, count: number): Promise<Float32Array> => {
    const [, rows, width] = last.dims
    if (!head) return floatsOf(last).slice((rows - count) * vocabulary)
    const hidden = count === rows ? last : rowsOf(ort, last, rows - count, width)
    const out = await head.session.run({ [head.hidden]: hidden })
    return floatsOf(out[head.logits] as Tensor)
  }

  const check = (ids: ArrayLike<number>, logits: string) => {
    if (failure !== undefined) throw new TypeError(`onnxReader: cannot read on, ${failure}`)
    if (isReading) throw new TypeError('onnxReader: cannot read while another call reads')
    checkIds(ids, vocabulary)
    if (!['all', 'last', 'none'].includes(logits))
      throw new RangeError(`onnxReader: logits must be 'all', 'last' or 'none', got ${logits}`)
    if (tokens + ids.length > places)
      throw new RangeError(
        `onnxReader: the model's rotary tables end at ${places} tokens; ${tokens} are read, ${ids.length} more are too many`,
      )
  }

  return {
    streams,
    get tokens() {
      return tokens
    },
    get bytes() {
      return owned.reduce((total, { bytes }) => total + bytes, 0)
    },
    get cacheBytes() {
      return tokens * layers.reduce((total, layer) => total + tokenBytesOf(layer), 0)
    },
    async read(ids, logits) {
      check(ids, logits)
      isReading = true
      try {
        const wanted = { all: ids.length, last: Math.min(1, ids.length), none: 0 }[logits]
        const first = ids.length - wanted
        let out: Float32Array | undefined
        for (let from = 0; from < ids.length; from += BLOCK) {
          const rows = Math.min(BLOCK, ids.length - from)
          const last = await pass(Array.from({ length: rows }, (_, i) => ids[from + i]))
          const count = rows - Math.max(0, first - from)
          if (count <= 0) continue
          const own = await headOf(last, count)
          if (count === wanted) out = own // all that is wanted: not copied
          else (out ??= new Float32Array(wanted * vocabulary)).set(own, (from + rows - count - first) * vocabulary)
        }
        return { rows: wanted, cols: vocabulary, data: out ?? new Float32Array(0) }
      } catch (error) {
        failure = 'a call failed before'
        throw error
      } finally {
        isReading = false
      }
    },
    [Symbol.dispose]() {
      failure = 'it was disposed'
      kept.clear()
      for (const own of held.flat()) own[Symbol.dispose]()
      for (const own of owned as readonly Partial<Disposable>[]) own[Symbol.dispose]?.()
    },
  }
}

function makeStreams(spec: HeadSpec, layers: readonly OpenLayer[]): AttentionStream[][] {
  if (typeof spec !== 'function') throw new TypeError('onnxReader: stream must be a function of shape, layer and head')
  const streams: AttentionStream[][] = []
  for (const layer of layers)
    streams.push(
      layer.reads === undefined
        ? Array.from({ length: layer.kvHeads }, (_, head) => {
            const shape = spec.unrotated ? unrotatedShape(layer, head) : shapeOf(layer, head)
            return shape.window === undefined || spec.windows ? streamOf(spec, shape, layer, head) : exactStream(shape)
          })
        : streams[layer.reads],
    )
  const all = layers.flatMap(({ reads, index }) => (reads === undefined ? streams[index] : []))
  if (new Set(all).size < all.length) throw new RangeError('onnxReader: every head must have a stream of its own')
  for (const [i, { shape }] of layers.entries())
    for (const stream of streams[i]) {
      if (stream.tokens !== 0)
        throw new RangeError(`onnxReader: streams must be empty, got one with ${stream.tokens} tokens`)
      for (const name of ['d', 'dv', 'scale'] as const)
        if (stream[name] !== shape[name])
          throw new RangeError(
            `onnxReader: streams of layer ${i} must have ${name} = ${shape[name]}, got ${stream[name]}`,
          )
    }
  return streams
}

/** The stream of a head. @throws RangeError of the method; where it does not know soft caps, with the layer, and methods that do */
function streamOf(spec: HeadSpec, shape: Shape, { index, site }: OpenLayer, head: number): AttentionStream {
  try {
    return spec(shape, index, head)
  } catch (error) {
    if (shape.softcap === undefined || !(error instanceof RangeError) || !error.message.includes('softcap')) throw error
    throw new RangeError(
      `onnxReader: layer ${index} (${site.title}) caps its scores at ${shape.softcap}: ${error.message}; exactStream, quantised, autoStream, and tiers of sinks, window, farKeys and clusters know caps`,
      { cause: error },
    )
  }
}

/** The shape of a stream that turns keys itself. @throws RangeError when the graph turns them, or no frequencies explain its tables */
function unrotatedShape(layer: OpenLayer, head: number): Shape {
  const rotary = layer.rotary && rotaryFrequencies(layer.rotary)
  if (!rotary)
    throw new RangeError(
      `onnxReader: keys of layer ${layer.index} cannot come before rotation: ${layer.rotary ? 'its tables follow no frequencies' : 'the graph rotates them itself'}`,
    )
  return { ...shapeOf(layer, head), rotary }
}

/** The bytes of a token in a float32 cache of a layer. */
const tokenBytesOf = ({ reads, kvHeads, shape: { d, dv } }: OpenLayer) =>
  reads === undefined ? 4 * kvHeads * (d + dv) : 0

/** Makes the shapes of caches, which do not exist here. */
function cacheShapes({ Tensor: Made }: Ort, { shapes }: Cut, before: number, rows: number): Record<string, Tensor> {
  return Object.fromEntries(
    shapes.map(({ tensor, past: { dims }, isPresent, from, to }) => {
      const whole = [1, dims![1], before + (isPresent ? rows : 0), dims![3]].map(Number).slice(from, to)
      return [tensor, new Made('int64', BigInt64Array.from(whole, BigInt), [whole.length])]
    }),
  )
}

function rowsOf({ Tensor: Made }: Ort, { data, dims }: Tensor, first: number, width: number): Tensor {
  const part = (data as Float32Array).slice(first * width)
  return new Made('float32', part, [1, dims[1] - first, width])
}

function checkIds(ids: ArrayLike<number>, vocabulary: number): void {
  if (typeof ids !== 'object' || ids === null || !Number.isInteger(ids.length))
    throw new TypeError(`onnxReader: ids must be a list of token ids, got ${String(ids)}`)
  for (let i = 0; i < ids.length; i++)
    if (!(Number.isInteger(ids[i]) && ids[i] >= 0 && ids[i] < vocabulary))
      throw new RangeError(
        `onnxReader: ids must be integers from 0 to ${vocabulary - 1}, got ${String(ids[i])} at position ${i}`,
      )
}
