import { balanceKvMethod, mergeReduceMethod, momentCoresetMethod } from '@sublinear/balance-kv'
import type { Method } from '@sublinear/core'
import { exactMethod } from '@sublinear/exact-attention'
import {
  autoMethod,
  autoStream as autoStreamOf,
  clustersMethod,
  curMethod,
  entropyCodedMethod,
  farKeysMethod,
  h2oMethod,
  keyDiffMethod,
  keyNormMethod,
  lagKvMethod,
  misfitMethod,
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
import {
  anisotropicMethod,
  closureMethod,
  firstOrderMethod,
  meanMethod,
  taylorMethod,
} from '@sublinear/streaming-attention'
import { endlessMethod } from './endless'
import { farClosureMethod } from './far-closure'
import { momentKvMethod } from './moment-kv'

const streams: readonly Method[] = [
  exactMethod,
  quantisedMethod,
  entropyCodedMethod,
  sinksMethod,
  windowMethod,
  streamingLlmMethod,
  h2oMethod,
  tovaMethod,
  snapKvMethod,
  pyramidKvMethod,
  observedAttentionMethod,
  keyNormMethod,
  keyDiffMethod,
  lagKvMethod,
  curMethod,
  misfitMethod,
  reservoirMethod,
  clustersMethod,
  farKeysMethod,
  farClosureMethod,
  momentKvMethod,
  endlessMethod,
  meanMethod,
  firstOrderMethod,
  closureMethod,
  taylorMethod,
  anisotropicMethod,
  balanceKvMethod,
  momentCoresetMethod,
  mergeReduceMethod,
]

/**
 * Every method of these packages, once. Whatever enumerates streams enumerates this list, or one that it is given: with a method of your own added, or a single
 * method.
 */
export const catalogue: readonly Method[] = [...streams, autoMethod(streams)]

/**
 * An attention stream within a byte budget, made of a stack of tiers. The stack may name any of `methods`.
 *
 * Guarantee: bytes ≤ budgetBytes after every call; exact over the tokens held, as their store rounds them.
 * Cost: that of its tiers.
 *
 * @throws TypeError, RangeError when an option is out of range, or the budget is too small
 *
 * @example
 * const stream = autoStream({ d: 2, dv: 2, scale: 1, budgetBytes: 8000, tokens: 1000 })
 * stream.push({ keys: matrix(100, 2), values: matrix(100, 2) })
 * console.log(stream.tokens, stream.bytes) // 100 1672
 */
export function autoStream(options: AutoStreamOptions, methods: readonly Method[] = streams): AutoStream {
  return autoStreamOf(options, methods)
}
