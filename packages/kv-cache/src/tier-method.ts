import {
  checkObject,
  HELD_FEATURES,
  largestWithin,
  type HeadFeature,
  type Shape,
  type Tier,
  type TierMethod,
  type Traffic,
} from '@sublinear/core'
import { float32, waitingBytes } from '@sublinear/token-store'
import { MOST_BUFFER, type TokenOptions } from './token-options'

/** Fewest tokens that wait on a pilot, for speed. */
const PILOT_BUFFER = 16

/** The number of tokens that wait before a stream of a byte budget: as many as an eighth of it holds, from 1 to 64. */
export function bufferWithin(budgetBytes: number, shape: Shape): number {
  const { d, dv } = checkObject('bufferWithin', shape, 'shape')
  return Math.max(1, Math.min(MOST_BUFFER, Math.floor(budgetBytes / (8 * 4 * (d + dv)))))
}

/** The number of tokens that wait on a pilot, at the rate of a stream with this buffer: not fewer than are worth a call. */
export function bufferAtRate(buffer: number, rate: number): number {
  return Math.min(buffer, Math.max(PILOT_BUFFER, Math.round(buffer * rate)))
}

/** Description of a tier of tokens: everything that differs from one to another. */
export interface TokenMethod<O extends TokenOptions> {
  readonly name: string
  readonly source: string
  readonly learns: 'nothing' | 'queries'
  /** Features of a head that it computes. Default: those of exact answers over the tokens held. */
  readonly can?: readonly HeadFeature[] | undefined
  readonly tier: (options: O) => (shape: Shape) => Tier & Disposable
  readonly open: TierMethod['open']
  /** Options beside count, store and buffer, for this count. Default: none. */
  readonly options?: ((count: number, traffic: Traffic) => Omit<O, keyof TokenOptions>) | undefined
  /** The fewest tokens that the tier can hold. Default 1. */
  readonly least?: ((traffic: Traffic) => number) | undefined
  /** The fewest tokens that the other options allow; a rate never goes below. Default 1. */
  readonly fewest?: ((options: O) => number) | undefined
  /** Options beside count and buffer that are numbers of tokens, and so follow a rate. Default: none. */
  readonly inTokens?: readonly (keyof O)[] | undefined
  /** Whether held tokens get weights of their own once more than `count` have come. */
  readonly weighs?: boolean | undefined
  /** Whether a store of codes holds their weights in 16 bits. */
  readonly shortWeights?: boolean | undefined
  /** Bytes that the policy takes beside its store, which holds `held` tokens behind a buffer of `buffer`. Default 0. */
  readonly beside?: ((shape: Shape, options: O, traffic: Traffic, held: number, buffer: number) => number) | undefined
}

/**
 * Makes the record of a tier of tokens: its sizes follow from its store, its buffer and what its policy keeps beside them.
 *
 * Guarantee: bytes are exact for tokens that are pushed or stepped, whatever their number.
 */
export function tokenMethod<O extends TokenOptions>(method: TokenMethod<O>): TierMethod<O> {
  const {
    name,
    source,
    learns,
    tier,
    open,
    can = HELD_FEATURES,
    least = () => 1,
    fewest = () => 1,
    weighs = false,
  } = method
  const heldBytes = (shape: Shape, options: O, traffic: Traffic, stored: number, buffer: number): number => {
    const { count, store = float32 } = options
    const held = Math.min(count, stored)
    const weighted = (traffic.weighted ?? false) || (weighs && stored > count)
    return (
      store.bytes({ ...shape, most: count, ...(method.shortWeights && { shortWeights: true }) }, held, weighted) +
      (method.beside?.(shape, options, traffic, held, buffer) ?? 0)
    )
  }
  const bytes = (shape: Shape, options: O, traffic: Traffic): number => {
    const { tokens, weighted = false } = traffic
    const { buffer = MOST_BUFFER } = options
    const stored = tokens === Infinity ? Infinity : Math.max(0, tokens - (((tokens - 1) % buffer) + 1))
    return heldBytes(shape, options, traffic, stored, buffer) + waitingBytes(shape, buffer, weighted)
  }
  return {
    name,
    source,
    learns,
    can,
    tier,
    open,
    make: (shape, options) => tier(options)(shape),
    bytes,
    tierBytes: (shape, options, traffic, buffer) => heldBytes(shape, options, traffic, traffic.tokens, buffer),
    within(shape, budgetBytes, traffic) {
      const buffer = bufferWithin(budgetBytes, shape)
      const optionsOf = (count: number) => ({ count, buffer, ...method.options?.(count, traffic) }) as O
      const count = largestWithin((count) => bytes(shape, optionsOf(count), traffic), budgetBytes, {
        least: least(traffic),
        most: Math.min(2 ** 31, Math.max(least(traffic), traffic.tokens)),
      })
      return count === undefined ? undefined : optionsOf(count)
    },
    atRate(_, options, rate) {
      const { count, buffer = MOST_BUFFER } = options
      const waiting = bufferAtRate(buffer, rate)
      const held = Math.round((count + buffer) * rate) - waiting
      const scaled = (method.inTokens ?? []).filter((name) => options[name] !== undefined)
      return {
        ...options,
        ...Object.fromEntries(scaled.map((name) => [name, (options[name] as number) * rate])),
        buffer: waiting,
        count: Math.max(fewest(options), held),
      }
    },
  }
}
