import type { Tensor } from 'onnxruntime-common'
import type { AttentionSite } from './attention-site'
import { evaluator } from './evaluate'
import type { OrderedGraph } from './graph-order'
import type { HeadCut } from './head-cut'
import { factsOf, type KnownFacts } from './opening-proof'
import type { Runtime } from './ort'
import { heldTable, placedTable, type NumberTable } from './rotary-tables'
import type { Cut } from './segments'

/** Sizes of a tensor: a number, or a name where an input gives the size. */
type Sizes = readonly (number | string)[]

/** A graph's types, sizes and numbers: they must be known before its segments can be opened. */
export interface GraphFacts {
  /** ONNX's element types of the tensors that are cut, and that attentions read and make. */
  readonly types: ReadonlyMap<string, number>
  readonly shapes: ReadonlyMap<string, Sizes>
  /** Tensors from which scales, caps and sinks are computed. */
  readonly numbers: ReadonlyMap<string, Tensor>
  /** Tables of rotations. */
  readonly tables: ReadonlyMap<string, NumberTable>
  readonly vocabulary: number
  /** Whether the last linear map reads a row for each token, behind a dimension of one. */
  readonly hasRows: boolean
  /** Whether the graph's linear maps round what they read. */
  readonly isRounded: boolean
  /** Logits and the answers of every attention, as the whole graph makes them of the tokens CHECK_IDS. Absent: nobody asked. */
  readonly truth?: ReadonlyMap<string, Tensor> | undefined
}

/** Facts that the whole graph's session tells. */
export type WholeFacts = Omit<GraphFacts, 'numbers' | 'tables' | 'truth'>

/** Tokens that the whole graph reads when a model is opened. */
export const CHECK_IDS: readonly number[] = Array.from({ length: 16 }, (_, i) => (7 * i + 3) % 16)

/**
 * Finds the facts of a graph, by a session of the whole graph that is released before any segment is opened. The runtime infers types and sizes; where it does not
 * infer all of them, or what the graph makes is wanted, 16 tokens are run. The session packs no weights, except those in four bits that are run: unpacked, they
 * take twelve times as long.
 *
 * @param isChecked  whether the graph's logits and answers are wanted
 * @param known  what this session told before: it is not opened again, and nothing is checked
 *
 * @throws RangeError when the graph needs an input that a decoder of text does not have
 */
export async function graphFacts(
  runtime: Runtime,
  graph: OrderedGraph,
  sites: readonly AttentionSite[],
  cuts: readonly Cut[],
  head: HeadCut,
  isChecked: boolean,
  known?: KnownFacts,
): Promise<GraphFacts> {
  const past = new Set(sites.flatMap((site) => site.past))
  const found = known
    ? factsOf(known, factNames(sites, cuts, head))
    : await wholeFacts(runtime, graph, sites, cuts, head, past, isChecked)
  return { ...found, ...(await numbersOf(runtime, graph, sites, past)) }
}

const endsOf = ({ logits, hidden }: HeadCut) => (hidden === undefined ? [logits] : [logits, hidden])
const ownOf = (sites: readonly AttentionSite[]) =>
  sites.flatMap(({ inputs, output, none = [] }) => [...inputs, ...none, output])

/** Names the tensors whose types and sizes are wanted, in an order that follows from the graph. */
export function factNames(sites: readonly AttentionSite[], cuts: readonly Cut[], head: HeadCut): string[] {
  const cut = cuts.flatMap(({ segments }) => segments.flatMap(({ makes }) => makes))
  return [...new Set([...endsOf(head), ...ownOf(sites), ...cut])]
}

async function wholeFacts(
  runtime: Runtime,
  graph: OrderedGraph,
  sites: readonly AttentionSite[],
  cuts: readonly Cut[],
  head: HeadCut,
  past: ReadonlySet<string>,
  isChecked: boolean,
): Promise<WholeFacts & Pick<GraphFacts, 'truth'>> {
  const { logits, hidden } = head
  const [ends, own] = [endsOf(head), ownOf(sites)]
  const isRounded = graph.nodes.some(({ op }) => op === 'MatMulNBits')
  const whole = await evaluator(runtime, graph, factNames(sites, cuts, head), past, isRounded && isChecked)
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
    const answers = [logits, ...sites.map(({ output }) => output)]
    const wanted = new Set([...(isChecked ? answers : []), ...(isInferred ? [] : [...ends, ...own])])
    const made = wanted.size > 0 ? await whole.evaluate(step(CHECK_IDS), [...wanted]) : undefined
    const shapes = isInferred ? whole.shapes : new Map([...made!].map(([name, { dims }]) => [name, dims]))
    const rows = hidden === undefined ? [] : shapes.get(hidden)!
    return {
      types: whole.types,
      shapes,
      vocabulary: Number(shapes.get(logits)![2]),
      hasRows: rows.length === 3 && (isInferred ? isRow(rows[1]) : rows[1] === CHECK_IDS.length),
      isRounded,
      ...(isChecked && { truth: made! }),
    }
  } finally {
    await whole.release()
  }
}

/** Tokens at the start of a text. */
const step = (ids: readonly number[]) => ({ ids, before: 0, previous: -1 })

/** Computes the tensors of which scales, caps and sinks are made, and finds the tables: they stay in their file where all of them lie in one. */
async function numbersOf(
  runtime: Runtime,
  graph: OrderedGraph,
  sites: readonly AttentionSite[],
  past: ReadonlySet<string>,
): Promise<Pick<GraphFacts, 'numbers' | 'tables'>> {
  const own = sites.flatMap(({ scale, softcap, sinks }) => [
    ...(scale?.factors ?? []).map(({ tensor }) => tensor),
    ...(typeof softcap === 'object' ? [softcap.tensor] : []),
    ...(sinks === undefined ? [] : [sinks]),
  ])
  const turning = [...new Set(sites.flatMap(({ rotary }) => (rotary ? [rotary.cos, rotary.sin] : [])))]
  const placed = new Map<string, NumberTable>()
  for (const name of turning) {
    const tensor = graph.tensors.get(name)
    const table = tensor && placedTable(runtime.files, tensor)
    if (table) placed.set(name, table)
  }
  const isPlaced = placed.size === turning.length
  const wanted = [...new Set([...own, ...(isPlaced ? [] : turning)])]
  if (wanted.length === 0) return { numbers: new Map(), tables: placed }
  const { evaluate, release } = await evaluator(runtime, graph, wanted, past)
  try {
    const numbers = await evaluate(step(CHECK_IDS.slice(0, 1)), wanted)
    return {
      numbers,
      tables: isPlaced ? placed : new Map(turning.map((name) => [name, heldTable(numbers.get(name)!)])),
    }
  } finally {
    await release()
  }
}
