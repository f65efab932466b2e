import { floatOf, intOf, type AttentionSite, type Factor, type Mask } from './attention-site'
import type { OnnxNode } from './graph'
import { titleOf, type OrderedGraph } from './graph-order'
import { notSupported } from './refuse'

/** Operations found between the scores and their softmax. */
interface Scores {
  /** The node that multiplies queries by keys. */
  readonly product: OnnxNode
  readonly factors: Factor[]
  readonly masks: Mask[]
  softcap?: Factor | undefined
  sinks?: string | undefined
}

const PASSED = new Set(['Cast', 'Identity', 'Reshape', 'Squeeze', 'Unsqueeze', 'Max', 'Clip', 'Dropout'])
const isProduct = ({ op }: OnnxNode) => op === 'MatMul' || op === 'FusedMatMul'

/**
 * Reads attention that is written out: a softmax whose shares multiply the values, behind scores of queries and keys.
 * Source: the patterns of exporters (torch, optimum, onnxruntime-genai). Between the scores and the softmax, in any order: scalar factors, masks that are
 *   added or chosen by `Where`, a softcap, sinks appended; keys repeated for their groups, and appended to a past.
 *
 * @returns undefined where the softmax is no attention, as in a classifier
 * @throws RangeError when it is attention, and something in it is not understood
 */
export function decomposedSite(softmax: OnnxNode, graph: OrderedGraph): AttentionSite | undefined {
  const mix = mixOf(softmax, graph)
  if (!mix) return undefined
  const scores = scoresBefore(softmax, graph)
  if (!scores) return undefined
  const title = titleOf(softmax)
  const axis = intOf(softmax, 'axis', -1)
  if (axis !== -1 && axis !== 3) throw notSupported(title, `a softmax over axis ${axis}`)
  const { product, factors, masks, softcap, sinks } = scores
  if (
    intOf(product, 'transA', 0) !== 0 ||
    intOf(product, 'transBatchA', 0) !== 0 ||
    intOf(product, 'transBatchB', 0) !== 0
  )
    throw notSupported(title, 'queries that lie transposed')
  if ((floatOf(mix, 'alpha') ?? 1) !== 1 || intOf(mix, 'transB', 0) !== 0)
    throw notSupported(title, 'values that are scaled or transposed')
  const keys = newRows(product.inputs[1], graph, { isTransposed: intOf(product, 'transB', 0) === 0, factors })
  const values = newRows(mix.inputs[1], graph, { isTransposed: false })
  if (!keys || !values) throw notSupported(title, 'keys or values that are not read')
  return {
    title,
    dialect: 'decomposed',
    inputs: [product.inputs[0], keys.tensor, values.tensor],
    layout: 'heads',
    isPacked: false,
    output: mix.outputs[0],
    outputLayout: 'heads',
    scale: { number: floatOf(product, 'alpha') ?? 1, factors },
    softcap,
    sinks,
    masks,
    isCausal: false,
    past: [keys.past, values.past].filter((name) => name !== undefined),
    present: [keys.present, values.present].filter((name) => name !== undefined),
  }
}

/** The product of the shares of a softmax with values. */
function mixOf({ outputs }: OnnxNode, { readers }: OrderedGraph): OnnxNode | undefined {
  let tensor = outputs[0]
  for (let steps = 0; steps < 8; steps++) {
    const next = (readers.get(tensor) ?? []).filter(({ op }) => op !== 'IsNaN' && op !== 'Shape')
    if (next.length !== 1) return undefined
    const [node] = next
    if (isProduct(node)) return node.inputs[0] === tensor ? node : undefined
    if (!['Cast', 'Identity', 'Dropout', 'Slice', 'Where'].includes(node.op)) return undefined
    tensor = node.outputs[0]
  }
  return undefined
}

function scoresBefore(softmax: OnnxNode, { maker, ofTokens, constant }: OrderedGraph): Scores | undefined {
  const factors: Factor[] = []
  const masks: Mask[] = []
  let found: Pick<Scores, 'softcap' | 'sinks'> = {}
  let tensor = softmax.inputs[0]
  for (let steps = 0; steps < 24; steps++) {
    const node = maker.get(tensor)
    if (!node) return undefined
    if (isProduct(node)) return { product: node, factors, masks, ...found }
    const data = node.inputs.filter((name) => ofTokens.has(name))
    const [other] = node.inputs.filter((name) => name !== '' && !ofTokens.has(name))
    if (node.op === 'Tanh') {
      const cap = factors.pop() // the factor behind the cap; the factor before it divides by the same number
      const before = maker.get(node.inputs[0])
      const isCap = before && (before.op === 'Div' || before.op === 'Mul')
      if (!cap || cap.divides || !isCap) return undefined
      found = { ...found, softcap: cap }
      tensor = before.inputs.find((name) => ofTokens.has(name))!
      continue
    }
    if (PASSED.has(node.op)) tensor = data[0] ?? node.inputs[0]
    else if (node.op === 'Mul' || node.op === 'Div') {
      if (data.length !== 1 || (node.op === 'Div' && data[0] !== node.inputs[0])) return undefined
      factors.push({ tensor: other, divides: node.op === 'Div' })
      tensor = data[0]
    } else if (node.op === 'Add') {
      if (data.length !== 1) return undefined
      masks.push({ tensor: other, meaning: 'additive' })
      tensor = data[0]
    } else if (node.op === 'Where') {
      if (data.length !== 1 || data[0] === node.inputs[0]) return undefined
      masks.push({ tensor: node.inputs[0], meaning: data[0] === node.inputs[1] ? 'seen' : 'unseen' })
      tensor = data[0]
    } else if (node.op === 'Concat') {
      if (data[0] !== node.inputs[0] || node.inputs.length !== 2 || data.length !== 1) return undefined
      const sinks = constantBehind(node.inputs[1], maker, constant)
      if (sinks === undefined) return undefined
      found = { ...found, sinks }
      tensor = data[0]
    } else return undefined
  }
  return undefined
}

/** The name of the constant that an expanded tensor repeats; undefined where there is none. */
function constantBehind(
  tensor: string,
  maker: OrderedGraph['maker'],
  constant: OrderedGraph['constant'],
): string | undefined {
  let name = tensor
  while (!constant.has(name)) {
    const node = maker.get(name)
    if (!node || !['Expand', 'Reshape', 'Unsqueeze', 'Cast', 'Tile'].includes(node.op)) return undefined
    name = node.inputs[0]
  }
  return name
}

interface NewRows {
  readonly tensor: string
  readonly past?: string | undefined
  readonly present?: string | undefined
}

const REPEATS = new Set(['Reshape', 'Expand', 'Unsqueeze', 'Tile', 'Cast', 'Identity'])

/** Finds the keys or values of the new tokens, behind a transpose, factors, a repetition for groups, and a past to which they are appended. */
function newRows(
  from: string,
  { maker, ofTokens, inputs }: OrderedGraph,
  { isTransposed, factors = [] }: { readonly isTransposed: boolean; readonly factors?: Factor[] | undefined },
): NewRows | undefined {
  let tensor = from
  let isTurned = isTransposed
  let untransposed: string | undefined = isTransposed ? undefined : from
  const met: Factor[] = []
  for (let steps = 0; steps < 16; steps++) {
    const node = maker.get(tensor)
    if (!node) break
    const data = node.inputs.filter((name) => ofTokens.has(name))
    const past = node.op === 'Concat' ? node.inputs.find((name) => inputs.some((own) => own.name === name)) : undefined
    if (past !== undefined && data.length === 1 && !isTurned) {
      factors.push(...met)
      return { tensor: data[0], past, present: node.outputs[0] }
    }
    if (node.op === 'Transpose' && isTurned) {
      if (node.attributes.get('perm')?.ints?.join() !== '0,1,3,2') return undefined
      isTurned = false
      factors.push(...met.splice(0)) // factors before the transpose: they count also where there is no past
      untransposed = node.inputs[0]
    } else if ((node.op === 'Mul' || node.op === 'Div') && data.length === 1 && data[0] === node.inputs[0])
      met.push({ tensor: node.inputs[1], divides: node.op === 'Div' })
    else if (!REPEATS.has(node.op)) break
    tensor = data[0] ?? node.inputs[0]
  }
  return untransposed === undefined ? undefined : { tensor: untransposed }
}
