import { catalogue } from '@sublinear/attention'
import type { HeadSpec, OnnxModel } from '@sublinear/onnx'

/** Names of methods by which the model may remember: the whole past, or a share of it. */
export const REMEMBERS = ['auto', 'exact', 'quantised', 'streamingLlm', 'snapKv', 'endless'] as const
export type Remembers = (typeof REMEMBERS)[number]

/** Size of a talk: the most tokens, and the share of their float32 cache that is held. */
export interface Held {
  readonly context: number
  readonly share: number
}

/**
 * Makes streams of one method, one for each key head. Layers with a window of their own keep it.
 *
 * @throws RangeError from the streams when a head has none so small, or the method cannot compute what the head does
 */
export function headStreams(
  { layers }: Pick<OnnxModel, 'layers'>,
  name: Remembers,
  { context, share }: Held,
): HeadSpec {
  const method = catalogue.find((one) => one.name === name)!
  const stream: HeadSpec = (shape, layer, head) => {
    const { kvHeads, groups } = layers[layer]
    const budget = name === 'exact' ? Infinity : 4 * (shape.d + shape.dv) * context * share
    const place = { layer, layers: layers.length, head, heads: kvHeads }
    const options = method.within(shape, budget, { tokens: context, groups, place })
    if (!options) throw new RangeError(`${name} does not fit in ${Math.round(budget)} bytes a head`)
    return method.make(shape, options)
  }
  // where positions are the method's own, keys come before rotation
  return method.can.includes('positions') ? Object.assign(stream, { unrotated: true }) : stream
}
