import { checkObject } from '@sublinear/core'
import type { InferenceSession } from 'onnxruntime-common'
import { floatPorts } from './float-ports'
import { foundAttention } from './found-attention'
import type { OrderedGraph } from './graph-order'
import { headCut } from './head-cut'
import { maskRules } from './mask-rule'
import type { ModelFiles } from './model-files'
import { longBlocks } from './long-blocks'
import { modelLayer, type ModelLayer } from './model-layer'
import { graphFacts } from './graph-facts'
import { checkOpened } from './open-check'
import { ownAttention } from './own-attention'
import { openSegments } from './open-segments'
import { ONCE, sessionOf, type Ort, type Runtime } from './ort'
import { onnxReader, type OnnxReader, type OnnxReaderOptions, type OpenHead, type OpenModel } from './reader'
import { cutGraph } from './segments'
import { checkShared } from './shared-keys'
import { subGraph } from './sub-graph'
import type { AttentionSite } from './attention-site'

export interface OnnxModelOptions {
  /** The bytes of a model, or its files: `filesInFolder` of `@sublinear/onnx/node`, `filesInMemory`. */
  readonly model: Uint8Array | ModelFiles
  /** onnxruntime-node or onnxruntime-web, as the user has imported it. */
  readonly ort: Ort
  /** Options of every session, such as threads and execution providers. */
  readonly session?: InferenceSession.SessionOptions | undefined
  /**
   * Memory of weights. 'mapped': they stay pages of their files and are not packed; the model opens at once and holds little, but runs a fifth
   * slower. Graphs with weights in four bits (MatMulNBits) are packed all the same, since they would run fifty times slower. Default 'packed'.
   */
  readonly memory?: 'packed' | 'mapped' | undefined
}

/** Heads of one layer, as the graph has them. */
export type LayerHeads = Pick<ModelLayer, 'heads' | 'kvHeads' | 'groups' | 'shape'> & {
  readonly dialect: AttentionSite['dialect']
  /** A logit without a value for each query head: those of a key head are the `sinkLogit` of its stream's shape. */
  readonly sinks?: readonly number[] | undefined
  /** Number of the layer whose keys, values and streams it reads. Absent: it has its own. */
  readonly reads?: number | undefined
}

/** A decoder that is cut where it attends. */
export interface OnnxModel {
  readonly layers: readonly LayerHeads[]
  readonly vocabulary: number
  /** Number of places in the graph's rotary tables; Infinity where it has no tables. */
  readonly places: number
  /** Makes a reader, which reads a text from the left: every key head keeps its past in a stream of its own. */
  reader(options: OnnxReaderOptions): OnnxReader
  /** Releases the sessions. */
  release(): Promise<void>
}

/**
 * Opens an ONNX model whose heads read their past through streams: its own graph computes everything except attention.
 *
 * Guarantee: with exactStream, the logits of the whole graph up to rounding. Scales, caps, masks and tables are found by running the graph, not by its form.
 * Cost: a session for each segment (layers + 1, and the last linear map), which read the weights from the model's files: as much memory as the whole graph, and
 *   as long to open, plus the check: one run of 16 tokens and three of few.
 *
 * @throws TypeError when ort is no onnxruntime; RangeError that names what in the graph is not supported, or the first layer whose answers over 16 tokens
 *   differ from those of the runtime's own attention
 * @example
 * const ort = await import('onnxruntime-node')
 * const model = await onnxModel({ model: filesInFolder('packages/onnx/test/data/tiny.onnx'), ort })
 * model.layers.length // 2
 */
export async function onnxModel(options: OnnxModelOptions): Promise<OnnxModel> {
  const { model, ort, session = {}, memory = 'packed' } = checkObject('onnxModel', options)
  const who = 'onnxModel'
  if (memory !== 'packed' && memory !== 'mapped')
    throw new RangeError(`${who}: memory must be 'packed' or 'mapped', got ${String(memory)}`)
  const { runtime, graph, sites, caches } = foundAttention(who, model, ort, session)
  const found = headCut(graph, caches)
  const cuts = new Map(
    [found.hidden, found.logits].flatMap((end) => (end === undefined ? [] : [[end, cutGraph(graph, sites, end)]])),
  )
  const facts = await graphFacts(runtime, graph, sites, [...cuts.values()], found)
  const rules = await maskRules(runtime, graph, sites, caches)
  const layers = sites.map((site) => modelLayer(site, facts, rules.get(site)))
  for (const layer of layers) {
    const { source } = layer.site
    if (source)
      checkShared(
        layer,
        layers.find(({ site }) => site === source)!,
        facts.shapes,
      )
  }

  const extra = memory === 'mapped' && !facts.isRounded ? ONCE : {} // maps of four bits that are not packed take fifty times as long
  const hidden = facts.hasRows ? found.hidden : undefined
  const cut = cuts.get(hidden ?? found.logits)!
  const segments = await openSegments(runtime, cut, layers, facts.types, extra)
  const head =
    hidden === undefined ? undefined : await openHead(runtime, graph, hidden, found.logits, facts.types, extra)
  const open: OpenModel = {
    ort,
    cut,
    segments,
    headCut: found,
    vocabulary: facts.vocabulary,
    layers: segments.flatMap((own) => own.layers).toSorted((a, b) => a.index - b.index),
    long: longBlocks(runtime),
    places: Math.min(Infinity, ...layers.flatMap(({ rotary }) => (rotary ? [rotary.places] : []))),
    ...(head && { head }),
  }
  const release = async () => {
    await Promise.all([...segments.map((own) => own.session.release()), head?.session.release(), open.long?.release()])
  }
  try {
    const attention = await ownAttention(runtime, graph, open.layers, facts)
    await checkOpened(open, attention, facts).finally(() => attention.release())
  } catch (error) {
    await release()
    throw error
  }
  return {
    layers: open.layers.map(({ heads, kvHeads, groups, shape, sinks, reads, site: { dialect } }) => ({
      heads,
      kvHeads,
      groups,
      shape,
      dialect,
      ...(sinks && { sinks: Array.from(sinks) }),
      ...(reads !== undefined && { reads }),
    })),
    vocabulary: facts.vocabulary,
    places: open.places,
    reader: (options) => onnxReader(open, options),
    release,
  }
}

/** Opens the last linear map alone. */
async function openHead(
  runtime: Runtime,
  graph: OrderedGraph,
  hidden: string,
  logits: string,
  types: ReadonlyMap<string, number>,
  extra: Readonly<Record<string, string>>,
): Promise<OpenHead> {
  const value = (name: string) => ({ name, type: types.get(name)! })
  const own = {
    ...subGraph(graph, [logits], new Set([hidden])).part,
    inputs: [value(hidden)],
    outputs: [value(logits)],
  }
  const { part, ports } = floatPorts(own)
  return { session: await sessionOf(runtime, part, extra), hidden: ports.get(hidden)!, logits: ports.get(logits)! }
}
