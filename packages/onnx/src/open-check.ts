import { exactStream } from '@sublinear/exact-attention'
import { FIRST_ID, type GraphFacts } from './graph-facts'
import type { OpenLayer } from './open-segments'
import { floatsOf } from './ort'
import type { OwnAttention } from './own-attention'
import { onnxReader, type OpenModel } from './reader'

/** Tokens that are read when a model is opened. */
const CHECK_IDS: readonly number[] = Array.from({ length: 16 }, (_, i) => (7 * i + FIRST_ID) % 16)
/** Lengths of the calls in which the first of them are read again: a single token, and a block behind it. */
const BLOCKS = [1, 2]
/** Difference, as a share of the largest number beside it, above which a model is refused. */
const MOST = 1e-3
/**
 * The same bound where attention is in float16, which the runtime rounds, and between runs of graphs of four-bit weights, where activations are rounded to eight
 * bits: a difference of 1e-7 may move one of them to the next number.
 */
const MOST_ROUNDED = 3e-2

/**
 * Checks segments with exact streams, a layer at a time: 16 tokens are read, and the graph's own attentions, run by onnxruntime, answer the same queries over
 * the same keys and values. Then the first tokens are read again in smaller calls; each layer gets the first answers of the layers before it, so that a
 * difference is its own. The logits of the first token are compared with those of the whole graph, where it ran.
 *
 * @throws RangeError that names the first layer whose answers differ, or the logits
 */
export async function checkOpened(
  model: OpenModel,
  attention: OwnAttention,
  { isRounded, first }: Pick<GraphFacts, 'isRounded' | 'first'>,
): Promise<void> {
  const { layers } = model
  const answers: Float32Array[] = []
  const tensors: (readonly Float32Array[])[] = []
  await readIn(model, [CHECK_IDS.length], 'none', (layer, data, _rows, _before, parts) => {
    answers[layer.index] = data
    tensors[layer.index] = parts
    return data
  })
  const truth = await attention.answers(CHECK_IDS, tensors)
  for (const layer of layers) {
    const whole = truth.get(layer.site.output)!
    refuse(titleOf(layer), answers[layer.index], floatsOf(whole), whole.type === 'float16')
  }

  const again: Float32Array[][] = layers.map(() => [])
  const [logits] = await readIn(model, BLOCKS, first ? 'all' : 'none', (layer, data, rows, before) => {
    again[layer.index].push(inRows(data, layer))
    return rowsOf(answers[layer.index], layer, before, rows)
  })
  for (const layer of layers) {
    const own = joined(again[layer.index])
    refuse(titleOf(layer), own, inRows(answers[layer.index], layer).subarray(0, own.length), isRounded)
  }
  if (first) refuse('the logits', logits, first, [...truth.values()][0].type === 'float16')
}

const titleOf = ({ index, site }: OpenLayer) => `layer ${index} (${site.title})`

/** Reads the first tokens of the check in calls of these lengths; returns the logits of each call. */
async function readIn(
  model: OpenModel,
  blocks: readonly number[],
  wanted: 'all' | 'none',
  watch: (
    layer: OpenLayer,
    answers: Float32Array,
    rows: number,
    before: number,
    parts: readonly Float32Array[],
  ) => Float32Array,
): Promise<Float32Array[]> {
  let before = 0
  const reader = onnxReader(model, { stream: exactStream }, (layer, answers, rows, parts) =>
    watch(layer, answers, rows, before, parts),
  )
  const logits: Float32Array[] = []
  try {
    for (const count of blocks) {
      const { data } = await reader.read(CHECK_IDS.slice(before, before + count), wanted)
      logits.push(data)
      before += count
    }
    return logits
  } finally {
    reader[Symbol.dispose]()
  }
}

/** A layer's answers, row by row. */
const inRows = (data: Float32Array, { site, heads, shape }: OpenLayer) =>
  site.outputLayout === 'heads' ? byRow(data, heads, shape.dv) : data

function refuse(what: string, own: Float32Array, truth: Float32Array, isRounded: boolean): void {
  const most = isRounded ? MOST_ROUNDED : MOST
  let size = 0
  let difference = 0
  for (let i = 0; i < truth.length; i++) {
    size = Math.max(size, Math.abs(truth[i]))
    difference = Math.max(difference, Math.abs(truth[i] - own[i]))
  }
  if (own.length === truth.length && difference <= most * size) return
  const share = size > 0 ? (difference / size).toExponential(1) : String(difference)
  throw new RangeError(
    `onnx: cut at its attentions the graph gives something else: ${what} differs by ${share} of its largest entry`,
  )
}

/** Rows before … before + count − 1 of a layer's answers over all tokens, in the form that a block of so many tokens has. */
function rowsOf(all: Float32Array, { site, heads, shape: { dv } }: OpenLayer, before: number, count: number) {
  if (site.outputLayout === 'rows') return all.slice(before * heads * dv, (before + count) * heads * dv)
  const tokens = all.length / heads / dv
  const out = new Float32Array(heads * count * dv)
  for (let h = 0; h < heads; h++)
    out.set(all.subarray((h * tokens + before) * dv, (h * tokens + before + count) * dv), h * count * dv)
  return out
}

/** Reorders heads × rows × dv to rows × heads·dv. */
function byRow(data: Float32Array, heads: number, dv: number): Float32Array {
  const rows = data.length / heads / dv
  const out = new Float32Array(data.length)
  for (let h = 0; h < heads; h++)
    for (let r = 0; r < rows; r++) {
      const from = (h * rows + r) * dv
      out.set(data.subarray(from, from + dv), (r * heads + h) * dv)
    }
  return out
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(parts.reduce((total, { length }) => total + length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}
