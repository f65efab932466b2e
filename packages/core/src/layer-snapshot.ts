import { nestedAll, nestedSnapshot } from './nested-snapshots'
import { decodeSnapshot, encodeSnapshot } from './snapshot'
import { readBy, schema } from './schema'

const KIND = 'layer'
const VERSION = '2'

/** The heads of a layer: how many query heads, and how many streams they share. */
export interface LayerHeads {
  readonly queryHeads: number
  readonly kvHeads: number
}

/** Schema of the snapshots of layers. */
export const layerSchema = schema(
  {
    kind: KIND,
    version: VERSION,
    parameters: { queryHeads: { whole: true, least: 1 }, kvHeads: { whole: true, least: 1 } },
  },
  {
    'There are `kvHeads` streams, each a snapshot of its own, under `stream-0`, `stream-1`, …': (
      { parameters: { kvHeads } },
      { streams },
    ) => kvHeads === streams,
  },
)

/** The snapshot of a layer, made of its streams' snapshots, in the order of the kv-heads. */
export function encodeLayer({ queryHeads, kvHeads }: LayerHeads, streams: readonly Uint8Array[]): Uint8Array {
  const { parameters, tensors } = nestedAll(Object.fromEntries(streams.map((bytes, h) => [`stream-${h}`, bytes])))
  const heads = { queryHeads: String(queryHeads), kvHeads: String(kvHeads) }
  return encodeSnapshot({ kind: KIND, version: VERSION, parameters: { ...heads, ...parameters }, tensors })
}

/**
 * Reads the heads from a layer's snapshot, and its streams, each in the form that `merge` takes. @throws RangeError when the bytes are damaged or no
 * snapshot of a layer
 */
export function decodeLayer(
  bytes: Uint8Array,
): LayerHeads & { readonly streams: readonly { toBytes(): Uint8Array }[] } {
  const snapshot = decodeSnapshot(bytes, { kind: KIND, version: VERSION })
  const saved = Object.keys(snapshot.parameters).filter((name) => name.startsWith('stream-')).length
  const { queryHeads, kvHeads } = readBy(KIND, layerSchema, snapshot, { streams: saved }).parameters
  const streams = Array.from({ length: kvHeads }, (_, h) => ({
    toBytes: () => nestedSnapshot(snapshot, `stream-${h}`),
  }))
  return { queryHeads, kvHeads, streams }
}

/** The streams from the snapshot of a layer with the given heads. @throws RangeError as decodeLayer does, and when the heads differ */
export function layerParts(
  bytes: Uint8Array,
  { queryHeads, kvHeads }: LayerHeads,
): readonly { toBytes(): Uint8Array }[] {
  const found = decodeLayer(bytes)
  if (found.queryHeads !== queryHeads || found.kvHeads !== kvHeads)
    throw new RangeError(
      `${KIND}: heads differ: ${queryHeads} and ${kvHeads} here, ${found.queryHeads} and ${found.kvHeads} there`,
    )
  return found.streams
}
