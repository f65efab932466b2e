import { checkInteger, checkOptions } from '@sublinear/core'
import type { TokenStore } from '@sublinear/token-store'

/** The most tokens that wait before a tier that stands alone; also the default. */
export const MOST_BUFFER = 64

/** Options of every policy that holds tokens. */
export interface TokenOptions {
  /** Number of tokens held, ≥ 1. */
  readonly count: number
  /** Store of the tokens: float32 (the default) or `quantised({ keyBits, valueBits })`. */
  readonly store?: TokenStore | undefined
  /** Tokens that wait before the policy where the tier stands alone, 1 to 64. Default 64. In tiers they wait before the first tier. */
  readonly buffer?: number | undefined
}

/** Names of these options. */
export const SIZES = ['count', 'store', 'buffer']
/**
 * Checks the options of a policy that holds tokens.
 *
 * @param own  names of the policy's own options
 * @throws TypeError, RangeError when an option is unknown, count is no integer ≥ 1, store no token store, or buffer no integer from 1 to 64
 */
export function checkTokenOptions(who: string, options: TokenOptions, own: readonly string[] = []): void {
  checkOptions(who, options, [...SIZES, ...own])
  checkSizes(who, options)
}

/** The sizes among the options, for a tier. */
export function sizesOf({ count, store, buffer }: TokenOptions): TokenOptions {
  return { count, ...(store !== undefined && { store }), ...(buffer !== undefined && { buffer }) }
}

/** Checks the sizes alone. @throws TypeError, RangeError as checkTokenOptions does */
export function checkSizes(who: string, { count, store, buffer }: TokenOptions): void {
  checkInteger(who, 'count', count, 1)
  if (buffer !== undefined) checkInteger(who, 'buffer', buffer, 1, MOST_BUFFER)
  if (store !== undefined && typeof store?.make !== 'function')
    throw new TypeError(`${who}: store must be a token store, got ${typeof store}`)
}
