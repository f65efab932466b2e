import { checkInteger, checkOptions } from '@sublinear/core'
import type { TokenStore } from '@sublinear/token-store'

/** The most tokens that wait before a tier that stands alone, and the default. */
export const MOST_BUFFER = 64

/** Options of every policy that holds tokens. */
export interface TokenOptions {
  /** Tokens held, ≥ 1. */
  readonly count: number
  /** How they are held: in float32 (the default) or `quantised({ keyBits, valueBits })`. */
  readonly store?: TokenStore | undefined
  /** Tokens that wait before the policy where the tier stands alone, 1 to 64. Default 64. In tiers they wait before the first. */
  readonly buffer?: number | undefined
}

/** Names of those. */
export const SIZES = ['count', 'store', 'buffer']
/**
 * @param own  names of the policy's own options
 * @throws TypeError, RangeError when an option is unknown, count no integer ≥ 1, store no token store or buffer no integer from 1 to 64
 */
export function checkTokenOptions(who: string, options: TokenOptions, own: readonly string[] = []): void {
  checkOptions(who, options, [...SIZES, ...own])
  checkSizes(who, options)
}

/** The sizes among options, for a tier. */
export function sizesOf({ count, store, buffer }: TokenOptions): TokenOptions {
  return { count, ...(store !== undefined && { store }), ...(buffer !== undefined && { buffer }) }
}

/** @throws TypeError, RangeError as checkTokenOptions, for the sizes alone */
export function checkSizes(who: string, { count, store, buffer }: TokenOptions): void {
  checkInteger(who, 'count', count, 1)
  if (buffer !== undefined) checkInteger(who, 'buffer', buffer, 1, MOST_BUFFER)
  if (store !== undefined && typeof store?.make !== 'function')
    throw new TypeError(`${who}: store must be a token store, got ${typeof store}`)
}
