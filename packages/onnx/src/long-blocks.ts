import { addSink, type AttentionStream, type KvBlock, type Matrix, type PartialSoftmax } from '@sublinear/core'
import { exactStream, type ExactStream } from '@sublinear/exact-attention'
import type { InferenceSession, Tensor } from 'onnxruntime-common'
import type { Runtime } from './ort'
import { newNode, openValue, writeModel } from './write-model'
import { messageWriter } from './wire-writer'

/** Steps of exact streams over many older tokens, whose products the user's onnxruntime takes. */
export interface LongBlocks {
  /** Whether a step is one of them: of a stream whose tokens can be read, seen by scores alone, many of them, by a block of some rows. */
  takes(stream: AttentionStream, rows: number): stream is ExactStream
  /** The stream's `step`, which answers in `out`, a partial of empty rows. */
  step(stream: ExactStream, block: KvBlock, queries: Matrix, out: PartialSoftmax): Promise<PartialSoftmax>
  /** Lets its sessions go. */
  release(): Promise<void>
}

/** Arrays of one step: a partial softmax that is read, one that is written, scaled queries, and a piece of keys and values. */
interface Work {
  readonly rows: number
  readonly d: number
  readonly dv: number
  readonly asked: Tensor
  readonly keys: Float32Array
  readonly values: Float32Array
  readonly held: Readonly<Record<'max' | 'mass' | 'sum', Tensor>>
  readonly next: Readonly<Record<'max' | 'mass' | 'sum', Tensor>>
}

/** Tokens of a block, and older ones, from which on it is worth a run of a session a few hundred tokens. */
const LEAST_ROWS = 32
const LEAST_OLD = 256
/** Scores of one run, and the fewest and the most tokens that make them: 2 MB lie in the caches of most machines. */
const SCORES = 2 ** 19
const LEAST = 256
const MOST = 4096

/**
 * Long blocks by onnxruntime-node, whose products use the machine's widest vectors, where WebAssembly's have four floats. Undefined for another runtime: its products are
 * WebAssembly too.
 *
 * Older tokens come in pieces, each of which continues a partial softmax, so that no more scores than SCORES lie in memory; the block's own tokens are the stream's kind of work.
 * Guarantee: as exactStream, to rounding. Cost: 2·(d + dv) operations a query and token, at the runtime's rate.
 */
export function longBlocks({ ort, files, model, session: options }: Runtime): LongBlocks | undefined {
  if (!('listSupportedBackends' in ort)) return undefined // onnxruntime-node has it, onnxruntime-web has not
  const sessions = new Map<boolean, Promise<InferenceSession>>()
  const sessionOf = (isCapped: boolean) => {
    const made =
      sessions.get(isCapped) ??
      ort.InferenceSession.create(writeModel(files, { ...model, header: header() }, partialSoftmax(isCapped)), {
        enableCpuMemArena: false, // an arena grows by tens of megabytes, and the runs take as long
        ...options,
      })
    sessions.set(isCapped, made)
    return made
  }
  const tensor = (data: Float32Array, ...dims: number[]): Tensor => new ort.Tensor('float32', data, dims)
  /** Arrays that no step uses now: steps of two readers may overlap. */
  const free: Work[] = []
  const taken = (rows: number, d: number, dv: number): Work => {
    const found = free.findIndex((own) => own.rows === rows && own.d === d && own.dv === dv)
    return found < 0 ? makeWork(rows, d, dv) : free.splice(found, 1)[0]
  }
  const makeWork = (rows: number, d: number, dv: number): Work => {
    const most = mostTokens(rows)
    const partial = () => ({
      max: tensor(new Float32Array(rows), rows, 1),
      mass: tensor(new Float32Array(rows), rows, 1),
      sum: tensor(new Float32Array(rows * dv), rows, dv),
    })
    const asked = tensor(new Float32Array(rows * d), rows, d)
    const [keys, values] = [new Float32Array(most * d), new Float32Array(most * dv)]
    return { rows, d, dv, asked, keys, values, held: partial(), next: partial() }
  }
  return {
    takes: (stream, rows): stream is ExactStream => {
      const { window, slope, rotary, values } = stream.head ?? {}
      const isPlain = [window, slope, rotary, values].every((feature) => feature === undefined)
      return isPlain && rows >= LEAST_ROWS && stream.tokens >= LEAST_OLD && 'tokensFrom' in stream
    },
    async step(stream, block, queries, out) {
      const { d, dv, scale, tokens, head: { softcap, sinkLogit } = {} } = stream
      const { rows } = queries
      const session = await sessionOf(softcap !== undefined)
      const work = taken(rows, d, dv)
      let { held, next } = work // one is read and the other written, in turn
      floats(held.max).fill(-Infinity)
      floats(held.mass).fill(0)
      floats(held.sum).fill(0)
      scaleInto(floats(work.asked), queries.data, scale)
      const cap = softcap === undefined ? {} : { cap: tensor(Float32Array.of(softcap), 1) }
      const most = mostTokens(rows)
      for (let at = 0; at < tokens; at += most) {
        const count = Math.min(most, tokens - at)
        const [k, v] = [work.keys.subarray(0, count * d), work.values.subarray(0, count * dv)]
        stream.tokensFrom(at, k, v)
        const before = { heldMax: held.max, heldMass: held.mass, heldSum: held.sum }
        await session.run(
          { queries: work.asked, keys: tensor(k, count, d), values: tensor(v, count, dv), ...before, ...cap },
          { ...next },
        )
        ;[held, next] = [next, held]
      }
      out.max.set(floats(held.max))
      out.mass.set(floats(held.mass))
      out.sum.data.set(floats(held.sum))
      if (free.length < MOST_FREE) free.push(work)
      const own = exactStream({ d, dv, scale, softcap })
      try {
        own.step(block, queries, out)
      } finally {
        own[Symbol.dispose]()
      }
      if (sinkLogit !== undefined) addSink(out, sinkLogit)
      stream.push(block)
      return out
    },
    async release() {
      await Promise.all([...sessions.values()].map(async (made) => (await made).release()))
    },
  }
}

/** Versions of a model of our own: operators whose axes are attributes. */
function header(): Uint8Array {
  return messageWriter().number(1, 7).bytes(8, messageWriter().number(2, 12).finish()).finish()
}

const node = (op: string, inputs: string[], output: string, ints?: Readonly<Record<string, readonly number[]>>) =>
  newNode(op, { inputs, outputs: [output], ints })

const floats = ({ data }: Tensor) => data as Float32Array

/** The number of older tokens of one run. */
const mostTokens = (rows: number) => Math.min(MOST, Math.max(LEAST, Math.floor(SCORES / rows)))

/** Numbers of arrays of a step that are kept for the next. */
const MOST_FREE = 4

function scaleInto(out: Float32Array, data: Float32Array, scale: number): void {
  for (let i = 0; i < out.length; i++) out[i] = scale * data[i]
}

/** The partial softmax of every query, held ones continued over more keys. */
function partialSoftmax(isCapped: boolean) {
  const capped = [
    node('Div', ['plain', 'cap'], 'part'),
    node('Tanh', ['part'], 'bent'),
    node('Mul', ['bent', 'cap'], 'scores'),
  ]
  const given = ['queries', 'keys', 'values', 'heldMax', 'heldMass', 'heldSum']
  return {
    nodes: [
      node('Transpose', ['keys'], 'columns'),
      node('MatMul', ['queries', 'columns'], isCapped ? 'plain' : 'scores'),
      ...(isCapped ? capped : []),
      node('ReduceMax', ['scores'], 'top', { axes: [1] }),
      node('Max', ['top', 'heldMax'], 'max'),
      node('Sub', ['scores', 'max'], 'below'),
      node('Exp', ['below'], 'shares'),
      node('Sub', ['heldMax', 'max'], 'fall'),
      node('Exp', ['fall'], 'factor'),
      node('ReduceSum', ['shares'], 'newMass', { axes: [1] }),
      node('Mul', ['heldMass', 'factor'], 'oldMass'),
      node('Add', ['oldMass', 'newMass'], 'mass'),
      node('MatMul', ['shares', 'values'], 'newSum'),
      node('Mul', ['heldSum', 'factor'], 'oldSum'),
      node('Add', ['oldSum', 'newSum'], 'sum'),
    ],
    tensors: [],
    inputs: [...given, ...(isCapped ? ['cap'] : [])].map((name) => openValue(name)),
    outputs: ['max', 'mass', 'sum'].map((name) => openValue(name)),
  }
}
