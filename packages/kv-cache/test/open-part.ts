import { decodeSnapshot, type AttentionStream, type FeatureMap, type Method } from '@sublinear/core'
import { exactMethod } from '@sublinear/exact-attention'
import { closureMethod, restoreFeatureStream } from '@sublinear/streaming-attention'
import {
  clustersMethod,
  farKeysMethod,
  h2oMethod,
  pyramidKvMethod,
  quantisedMethod,
  reservoirMethod,
  sinksMethod,
  snapKvMethod,
  streamingLlmMethod,
  tovaMethod,
  windowMethod,
} from '../src'

const methods: readonly Pick<Method, 'name' | 'open'>[] = [
  closureMethod,
  clustersMethod,
  exactMethod,
  farKeysMethod,
  h2oMethod,
  pyramidKvMethod,
  quantisedMethod,
  reservoirMethod,
  sinksMethod,
  snapKvMethod,
  streamingLlmMethod,
  tovaMethod,
  windowMethod,
]

/** Opens the parts that these tests use, as `openStream` of the attention package does. */
export function openPart(features: FeatureMap) {
  return function open(bytes: Uint8Array): AttentionStream {
    const { kind } = decodeSnapshot(bytes)
    if (kind === 'feature') return restoreFeatureStream(features, bytes)
    return (methods.find(({ name }) => name === kind) ?? exactMethod).open(bytes, open)
  }
}
