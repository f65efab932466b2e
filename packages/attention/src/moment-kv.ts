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
  /** Tokens held. */
  readonly count: number
  /** Tokens that wait before they are chosen among, 1 to 64. Default 64. */
  readonly buffer?: number | undefined
}

/**
 * Tokens that a summary of the others would get wrong, in float32, and that summary: their count, mean key, mean value, and covariance of values with keys.
 * Source: MomentKV (Li, Li, Lan, arXiv 2606.01563, 2026), as `misfit` and `firstOrderStream` have it, with their deviations.
 *
 * Guarantee: exact over the tokens held; right to first order for the others. Merging is 'none'.
 * Cost: that of its parts; 16 tokens more wait before the summary.
 *
 * @param d, dv, scale  the shape; count  tokens held; buffer  tokens that wait
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

/** Tokens and their summary from a snapshot, resuming bit for bit; `open` restores a part. @throws RangeError as restoreTiers */
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
