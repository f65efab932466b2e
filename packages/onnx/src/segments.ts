import type { AttentionSite } from './attention-site'
import { readsOf, type OnnxNode, type OnnxValue } from './graph'
import type { OrderedGraph } from './graph-order'
import { notSupported } from './refuse'
import { tensorsOf } from './sub-graph'
import { isTokenInput } from './token-inputs'
import type { Part } from './write-model'

/** A part of the graph between attentions, which runs once for each block of tokens. */
export interface Segment {
  readonly part: Omit<Part, 'inputs'>
  /** Tensors that it reads: inputs of the graph, tensors of earlier segments, answers of attention. */
  readonly reads: readonly string[]
  readonly makes: readonly string[]
  /** Attentions whose queries, keys and values are complete after it. */
  readonly sites: readonly AttentionSite[]
}

/** The shape of a cache, which some graphs read; it is known without the cache. */
export interface CacheShape {
  /** The tensor that holds the shape, or a part of it. */
  readonly tensor: string
  /** An input of the graph: its past. */
  readonly past: OnnxValue
  /** Whether the new tokens count, too. */
  readonly isPresent: boolean
  readonly from: number
  readonly to: number
}

export interface Cut {
  readonly segments: readonly Segment[]
  readonly inputs: readonly OnnxValue[]
  readonly shapes: readonly CacheShape[]
}

/**
 * Cuts a graph at its attentions. Nodes that only the attentions need (scores, masks, caches) are left out.
 *
 * Guarantee: segments run in order, each after the attentions of those before it, make `result` as the whole graph does.
 *
 * @param result  the tensor that the last segment makes
 * @throws RangeError when an attention reads constants, or the remaining nodes read the values of a cache, or an input that a text decoder does not have
 */
export function cutGraph(graph: OrderedGraph, sites: readonly AttentionSite[], result: string): Cut {
  const stage = stagesOf(graph, sites)
  for (const { title, source, inputs } of sites) {
    if (inputs.some((name) => graph.constant.has(name)))
      throw notSupported(title, 'queries, keys or values that no token makes')
    if (source && stage.get(inputs[0])! < stage.get(source.output)!)
      throw notSupported(title, 'queries that are there before the keys of the other layer that they are for')
  }
  const answers = new Map(sites.map((site) => [site.output, site]))
  const shapes = cacheShapes(graph, sites)
  const given = new Set([...graph.inputs.map(({ name }) => name), ...shapes.keys(), ...answers.keys()])

  const wanted = new Set([result, ...sites.flatMap(({ inputs }) => inputs)])
  const needed = new Set(wanted)
  const kept: OnnxNode[] = []
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some((name) => needed.has(name) && !given.has(name))) continue
    kept.push(node)
    for (const name of readsOf(node)) needed.add(name)
  }
  checkReads(graph, sites, kept, given, shapes)

  const last = stage.get(result) ?? 0
  const nodesOf: OnnxNode[][] = Array.from({ length: last + 1 }, () => [])
  const isConstant = (name: string) => graph.constant.has(name)
  const lastRead = new Map<string, number>()
  for (const node of kept.toReversed()) {
    const own = stage.get(node.outputs.find((name) => name !== '')!)!
    if (own > last || node.outputs.every(isConstant)) continue
    nodesOf[own].push(node)
    for (const name of readsOf(node)) lastRead.set(name, Math.max(own, lastRead.get(name) ?? 0))
  }
  const segments = nodesOf.map((nodes, i) =>
    segmentOf(graph, withConstants(graph, nodes), i, { stage, sites, wanted, lastRead }),
  )
  const used = new Set(segments.flatMap(({ reads }) => reads))
  return {
    segments,
    inputs: graph.inputs.filter(({ name }) => used.has(name)),
    shapes: [...shapes.values()].filter(({ tensor }) => used.has(tensor)),
  }
}

/** The number of attentions before each tensor, on the longest path. */
function stagesOf({ nodes, inputs, tensors }: OrderedGraph, sites: readonly AttentionSite[]): Map<string, number> {
  const answers = new Map(sites.map((site) => [site.output, site]))
  const stage = new Map([...inputs.map(({ name }) => name), ...tensors.keys()].map((name) => [name, 0]))
  for (const node of nodes) {
    const own = Math.max(0, ...readsOf(node).map((name) => stage.get(name)!))
    for (const name of node.outputs) {
      const site = answers.get(name)
      stage.set(name, site ? 1 + Math.max(...site.inputs.map((input) => stage.get(input)!)) : own)
    }
  }
  return stage
}

/** The shape nodes that read a cache. */
function cacheShapes({ nodes, inputs }: OrderedGraph, sites: readonly AttentionSite[]): Map<string, CacheShape> {
  const pasts = new Map(inputs.map((value) => [value.name, value]))
  const found = new Map<string, CacheShape>()
  const holders = new Map<string, { past: OnnxValue; isPresent: boolean }>()
  for (const { past, present } of sites)
    for (const [i, name] of past.entries()) {
      const value = pasts.get(name)
      if (!value) continue
      holders.set(name, { past: value, isPresent: false })
      if (present[i] !== undefined) holders.set(present[i], { past: value, isPresent: true })
    }
  for (const {
    op,
    inputs: [input],
    outputs: [tensor],
    attributes,
  } of nodes) {
    const holder = op === 'Shape' ? holders.get(input) : undefined
    if (!holder) continue
    const from = fromFront(attributes.get('start')?.int ?? 0)
    found.set(tensor, { tensor, ...holder, from, to: fromFront(attributes.get('end')?.int ?? 4) })
  }
  return found
}

/** Makes an index into the four dimensions of a cache count from the front. */
const fromFront = (i: number) => (i < 0 ? i + 4 : i)

function checkReads(
  graph: OrderedGraph,
  sites: readonly AttentionSite[],
  kept: readonly OnnxNode[],
  given: ReadonlySet<string>,
  shapes: ReadonlyMap<string, CacheShape>,
): void {
  const caches = new Set(sites.flatMap(({ past, present }) => [...past, ...present]))
  const inputs = new Set(graph.inputs.map(({ name }) => name))
  for (const node of kept)
    for (const name of readsOf(node)) {
      if (shapes.has(name)) continue
      if (caches.has(name)) throw notSupported(`${node.op} ${node.name}`, `it reads the cache ${name}`)
      if (given.has(name) && inputs.has(name) && !isTokenInput(name))
        throw notSupported(
          `the input ${name}`,
          'it is none that a decoder of text has, and no cache of keys and values',
        )
    }
}

/** Adds to nodes, in front, those that make the constants that they read. */
function withConstants({ nodes: all, maker, constant }: OrderedGraph, nodes: readonly OnnxNode[]): OnnxNode[] {
  const more = new Set<OnnxNode>()
  const visit = (name: string) => {
    const made = constant.has(name) ? maker.get(name) : undefined
    if (!made || more.has(made)) return
    more.add(made)
    for (const read of readsOf(made)) visit(read)
  }
  for (const node of nodes) for (const name of readsOf(node)) visit(name)
  return more.size === 0 ? [...nodes] : [...all.filter((node) => more.has(node)), ...nodes]
}

function segmentOf(
  graph: OrderedGraph,
  nodes: readonly OnnxNode[],
  i: number,
  {
    stage,
    sites,
    wanted,
    lastRead,
  }: {
    readonly stage: ReadonlyMap<string, number>
    readonly sites: readonly AttentionSite[]
    readonly wanted: ReadonlySet<string>
    /** The last segment whose nodes read a tensor. */
    readonly lastRead: ReadonlyMap<string, number>
  },
): Segment {
  const made = new Set(nodes.flatMap(({ outputs }) => outputs))
  const read = new Set(nodes.flatMap(readsOf))
  const isLater = (name: string) => (lastRead.get(name) ?? 0) > i
  const makes = [...made].filter(
    (name) => name !== '' && (wanted.has(name) || (isLater(name) && !graph.constant.has(name))),
  )
  const reads = [...read].filter((name) => !made.has(name) && !graph.tensors.has(name))
  return {
    part: { nodes, tensors: tensorsOf(graph, read), outputs: makes.map((name) => ({ name, type: 0 })) },
    reads,
    makes,
    sites: sites.filter((site) => stage.get(site.output) === i + 1),
  }
}
