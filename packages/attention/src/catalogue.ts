import { balanceKvMethod, mergeReduceMethod, momentCoresetMethod } from '@sublinear/balance-kv'
import type { Method } from '@sublinear/core'
import { exactMethod } from '@sublinear/exact-attention'
import {
  autoMethod,
  autoStream as autoStreamOf,
  clustersMethod,
  curMethod,
  farKeysMethod,
  h2oMethod,
  keyDiffMethod,
  keyNormMethod,
  lagKvMethod,
  observedAttentionMethod,
  pyramidKvMethod,
  quantisedMethod,
  reservoirMethod,
  sinksMethod,
  snapKvMethod,
  streamingLlmMethod,
  tovaMethod,
  windowMethod,
  type AutoStream,
  type AutoStreamOptions,
} from '@sublinear/kv-cache'
import { anisotropicMethod, closureMethod, meanMethod, taylorMethod } from '@sublinear/streaming-attention'
import { farClosureMethod } from './far-closure'

const streams: readonly Method[] = [
  exactMethod as Method,
  quantisedMethod as Method,
  sinksMethod as Method,
  windowMethod as Method,
  streamingLlmMethod as Method,
  h2oMethod as Method,
  tovaMethod as Method,
  snapKvMethod as Method,
  pyramidKvMethod as Method,
  observedAttentionMethod as Method,
  keyNormMethod as Method,
  keyDiffMethod as Method,
  lagKvMethod as Method,
  curMethod as Method,
  reservoirMethod as Method,
  clustersMethod as Method,
  farKeysMethod as Method,
  farClosureMethod as Method,
  meanMethod as Method,
  closureMethod as Method,
  taylorMethod as Method,
  anisotropicMethod as Method,
  balanceKvMethod as Method,
  momentCoresetMethod as Method,
  mergeReduceMethod as Method,
]

/**
 * Every method of these packages, once. Whatever enumerates streams enumerates this list, or one that it is given: yours with a method of your own,
 * or a single method.
 */
export const catalogue: readonly Method[] = [...streams, autoMethod(streams) as Method]

/** An attention stream within a byte budget, by a stack of tiers; see `AutoStream`. The stack may name any of `methods`. */
export function autoStream(options: AutoStreamOptions, methods: readonly Method[] = streams): AutoStream {
  return autoStreamOf(options, methods)
}
