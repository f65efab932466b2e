import { readsOf, type OnnxNode, type OnnxTensor } from './graph'
import type { OrderedGraph } from './graph-order'
import { newNode, openValue, type Part } from './write-model'

/** Name, in a part, of a wanted tensor that no node makes. */
const copyOf = (name: string) => `${name}/copy`

/** The part of a graph that computes some of its tensors; other nodes are left out. */
export interface SubGraph {
  readonly part: Part
  /** The name that a wanted tensor has in the part. */
  readonly nameOf: (tensor: string) => string
}

/**
 * Finds the part of a graph that computes the wanted tensors.
 *
 * @param wanted  tensors; constants and inputs, too
 * @param given  tensors that the part is given and need not make
 * @throws RangeError when one of them is unknown
 */
export function subGraph(
  graph: OrderedGraph,
  wanted: readonly string[],
  given: ReadonlySet<string> = new Set(),
): SubGraph {
  const needed = new Set(wanted)
  const nodes: OnnxNode[] = []
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some((name) => needed.has(name) && !given.has(name))) continue
    nodes.push(node)
    for (const name of readsOf(node)) needed.add(name)
  }
  const unknown = wanted.find((name) => !graph.maker.has(name) && !graph.tensors.has(name) && !isInput(graph, name))
  if (unknown !== undefined) throw new RangeError(`onnx: there is no tensor ${JSON.stringify(unknown)}`)
  const nameOf = (name: string) => (graph.maker.has(name) ? name : copyOf(name))
  const copies = new Set(wanted.filter((name) => !graph.maker.has(name)))
  const made = [...copies].map((name) => newNode('Identity', { inputs: [name], outputs: [copyOf(name)] }))
  return {
    nameOf,
    part: {
      nodes: [...nodes.toReversed(), ...made],
      tensors: tensorsOf(graph, needed),
      inputs: graph.inputs.filter(({ name }) => needed.has(name)),
      outputs: [...new Set(wanted)].map((name) => openValue(nameOf(name), 0)),
    },
  }
}

/** The tensors, among some names, that are constants. */
export function tensorsOf({ tensors }: OrderedGraph, names: Iterable<string>): OnnxTensor[] {
  return [...names].flatMap((name) => tensors.get(name) ?? [])
}

const isInput = ({ inputs }: OrderedGraph, name: string) => inputs.some((own) => own.name === name)
