import { decodeSnapshot, type AttentionStream, type FeatureMap } from '@sublinear/core'
import { restoreExactStream } from '@sublinear/exact-attention'
import { restoreClosureStream, restoreFeatureStream } from '@sublinear/streaming-attention'
import {
  restoreClusters,
  restoreFarKeys,
  restoreH2o,
  restoreQuantisedStream,
  restoreReservoir,
  restoreSinks,
  restoreSnapKv,
  restoreStreamingLlm,
  restoreTova,
  restoreWindow,
} from '../src'

const kinds: Record<string, (bytes: Uint8Array) => AttentionStream> = {
  closure: restoreClosureStream,
  clusters: restoreClusters,
  exact: restoreExactStream,
  'far-keys': restoreFarKeys,
  h2o: restoreH2o,
  quantised: restoreQuantisedStream,
  reservoir: restoreReservoir,
  sinks: restoreSinks,
  'snap-kv': restoreSnapKv,
  'streaming-llm': restoreStreamingLlm,
  tova: restoreTova,
  window: restoreWindow,
}

/** What `open` of the attention package does for the parts that these tests use. */
export function openPart(features: FeatureMap) {
  return (bytes: Uint8Array): AttentionStream => {
    const { kind } = decodeSnapshot(bytes)
    if (kind === 'feature') return restoreFeatureStream(features, bytes)
    return (kinds[kind] ?? restoreExactStream)(bytes)
  }
}
