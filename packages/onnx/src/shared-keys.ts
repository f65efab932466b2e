import type { AttentionSite } from './attention-site'
import type { OnnxGraph, OnnxNode } from './graph'
import type { GraphFacts } from './graph-facts'
import type { ModelLayer } from './model-layer'
import { notSupported } from './refuse'
import { messageWriter } from './wire-writer'

/**
 * Adds outputs for the cache to every GroupQueryAttention that reads another layer's cache: onnxruntime 1.30 reads beyond its arrays on CPUs where these outputs
 * are left out.
 */
export function withCacheOutputs(graph: OnnxGraph): OnnxGraph {
  const given = new Set(graph.inputs.map(({ name }) => name))
  const nodes = graph.nodes.map((node) => {
    const { op, inputs, outputs } = node
    const past = inputs[3]
    if (op !== 'GroupQueryAttention' || !past || given.has(past) || outputs.length !== 1) return node
    const more = ['key', 'value'].map((part) => `${outputs[0]}/shared.${part}`)
    return withOutputs(node, more)
  })
  return { ...graph, nodes }
}

/** A node with more outputs: repeated fields of a message may be appended to it. */
function withOutputs(node: OnnxNode, more: readonly string[]): OnnxNode {
  const writer = messageWriter().raw(node.bytes)
  for (const name of more) writer.text(2, name)
  return { ...node, outputs: [...node.outputs, ...more], bytes: writer.finish() }
}

/**
 * Adds to each site without keys and values of its own the site whose keys and values it reads.
 *
 * @throws RangeError when a past is neither an input of the graph nor what an attention before makes
 */
export function withSources(sites: readonly AttentionSite[]): AttentionSite[] {
  const found: AttentionSite[] = []
  for (const site of sites) {
    if (!site.none) {
      found.push(site)
      continue
    }
    const source = found.find(({ present }) => present.length === 2 && present.every((own, i) => own === site.past[i]))
    if (!source) throw notSupported(site.title, 'keys and values that no attention before it makes')
    // a layer that reads a layer that reads a third one reads the third
    found.push({ ...site, source: source.source ?? source })
  }
  return found
}

/**
 * Refuses a layer that would see other tokens of the shared stream than the layer that owns it, or give them other weights.
 *
 * @param shapes  sizes of the graph's tensors
 */
export function checkShared(layer: ModelLayer, source: ModelLayer, shapes: GraphFacts['shapes']): void {
  const { site, shape } = layer
  if (site.none!.some((name) => shapes.get(name)![1] !== 0))
    throw notSupported(site.title, 'keys of its own behind those of another layer')
  const differs =
    (['kvHeads', 'groups'] as const).find((name) => layer[name] !== source[name]) ??
    (['d', 'dv', 'scale', 'softcap', 'window'] as const).find((name) => shape[name] !== source.shape[name])
  if (differs) throw notSupported(site.title, `keys of another layer, of another ${differs}`)
  if (layer.sinks ?? source.sinks) throw notSupported(site.title, 'keys of another layer, with sinks')
  const [own, other] = [site.rotary, source.site.rotary]
  if (own?.cos !== other?.cos || own?.sin !== other?.sin || own?.isInterleaved !== other?.isInterleaved)
    throw notSupported(site.title, 'keys of another layer, turned by other tables')
}
