import type { InferenceSession } from 'onnxruntime-common'
import type { AttentionSite } from './attention-site'
import { findAttention } from './find-attention'
import { orderedGraph, type OrderedGraph } from './graph-order'
import { filesInMemory, type ModelFiles } from './model-files'
import { withNormsOutside } from './norms-outside'
import type { Ort, Runtime } from './ort'
import { readModel } from './read-model'
import { withCacheOutputs } from './shared-keys'

/** A graph, and the places where it attends. */
export interface FoundAttention {
  readonly runtime: Runtime
  readonly graph: OrderedGraph
  readonly sites: readonly AttentionSite[]
  /** Names of the cache's inputs and outputs. */
  readonly caches: ReadonlySet<string>
}

/**
 * Reads a model's graph and finds the attentions in it.
 *
 * @param model  the bytes of a graph, or its files
 * @throws TypeError when ort is no onnxruntime; RangeError as readModel and findAttention do
 */
export function foundAttention(
  who: string,
  model: Uint8Array | ModelFiles,
  ort: Ort,
  session: InferenceSession.SessionOptions,
): FoundAttention {
  if (typeof ort?.InferenceSession?.create !== 'function')
    throw new TypeError(`${who}: ort must be onnxruntime-node or onnxruntime-web`)
  const files = model instanceof Uint8Array ? filesInMemory(model) : model
  const file = readModel(files)
  const graph = orderedGraph(withNormsOutside(withCacheOutputs(file.graph)))
  const sites = findAttention(graph)
  const caches = new Set(sites.flatMap(({ past, present }) => [...past, ...present]))
  return { runtime: { ort, files, model: file, session }, graph, sites, caches }
}
