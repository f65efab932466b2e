import { exactStream } from '@sublinear/attention'
import type { Method, Pilot, Shape } from '@sublinear/core'
import type { HeadSpec, OnnxModel } from '@sublinear/onnx'
import type { Sizing } from '../sizing'

/** The bytes of a token in a float32 cache of all heads. */
export function tokenBytes({ layers }: Pick<OnnxModel, 'layers'>): number {
  return layers
    .filter(({ reads }) => reads === undefined)
    .reduce((total, { kvHeads, shape: { d, dv } }) => total + 4 * kvHeads * (d + dv), 0)
}

/**
 * Makes streams of one method for every key head of a folder's model; layers with a window of their own keep that window, and layers that read another's streams
 * have none.
 *
 * @param tokens  number of tokens that will be read; Infinity where it is not known; pilotOf  gives rows of a head's own data
 * @throws RangeError when a head has no such stream, or the method cannot do what the head does
 */
export function folderStreams(
  { layers }: Pick<OnnxModel, 'layers'>,
  method: Method,
  sizeOf: Sizing,
  tokens: number,
  pilotOf?: (layer: number, head: number) => Pilot | undefined,
): HeadSpec {
  const options = layers.map(({ kvHeads, groups, shape, reads }, layer) => {
    if (shape.window !== undefined || reads !== undefined) return []
    return Array.from({ length: kvHeads }, (_, head) => {
      const place = { layer, layers: layers.length, head, heads: kvHeads }
      return sizeOf(shape, { tokens, groups, place }, pilotOf?.(layer, head)).options
    })
  })
  const spec: HeadSpec = (shape: Shape, layer, head) =>
    shape.window === undefined ? method.make(shape, options[layer][head]) : exactStream(shape)
  // where positions are the method's own, keys come before rotation
  return method.can.includes('positions') ? Object.assign(spec, { unrotated: true }) : spec
}
