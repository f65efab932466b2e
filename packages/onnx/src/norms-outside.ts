import { floatOf, intOf } from './attention-site'
import type { OnnxGraph, OnnxNode } from './graph'
import { titleOf } from './graph-order'
import { notSupported } from './refuse'
import { newNode, withInputs } from './write-model'

/** Epsilon of the norms where a node does not tell one. */
const EPSILON = 1e-6

/**
 * Takes the norms of queries and keys out of every GroupQueryAttention (inputs 14 and 15): each head's row is divided by its root mean square and multiplied by
 * the weights, in nodes of their own, before the attention turns it.
 * Source: onnxruntime's contrib operators, 1.30. Its kernel for CPUs refuses these inputs, so the rewritten graph is what it can run whole.
 *
 * @throws RangeError when a node norms only queries or only keys
 */
export function withNormsOutside(graph: OnnxGraph): OnnxGraph {
  const given = new Set(graph.inputs.map(({ name }) => name))
  const nodes = graph.nodes.flatMap((node) => {
    const { op, inputs } = node
    if (op !== 'GroupQueryAttention' || !(inputs[14] || inputs[15])) return [node]
    if (!(inputs[14] && inputs[15]))
      throw notSupported(titleOf(node), 'a norm of queries or keys alone (q_norm_weight, k_norm_weight)')
    return rewritten(node, inputs[3] !== '' && !given.has(inputs[3]))
  })
  return { ...graph, nodes }
}

/** @param isShared  whether its keys are another attention's: there are no rows of keys to norm */
function rewritten(node: OnnxNode, isShared: boolean): OnnxNode[] {
  const { inputs, outputs } = node
  const [heads, kvHeads] = [intOf(node, 'num_heads', 0), intOf(node, 'kv_num_heads', 0)]
  const epsilon = floatOf(node, 'qk_norm_epsilon') ?? EPSILON
  const made: OnnxNode[] = []
  const add = (
    op: string,
    reads: readonly string[],
    name: string,
    more: Omit<Parameters<typeof newNode>[1], 'inputs' | 'outputs'> = {},
  ) => {
    made.push(newNode(op, { inputs: reads, outputs: [name], ...more }))
    return name
  }
  const named = (part: string) => `${outputs[0]}/${part}`
  const ints = (part: string, ...values: readonly number[]) =>
    add('Constant', [], named(part), { ints: { value_ints: values } })
  const inHeads = (rows: string, part: string, count: number) =>
    add('Reshape', [rows, ints(`${part}.shape`, 0, 0, count, -1)], named(`${part}.heads`))
  const inRows = (own: string, part: string) =>
    add('Reshape', [own, ints(`${part}.flat`, 0, 0, -1)], named(`${part}.rows`))
  const normed = (own: string, weight: string, part: string) =>
    inRows(
      add('SimplifiedLayerNormalization', [own, weight], named(`${part}.normed`), {
        ints: { axis: -1, stash_type: 1 },
        floats: { epsilon },
      }),
      part,
    )

  let [q, k, v] = inputs
  if (k === '') {
    const all = inHeads(inputs[0], 'qkv', heads + 2 * kvHeads)
    const axis = ints('axis', 2)
    const part = (name: string, from: number, to: number) =>
      add('Slice', [all, ints(`${name}.from`, from), ints(`${name}.to`, to), axis], named(`${name}.part`))
    q = normed(part('q', 0, heads), inputs[14], 'q')
    k = normed(part('k', heads, heads + kvHeads), inputs[15], 'k')
    v = inRows(part('v', heads + kvHeads, heads + 2 * kvHeads), 'v')
  } else {
    q = normed(inHeads(q, 'q', heads), inputs[14], 'q')
    if (!isShared) k = normed(inHeads(k, 'k', kvHeads), inputs[15], 'k')
  }
  return [...made, withInputs(node, [q, k, v, ...inputs.slice(3, 14)])]
}
