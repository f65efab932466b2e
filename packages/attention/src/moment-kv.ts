import {
  checkHead,
  FRAME_FEATURES,
  headOf,
  largestWithin,
  type AttentionStream,
  type Method,
  type Shape,
} from '@sublinear/core'
import { bufferAtRate, bufferWithin, misfit, misfitMethod, restoreTiers, tiers, type Tiers } from '@sublinear/kv-cache'
import { firstOrderMethod, firstOrderStream } from '@sublinear/streaming-attention'
import { waitingBytes } from '@sublinear/token-store'

const KIND = 'momentKv'
const MOST_BUFFER = 64

export interface MomentKvOptions {
  /** Number of tokens held. */
  readonly count: number
  /** Number of tokens that wait before the policy chooses among them, 1 to 64. Default 64. */
  readonly buffer?: number | undefined
}

/**
 * Makes a stream of the tokens that a summary would get wrong, in float32, and the summary of all others: their count, mean key, mean value, and the covariance
 * of values with keys.
 * Source: MomentKV (Li, Li, Lan, arXiv 2606.01563, 2026), with the deviations of `misfit` and `firstOrderStream`.
 *
 * Guarantee: exact over the tokens held; exact to first order in the scores for the others. Merging is 'none'.
 * Cost: that of its parts; 16 more tokens wait before the summary.
 *
 * @param d, dv, scale  the shape; count  number of tokens held; buffer  number of tokens that wait
 * @throws TypeError, RangeError when an option is out of range
 * @example
 * const stream = momentKv({ d: 2, dv: 2, scale: 1, count: 16 })
 * stream.push({ keys: matrix(100, 2), values: matrix(100, 2) })
 * console.log(stream.tokens, stream.bytes) // 100 1712
 */
export function momentKv(given: Shape & MomentKvOptions): Tiers {
  checkHead(KIND, given, FRAME_FEATURES, ['count', 'buffer'])
  const { d, dv, scale, count, buffer } = given
  const parts = [misfit({ count }), firstOrderStream] as const
  return tiers({ d, dv, scale, ...headOf(given), parts, name: KIND, ...(buffer !== undefined && { buffer }) })
}

/** Restores the tokens and their summary from a snapshot; they go on bit for bit. `open` restores a part. @throws RangeError as restoreTiers does */
export function restoreMomentKv(bytes: Uint8Array, open: (bytes: Uint8Array) => AttentionStream): Tiers {
  return restoreTiers(bytes, open, KIND)
}

export const momentKvMethod: Method<MomentKvOptions> = {
  name: KIND,
  source: 'Li, Li, Lan, MomentKV: Closing the Directional Gap in KV Cache Eviction (arXiv 2606.01563, 2026)',
  learns: 'nothing',
  can: FRAME_FEATURES,
  make: (shape, options) => momentKv({ ...shape, ...options }),
  bytes(shape, { count, buffer = MOST_BUFFER }, traffic) {
    const held = misfitMethod.tierBytes(shape, { count }, traffic, buffer)
    return held + firstOrderMethod.bytes(shape, {}, traffic) + waitingBytes(shape, buffer, traffic.weighted ?? false)
  },
  within(shape, budgetBytes, traffic) {
    const buffer = bufferWithin(budgetBytes, shape)
    const bytes = (count: number) => momentKvMethod.bytes(shape, { count, buffer }, traffic)
    const count = largestWithin(bytes, budgetBytes, { most: Math.min(2 ** 31, traffic.tokens) })
    return count === undefined ? undefined : { count, buffer }
  },
  atRate(_, { count, buffer = MOST_BUFFER }, rate) {
    const waiting = bufferAtRate(buffer, rate)
    return { buffer: waiting, count: Math.max(1, Math.round(count * rate)) }
  },
  open: restoreMomentKv,
}
