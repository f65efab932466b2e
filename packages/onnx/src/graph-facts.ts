import type { Tensor } from 'onnxruntime-common'
import type { AttentionSite } from './attention-site'
import { evaluator } from './evaluate'
import type { OrderedGraph } from './graph-order'
import type { HeadCut } from './head-cut'
import { floatsOf, type Runtime } from './ort'
import type { Cut } from './segments'

/** Sizes of a tensor: a number, or a name where an input gives the size. */
type Sizes = readonly (number | string)[]

/** A graph's types, sizes and numbers: they must be known before its segments can be opened. */
export interface GraphFacts {
  /** ONNX's element types of the tensors that are cut, and that attentions read and make. */
  readonly types: ReadonlyMap<string, number>
  readonly shapes: ReadonlyMap<string, Sizes>
  /** Tensors from which scales, caps, tables and sinks are computed. */
  readonly numbers: ReadonlyMap<string, Tensor>
  readonly vocabulary: number
  /** Whether the last linear map reads a row for each token, behind a dimension of one. */
  readonly hasRows: boolean
  /** Whether the graph's linear maps round what they read. */
  readonly isRounded: boolean
  /** Logits of the whole graph for the token FIRST_ID. Absent where the graph is rounded: a run that packs nothing would take seconds there. */
  readonly first?: Float32Array | undefined
}

/** The token whose logits the whole graph gives. */
export const FIRST_ID = 3
/** Tokens of the run that tells sizes which the runtime does not infer. */
const SIZED = 2

/**
 * Finds the facts of a graph. The runtime infers types and sizes when it opens the whole graph, which packs no weights. Where it does not infer
 * all of them, two tokens are run.
 *
 * @throws RangeError when the graph needs an input that a decoder of text does not have
 */
export async function graphFacts(
  runtime: Runtime,
  graph: OrderedGraph,
  sites: readonly AttentionSite[],
  cuts: readonly Cut[],
  { logits, hidden }: HeadCut,
): Promise<GraphFacts> {
  const past = new Set(sites.flatMap((site) => site.past))
  const ends = hidden === undefined ? [logits] : [logits, hidden]
  const own = sites.flatMap(({ inputs, output, none = [] }) => [...inputs, ...none, output])
  const made = cuts.flatMap(({ segments }) => segments.flatMap(({ makes }) => makes))
  const whole = await evaluator(runtime, graph, [...new Set([...ends, ...own, ...made])], past)
  try {
    const tokens = graph.inputs.find(({ name }) => name === 'input_ids')?.dims?.[1]
    const isRow = (size: number | string | undefined) => size !== '' && size === tokens
    const known = (name: string, ...places: readonly number[]) =>
      places.every((i) => typeof whole.shapes.get(name)![i] === 'number')
    const isInferred =
      known(logits, 2) &&
      (hidden === undefined || known(hidden, 1) || isRow(whole.shapes.get(hidden)![1])) &&
      sites.every(
        ({ inputs, none = [], layout }) =>
          inputs.every((name) => (layout === 'rows' ? known(name, 2) : known(name, 1, 3))) &&
          none.every((name) => known(name, 1)),
      )
    const sized = isInferred ? undefined : await whole.evaluate(step(FIRST_ID, 1), [...new Set([...ends, ...own])])
    const shapes = sized ? new Map([...sized].map(([name, { dims }]) => [name, dims])) : whole.shapes
    const rows = hidden === undefined ? [] : shapes.get(hidden)!
    const isRounded = graph.nodes.some(({ op }) => op === 'MatMulNBits')
    const first = isRounded ? undefined : (await whole.evaluate(step(FIRST_ID), [logits])).get(logits)!
    return {
      types: whole.types,
      shapes,
      numbers: await numbersOf(runtime, graph, sites, past),
      vocabulary: Number(shapes.get(logits)![2]),
      hasRows: rows.length === 3 && (sized ? rows[1] === SIZED : isRow(rows[1])),
      isRounded,
      ...(first && { first: floatsOf(first) }),
    }
  } finally {
    await whole.release()
  }
}

/** Tokens at the start of a text. */
const step = (...ids: readonly number[]) => ({ ids, before: 0, previous: -1 })

/** Computes the tensors of which scales, caps, tables and sinks are made. */
async function numbersOf(
  runtime: Runtime,
  graph: OrderedGraph,
  sites: readonly AttentionSite[],
  past: ReadonlySet<string>,
): Promise<ReadonlyMap<string, Tensor>> {
  const names = sites.flatMap(({ scale, softcap, rotary, sinks }) => [
    ...(scale?.factors ?? []).map(({ tensor }) => tensor),
    ...(typeof softcap === 'object' ? [softcap.tensor] : []),
    ...(rotary ? [rotary.cos, rotary.sin] : []),
    ...(sinks === undefined ? [] : [sinks]),
  ])
  if (names.length === 0) return new Map()
  const wanted = [...new Set(names)]
  const { evaluate, release } = await evaluator(runtime, graph, wanted, past)
  try {
    return await evaluate(step(FIRST_ID), wanted)
  } finally {
    await release()
  }
}
