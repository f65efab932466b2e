import { exactStream } from '@sublinear/exact-attention'
import type { Tensor } from 'onnxruntime-common'
import { CHECK_IDS } from './graph-facts'
import type { OpenLayer } from './open-segments'
import { floatsOf } from './ort'
import { onnxReader, type OpenModel } from './reader'

/** Lengths of the calls in which the segments read these tokens: a block, and a single token behind it. */
const CALLS = [15, 1]
/** Difference, as a share of the largest number beside it, above which a model is refused. */
const MOST = 1e-3
/**
 * The same bound for four-bit weights: onnxruntime rounds what such a map reads to eight bits, so a difference of 1e-7 may move a number to the next of 255. Noise
 * of 1e-7 on what layers read made answers differ by up to 2e-3, in 8 and in 24 layers.
 */
const MOST_FOUR_BITS = 1e-2
/** The same bound where attention is in float16, which the runtime rounds. */
const MOST_HALF = 3e-2

/**
 * Checks segments with exact streams against the whole graph, over 16 tokens: the answers of every attention, and the logits: those of each call's
 * last token, where the last linear map is a session of its own. Each layer gets the whole graph's answers of the layers before it, so that a difference is its own.
 *
 * @param truth  what the whole graph makes of CHECK_IDS
 * @param isRounded  whether its linear maps round what they read
 * @throws RangeError that names the first layer whose answers differ, or the logits
 */
export async function checkOpened(
  model: OpenModel,
  truth: ReadonlyMap<string, Tensor>,
  isRounded: boolean,
): Promise<void> {
  const { layers, headCut } = model
  let before = 0
  const whole = layers.map(({ site }) => truthOf(truth, site.output))
  const answers: Float32Array[][] = layers.map(() => [])
  const reader = onnxReader(model, { stream: exactStream }, (layer, own, rows) => {
    answers[layer.index].push(own.slice())
    return rowsOf(whole[layer.index].data, layer, before, rows)
  })
  const asked = model.head ? 'last' : 'all' // the last linear map takes rows one by one
  const logits: Float32Array[] = []
  try {
    for (const count of CALLS) {
      logits.push((await reader.read(CHECK_IDS.slice(before, before + count), asked)).data)
      before += count
    }
  } finally {
    reader[Symbol.dispose]()
  }
  before = 0
  const end = truthOf(truth, headCut.logits)
  for (const [call, count] of CALLS.entries()) {
    const most = (isHalf: boolean) => (isHalf ? MOST_HALF : isRounded ? MOST_FOUR_BITS : MOST)
    for (const layer of layers) {
      const { data, isHalf } = whole[layer.index]
      refuse(titleOf(layer), answers[layer.index][call], rowsOf(data, layer, before, count), most(isHalf))
    }
    const width = end.data.length / CHECK_IDS.length
    before += count
    const own = logits[call]
    refuse('the logits', own, end.data.subarray(before * width - own.length, before * width), most(end.isHalf))
  }
}

function truthOf(truth: ReadonlyMap<string, Tensor>, name: string) {
  const tensor = truth.get(name)!
  return { data: floatsOf(tensor), isHalf: tensor.type === 'float16' }
}

const titleOf = ({ index, site }: OpenLayer) => `layer ${index} (${site.title})`

function refuse(what: string, own: Float32Array, truth: Float32Array, most: number): void {
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
