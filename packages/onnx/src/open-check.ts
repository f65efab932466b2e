import { exactStream } from '@sublinear/exact-attention'
import type { Tensor } from 'onnxruntime-common'
import { floatsOf } from './ort'
import { onnxReader, type OpenModel } from './reader'

/** Tokens that are read when a model is opened. */
export const CHECK_IDS: readonly number[] = Array.from({ length: 16 }, (_, i) => (7 * i + 3) % 16)
/** Lengths of the calls in which they come: a block, single tokens, a block. */
const BLOCKS = [9, 1, 1, 5]
/** Difference, as a share of the largest number beside it, above which a model is refused. */
const MOST = 1e-3
/**
 * The same bound for graphs of float16, where the runtime's own attention rounds, and of four-bit weights, where activations are rounded to eight bits: a
 * difference of 1e-7 may move one of them to the next number.
 */
const MOST_ROUNDED = 3e-2

/** Outputs of the whole graph for these tokens: the logits, and the tensors at which it is cut. */
export interface Truth {
  readonly logits: string
  readonly tensors: ReadonlyMap<string, Tensor>
  /** Whether the graph's linear maps round what they read. */
  readonly isRounded: boolean
  /** Element types of these tensors and of all that are cut. */
  readonly types: ReadonlyMap<string, number>
}

/**
 * Compares segments with exact streams to the whole graph. Each layer gets the whole graph's answers of the layers before it, so that a difference is its own.
 *
 * @throws RangeError that names the first layer whose answers differ, or the logits
 */
export async function checkAgainstWhole(model: OpenModel, { logits, tensors, isRounded }: Truth): Promise<void> {
  const answers: Float32Array[][] = model.layers.map(() => [])
  let before = 0
  const reader = onnxReader(model, { stream: exactStream }, (layer, data, count) => {
    answers[layer.index].push(data)
    return rowsOf(floatsOf(tensors.get(layer.site.output)!), layer, before, count)
  })
  const rows: Float32Array[] = []
  try {
    for (const count of BLOCKS) {
      const { data } = await reader.read(CHECK_IDS.slice(before, before + count), 'all')
      rows.push(data)
      before += count
    }
  } finally {
    reader[Symbol.dispose]()
  }
  for (const { index, site, heads, shape } of model.layers) {
    const whole = tensors.get(site.output)!
    const parts = answers[index]
    const own = site.outputLayout === 'heads' ? parts.map((part) => byRow(part, heads, shape.dv)) : parts
    const truth = site.outputLayout === 'heads' ? byRow(floatsOf(whole), heads, shape.dv) : floatsOf(whole)
    refuse(`layer ${index} (${site.title})`, joined(own), truth, isRounded || whole.type === 'float16')
  }
  const whole = tensors.get(logits)!
  refuse('the logits', joined(rows), floatsOf(whole), isRounded || whole.type === 'float16')
}

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
function rowsOf(
  all: Float32Array,
  { site, heads, shape: { dv } }: OpenModel['layers'][number],
  before: number,
  count: number,
) {
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
