import { checkInteger, type Given } from '@sublinear/core'
import { scored } from '../scored'
import { scoredMethod } from '../scored-method'
import { sumOfHeads, type ScorePolicy } from '../scoring'

const KIND = 'snapKv'
const SOURCE = 'Li et al., SnapKV: LLM Knows What You are Looking for Before Generation (2024)'
const POOLS = ['average', 'max', 'none'] as const

/** Smoothing of attention over neighbouring tokens, before selection. */
export interface Pool {
  readonly kind: (typeof POOLS)[number]
  /** Number of neighbours, the token itself among them; odd. */
  readonly size: number
}

export interface SnapKvOptions {
  /** Tokens held, ≥ 2. */
  readonly count: number
  /** Last tokens, whose queries select and which all stay. Default 32, as in the paper, or half of `count` where that is less. */
  readonly window?: number | undefined
  /** Smoothing of a token's attention over its neighbours. Default: the largest of 7. */
  readonly pool?: Pool | undefined
}

/**
 * A tier that keeps the last `window` tokens, and of the tokens before them those to which the queries of the window give the most attention, smoothed
 * over neighbours.
 * Source: Li et al., SnapKV: LLM Knows What You are Looking for Before Generation (2024). Deviation: the paper selects once, when the prompt is
 *   complete; here a selection is made every 64 tokens, among the tokens still held, so neighbours are neighbours among these. (A prompt of at most
 *   count + 64 tokens is selected from as in the paper.) Shares are smoothed head by head, then added up over the query heads of the group.
 *
 * Guarantee: that of `scored`. A selection sees only queries that were given to `step` before it; before the first query, the oldest tokens leave.
 * Cost: the bytes of the store, 4 more a token, and 4·d + 12 for each query of the window; every 64 tokens the scores of the window's queries.
 *
 * @param count  tokens kept, ≥ 2; window  last tokens that select, 1 … count − 1; pool  kind and odd size; store, buffer  as in `window`
 * @throws TypeError, RangeError when an option is no such integer, pool no such record, or store no token store
 * @example
 * const stream = snapKv({ count: 64 })({ d: 2, dv: 2, scale: 1 })
 * stream.step({ keys: matrix(100, 2), values: matrix(100, 2) }, matrix(100, 2))
 * stream.tokens // 100
 */
export const snapKv = scored(snapKvPolicy(KIND, SOURCE))

/** The policy of snapKv under a name of its own, since `pyramidKv` selects in the same way. */
export function snapKvPolicy(name: string, source: string): ScorePolicy<SnapKvOptions, Given<SnapKvOptions>> {
  return {
    name,
    source,
    learns: 'lastQueries',
    settle({ count, window = Math.min(32, Math.floor(count / 2)), pool = { kind: 'max', size: 7 } }) {
      checkInteger(name, 'count', count, 2)
      checkInteger(name, 'window', window, 1, count - 1)
      return { count, window, pool: checkedPool(name, pool) }
    },
    stays: ({ window }) => ({ recent: window }),
    asks: ({ window }) => window,
    score({ count, shares }, { window, pool }) {
      const before = count - window
      const out = new Float64Array(count)
      out.set(
        sumOfHeads(
          shares!().map((own) => pooled(own.subarray(0, before), pool)),
          before,
        ),
      )
      return out
    },
  }
}

function checkedPool(name: string, pool: Pool): Pool {
  if (!POOLS.includes(pool?.kind))
    throw new TypeError(`${name}: pool must have a kind, one of ${POOLS.join(', ')}, and a size`)
  const { kind, size } = pool
  checkInteger(name, 'pool.size', size, 1)
  if (size % 2 === 0) throw new RangeError(`${name}: pool.size must be odd, got ${size}`)
  return { kind, size }
}

/** The largest of the `size` entries around each entry, or their mean, with zeros beyond either end. */
function pooled(shares: Float64Array, { kind, size }: Pool): Float64Array {
  if (kind === 'none') return shares
  const reach = (size - 1) / 2
  const out = new Float64Array(shares.length)
  for (let i = 0; i < out.length; i++) {
    const end = Math.min(out.length, i + reach + 1)
    let [most, sum] = [0, 0]
    for (let j = Math.max(0, i - reach); j < end; j++) {
      const share = shares[j]
      if (share > most) most = share
      sum += share
    }
    out[i] = kind === 'max' ? most : sum / size
  }
  return out
}

export const snapKvMethod = scoredMethod(snapKv, { least: () => 2, fewest: ({ window = 1 }) => window + 1 })
