import type { Tensor } from 'onnxruntime-common'
import { evaluator } from './evaluate'
import type { GraphFacts } from './graph-facts'
import type { OrderedGraph } from './graph-order'
import { placesOf, takeHeads } from './head-rows'
import type { OpenLayer } from './open-segments'
import type { Runtime } from './ort'

/** The graph's own attentions, masks included, run by onnxruntime over queries, keys and values that they are given. */
export interface OwnAttention {
  /**
   * Answers every attention for a text without a past.
   *
   * @param tensors  by layer, what its segment made: the queries, keys and values as one tensor or as three
   * @returns answers by the name of the tensor
   */
  answers(ids: readonly number[], tensors: readonly (readonly Float32Array[])[]): Promise<ReadonlyMap<string, Tensor>>
  release(): Promise<void>
}

/**
 * Opens the part of a graph between the segments: no weights of linear maps are in it.
 *
 * @param layers  layers in the order of computation
 */
export async function ownAttention(
  runtime: Runtime,
  graph: OrderedGraph,
  layers: readonly OpenLayer[],
  { types }: Pick<GraphFacts, 'types'>,
): Promise<OwnAttention> {
  const past = new Set(layers.flatMap(({ site }) => site.past))
  const names = new Set(layers.flatMap(({ site }) => site.inputs))
  const outputs = layers.map(({ site }) => site.output)
  const given = [...names].map((name) => ({ name, type: types.get(name)! }))
  const { evaluate, release } = await evaluator(runtime, graph, outputs, past, given)
  return {
    answers: (ids, tensors) => {
      const values = new Map<string, Tensor>()
      for (const layer of layers)
        for (const [i, { data, dims }] of apart(layer, tensors[layer.index], ids.length).entries())
          values.set(layer.site.inputs[i], new runtime.ort.Tensor('float32', data, dims))
      return evaluate({ ids, before: 0, previous: -1 }, outputs, values)
    },
    release,
  }
}

/** The inputs of an attention as the graph has them, from the tensors that its segment made. */
function apart(layer: OpenLayer, tensors: readonly Float32Array[], rows: number) {
  const { site, heads, kvHeads, shape } = layer
  const { layout, isPacked, none } = site
  if (isPacked || none) return [{ data: tensors[0], dims: [1, rows, tensors[0].length / rows] }]
  const sizes = [
    [heads, shape.d],
    [kvHeads, shape.d],
    [kvHeads, shape.dv],
  ]
  const places = placesOf(layer, tensors, rows)
  return sizes.map(([count, width], i) => {
    const { data, at } = places[i]
    if (layout === 'heads') return { data: data.subarray(at, at + count * rows * width), dims: [1, count, rows, width] }
    const own = new Float32Array(rows * count * width)
    takeHeads(own, places[i], { rows, first: 0, count, width })
    return { data: own, dims: [1, rows, count * width] }
  })
}
