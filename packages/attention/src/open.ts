import { decodeSnapshot, restoreLayer, type AttentionStream, type Layer, type Method } from '@sublinear/core'
import { restoreMeasured, restoreTiers } from '@sublinear/kv-cache'
import { openFeatureStream } from '@sublinear/streaming-attention'
import { catalogue } from './catalogue'

/** Openers of streams that are no methods, by kind: compositions of parts, and features of any map. */
const compositions: Readonly<Record<string, Method['open']>> = {
  tiers: (bytes, open) => restoreTiers(bytes, open),
  feature: openFeatureStream,
  measured: (bytes, open) => restoreMeasured(bytes, open),
}

/** Names of the functions that open other snapshots than those of attention streams, by kind. */
const others: Readonly<Record<string, string>> = {
  'cross-attention': 'openCrossAttention',
  'exact-recovery': 'restoreExactRecovery',
  'frequent-items': 'restoreFrequentItems',
  'heavy-hitters': 'restoreHeavyHitters',
  layer: 'open',
  'one-pass': 'openOnePass',
  'query-sketch': 'restoreQuerySketch',
  sketch: 'restoreSketch',
}

/**
 * Opens an attention stream from its snapshot, whatever its kind; it goes on bit for bit. (For a snapshot of something else, the error names the function to use.)
 *
 * @param methods  methods whose snapshots may come, also as parts of others. Default: the catalogue
 * @throws RangeError when the bytes are damaged or of no known kind
 * @example openStream(exactStream({ d: 2, dv: 2, scale: 1 }).toBytes()).tokens // 0
 */
export function openStream(bytes: Uint8Array, methods: readonly Method[] = catalogue): AttentionStream & Disposable {
  const { kind } = decodeSnapshot(bytes)
  const open = (part: Uint8Array) => openStream(part, methods)
  const method = methods.find(({ name }) => name === kind)
  if (method) return method.open(bytes, open)
  if (Object.hasOwn(compositions, kind)) return compositions[kind](bytes, open)
  const quoted = JSON.stringify(kind)
  if (Object.hasOwn(others, kind))
    throw new RangeError(`openStream: a snapshot of kind ${quoted} is no attention stream, use ${others[kind]}`)
  const known = [...methods.map(({ name }) => name), ...Object.keys(compositions)].join(', ')
  throw new RangeError(`openStream: no stream of kind ${quoted}, known: ${known}`)
}

/**
 * Opens a stream or a layer from its snapshot, whatever its kind; it goes on bit for bit. Both can be pushed to, asked, forked and saved; a layer has `streams`.
 *
 * @param methods  methods whose snapshots may come, also as parts of others. Default: the catalogue
 * @throws RangeError as openStream does
 */
export function open(
  bytes: Uint8Array,
  methods: readonly Method[] = catalogue,
): (AttentionStream & Disposable) | Layer {
  const stream = (part: Uint8Array) => openStream(part, methods)
  return decodeSnapshot(bytes).kind === 'layer' ? restoreLayer(bytes, stream) : stream(bytes)
}
