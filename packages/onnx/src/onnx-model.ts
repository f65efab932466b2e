import { checkObject } from '@sublinear/core'
import type { InferenceSession } from 'onnxruntime-common'
import type { AttentionSite } from './attention-site'
import { foundAttention } from './found-attention'
import { factNames } from './graph-facts'
import type { ModelFiles } from './model-files'
import type { ModelLayer } from './model-layer'
import { checkOpened } from './open-check'
import { openModel } from './open-model'
import { openingProof, provenFacts } from './opening-proof'
import { openingStamp } from './opening-stamp'
import type { Ort } from './ort'
import { onnxReader, type OnnxReader, type OnnxReaderOptions } from './reader'

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
  /**
   * Whether 16 tokens are run whole and in segments, and a model whose answers differ is refused. The `proof` of an opening before spares this, as long as it is of the same
   * files, runtime and options. Default true.
   */
  readonly check?: boolean | string | undefined
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
  /** A text that says which model passed the check where and how, for `check` of later openings. Absent: nothing was checked, or the runtime tells no version. */
  readonly proof?: string | undefined
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
 *   1.05 to 1.4 times as long to open. The check costs a session of the whole graph, which is released before any segment is opened, and two runs of 16 tokens: up to
 *   2.8 times as long in all. With the proof of an opening before, it costs reading 64 bytes of each weight. Rotary tables stay in the files, which must be there as
 *   long as the model is used.
 *
 * @throws TypeError when ort is no onnxruntime; RangeError that names what in the graph is not supported, or the first layer whose answers over 16 tokens
 *   differ from those of the whole graph
 * @example
 * const ort = await import('onnxruntime-node')
 * const model = await onnxModel({ model: filesInFolder('packages/onnx/test/data/tiny.onnx'), ort })
 * model.layers.length // 2
 */
export async function onnxModel(options: OnnxModelOptions): Promise<OnnxModel> {
  const { model, ort, session = {}, memory = 'packed', check = true } = checkObject('onnxModel', options)
  const who = 'onnxModel'
  if (memory !== 'packed' && memory !== 'mapped')
    throw new RangeError(`${who}: memory must be 'packed' or 'mapped', got ${String(memory)}`)
  if (typeof check !== 'boolean' && typeof check !== 'string')
    throw new RangeError(`${who}: check must be true, false or the proof of an opening before, got ${String(check)}`)
  const found = foundAttention(who, model, ort, session)
  const stamp = check === false ? undefined : openingStamp(found.runtime, memory)
  const known = typeof check === 'string' && stamp !== undefined ? provenFacts(check, stamp) : undefined
  const how = { isMapped: memory === 'mapped', isChecked: check !== false }
  const { open, facts, release } = await openModel(found, how, known)
  try {
    if (facts.truth) await checkOpened(open, facts.truth, facts.isRounded)
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
    ...(stamp !== undefined && { proof: openingProof(stamp, factNames(found.sites, [open.cut], open.headCut), facts) }),
    reader: (options) => onnxReader(open, options),
    release,
  }
}
