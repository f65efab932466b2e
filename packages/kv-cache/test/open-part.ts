import { decodeSnapshot, type AttentionStream, type FeatureMap } from '@sublinear/core'
import { restoreExactStream } from '@sublinear/exact-attention'
import { restoreClosureStream, restoreFeatureStream } from '@sublinear/streaming-attention'
import { restoreFarKeys, restoreSinks, restoreWindow } from '../src'

/** What `open` of the attention package does for the parts that these tests use. */
export function openPart(features: FeatureMap) {
  return (bytes: Uint8Array): AttentionStream => {
    const { kind } = decodeSnapshot(bytes)
    if (kind === 'feature') return restoreFeatureStream(features, bytes)
    if (kind === 'closure') return restoreClosureStream(bytes)
    if (kind === 'sinks') return restoreSinks(bytes)
    if (kind === 'window') return restoreWindow(bytes)
    if (kind === 'far-keys') return restoreFarKeys(bytes)
    return restoreExactStream(bytes)
  }
}
