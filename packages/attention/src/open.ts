import { restoreBalanceKv, restoreMergeReduce } from '@sublinear/balance-kv'
import { decodeSnapshot, type AttentionStream } from '@sublinear/core'
import { restoreExactStream } from '@sublinear/exact-attention'
import {
  restoreClusters,
  restoreFarKeys,
  restoreH2o,
  restoreQuantisedStream,
  restoreReservoir,
  restoreSinks,
  restoreSnapKv,
  restoreStreamingLlm,
  restoreTiers,
  restoreTova,
  restoreWindow,
} from '@sublinear/kv-cache'
import { restoreFeatures } from '@sublinear/poly-features'
import { restoreClosureStream, restoreFeatureStream, restoreMeanStream } from '@sublinear/streaming-attention'
import { restoreAutoStream } from './auto/auto-stream'
import { restoreMomentCoreset } from './moment-coreset'

const kinds: Record<string, (bytes: Uint8Array, parameters: Record<string, string>) => AttentionStream> = {
  auto: (bytes) => restoreAutoStream(bytes, open),
  'balance-kv': restoreBalanceKv,
  closure: restoreClosureStream,
  clusters: restoreClusters,
  exact: restoreExactStream,
  'far-keys': restoreFarKeys,
  feature: (bytes, { features = '' }) => restoreFeatureStream(restoreFeatures(features), bytes),
  h2o: restoreH2o,
  reservoir: restoreReservoir,
  mean: restoreMeanStream,
  'merge-reduce': (bytes) => restoreMergeReduce(bytes),
  quantised: restoreQuantisedStream,
  'moment-coreset': restoreMomentCoreset,
  sinks: restoreSinks,
  'snap-kv': restoreSnapKv,
  'streaming-llm': restoreStreamingLlm,
  tiers: (bytes) => restoreTiers(bytes, open),
  tova: restoreTova,
  window: restoreWindow,
}

/** What brings back a snapshot that is no attention stream. */
const others: Record<string, string> = {
  'cross-attention': 'openCrossAttention',
  heads: 'restoreHeads',
  'one-pass': 'openOnePass',
  'query-sketch': 'restoreQuerySketch',
  sketch: 'restoreSketch',
}

/**
 * An attention stream from its snapshot, whatever its kind, resuming bit for bit. (Others have their own: the message says which.)
 *
 * @throws RangeError when the bytes are damaged or of no known kind
 */
export function open(bytes: Uint8Array): AttentionStream {
  const { kind, parameters } = decodeSnapshot(bytes)
  const restore = Object.hasOwn(kinds, kind) ? kinds[kind] : undefined
  if (!restore && Object.hasOwn(others, kind))
    throw new RangeError(`open: a snapshot of kind ${JSON.stringify(kind)} is no attention stream, use ${others[kind]}`)
  if (!restore)
    throw new RangeError(`open: no stream of kind ${JSON.stringify(kind)}, known: ${Object.keys(kinds).join(', ')}`)
  return restore(bytes, parameters)
}
