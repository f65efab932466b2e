import { floatPorts } from './float-ports'
import type { FoundAttention } from './found-attention'
import { graphFacts, type GraphFacts } from './graph-facts'
import type { OrderedGraph } from './graph-order'
import { headCut } from './head-cut'
import { longBlocks } from './long-blocks'
import { maskRules } from './mask-rule'
import { modelLayer } from './model-layer'
import type { KnownFacts } from './opening-proof'
import { openSegments } from './open-segments'
import { ONCE, sessionOf, type Runtime } from './ort'
import type { OpenHead, OpenModel } from './reader'
import { cutGraph } from './segments'
import { checkShared } from './shared-keys'
import { subGraph } from './sub-graph'

/**
 * Cuts a graph at its attentions and opens the parts.
 *
 * @param isMapped  whether weights stay pages of their files; isChecked  whether the whole graph is run, so that the parts can be compared with it
 * @param known  facts of the whole graph, of an opening before: its session is not opened, and nothing is run to be compared
 * @throws RangeError that names what in the graph is not supported
 */
export async function openModel(
  { runtime, graph, sites, caches }: FoundAttention,
  { isMapped, isChecked }: { readonly isMapped: boolean; readonly isChecked: boolean },
  known?: KnownFacts,
): Promise<{ readonly open: OpenModel; readonly facts: GraphFacts; readonly release: () => Promise<void> }> {
  const found = headCut(graph, caches)
  const ends = known ? [known.hasRows ? found.hidden : found.logits] : [found.hidden, found.logits]
  const cuts = new Map(ends.flatMap((end) => (end === undefined ? [] : [[end, cutGraph(graph, sites, end)]])))
  const facts = await graphFacts(runtime, graph, sites, [...cuts.values()], found, isChecked, known)
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

  const extra = isMapped && !facts.isRounded ? ONCE : {} // maps of four bits that are not packed take fifty times as long
  const hidden = facts.hasRows ? found.hidden : undefined
  const cut = cuts.get(hidden ?? found.logits)!
  const segments = await openSegments(runtime, cut, layers, facts.types, extra)
  const long = longBlocks(runtime)
  let head: OpenHead | undefined
  const release = async () => {
    await Promise.all([...segments.map((own) => own.session?.release()), head?.session.release(), long?.release()])
  }
  try {
    if (hidden !== undefined) head = await openHead(runtime, graph, hidden, found.logits, facts.types, extra)
  } catch (error) {
    await release()
    throw error
  }
  const open: OpenModel = {
    ort: runtime.ort,
    cut,
    segments,
    headCut: found,
    vocabulary: facts.vocabulary,
    layers: segments.flatMap((own) => own.layers).toSorted((a, b) => a.index - b.index),
    long,
    places: Math.min(Infinity, ...layers.flatMap(({ rotary }) => (rotary ? [rotary.places] : []))),
    ...(head && { head }),
  }
  return { open, facts, release }
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
