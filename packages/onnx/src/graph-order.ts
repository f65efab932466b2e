import { readsOf, type OnnxGraph, type OnnxNode } from './graph'

/** A graph by its tensors: nodes in an order in which each comes after those whose tensors it reads. */
export interface OrderedGraph extends OnnxGraph {
  /** The node that makes a tensor. */
  readonly maker: ReadonlyMap<string, OnnxNode>
  /** The nodes that read a tensor. */
  readonly readers: ReadonlyMap<string, readonly OnnxNode[]>
  /** Tensors that depend on which tokens come, not only on how many; in a graph without input_ids, on the values of any input. */
  readonly ofTokens: ReadonlySet<string>
  /** Tensors that depend on no input. */
  readonly constant: ReadonlySet<string>
}

/**
 * Orders a graph, whose nodes may lie in any order.
 *
 * @throws RangeError when two nodes make one tensor, a node reads a tensor that nothing makes, or nodes read each other in a circle
 */
export function orderedGraph(graph: OnnxGraph): OrderedGraph {
  const maker = new Map<string, OnnxNode>()
  const readers = new Map<string, OnnxNode[]>()
  for (const node of graph.nodes) {
    for (const name of node.outputs) {
      if (name !== '' && maker.has(name)) throw new RangeError(`onnx: two nodes make the tensor ${name}`)
      maker.set(name, node)
    }
    for (const name of new Set(readsOf(node))) {
      const own = readers.get(name)
      if (own) own.push(node)
      else readers.set(name, [node])
    }
  }
  const given = new Set([...graph.inputs.map(({ name }) => name), ...graph.tensors.keys()])
  const nodes = ordered(graph.nodes, maker, given)

  const isOfText = graph.inputs.some(({ name }) => name === 'input_ids')
  const ofTokens = new Set(isOfText ? ['input_ids'] : graph.inputs.map(({ name }) => name))
  const constant = new Set(graph.tensors.keys())
  for (const node of nodes) {
    const reads = readsOf(node)
    if (!/^(Shape|Size)$/.test(node.op) && reads.some((name) => ofTokens.has(name)))
      for (const name of node.outputs) ofTokens.add(name)
    if (reads.every((name) => constant.has(name)) && !/^Random|^Multinomial$/.test(node.op))
      for (const name of node.outputs) constant.add(name)
  }
  return { ...graph, nodes, maker, readers, ofTokens, constant }
}

function ordered(
  nodes: readonly OnnxNode[],
  maker: ReadonlyMap<string, OnnxNode>,
  given: ReadonlySet<string>,
): OnnxNode[] {
  const waits = new Map<OnnxNode, number>()
  const waiting = new Map<OnnxNode, OnnxNode[]>()
  const ready: OnnxNode[] = []
  for (const node of nodes) {
    const makers = new Set<OnnxNode>()
    for (const name of readsOf(node)) {
      const own = maker.get(name)
      if (own) makers.add(own)
      else if (!given.has(name)) throw new RangeError(`onnx: ${titleOf(node)} reads ${name}, which nothing makes`)
    }
    waits.set(node, makers.size)
    for (const own of makers) {
      const held = waiting.get(own)
      if (held) held.push(node)
      else waiting.set(own, [node])
    }
    if (makers.size === 0) ready.push(node)
  }
  for (let i = 0; i < ready.length; i++)
    for (const node of waiting.get(ready[i]) ?? []) {
      const left = waits.get(node)! - 1
      waits.set(node, left)
      if (left === 0) ready.push(node)
    }
  const left = nodes.find((node) => waits.get(node)! > 0)
  if (left) throw new RangeError(`onnx: nodes read each other in a circle, ${titleOf(left)} among them or behind it`)
  return ready
}

/** The name of a node in messages. */
export function titleOf({ name, op, outputs }: OnnxNode): string {
  return `${op} ${name === '' ? outputs[0] : name}`
}
