import { checkInteger } from '@sublinear/core'
import { scored, type ScoredPolicy } from '../scored'
import { scoredMethod } from '../scored-method'
import type { TokenOptions } from '../token-tier'

const KIND = 'snapKv'
const SOURCE = 'Li et al., SnapKV: LLM Knows What You are Looking for Before Generation (2024)'
const POOLS = ['average', 'max', 'none'] as const

/** How attention is smoothed over neighbours, before selection. */
export interface Pool {
  readonly kind: (typeof POOLS)[number]
  /** Neighbours, the token itself among them; odd. */
  readonly size: number
}

export interface SnapKvOptions extends TokenOptions {
  /** Tokens whose queries select, and which stay themselves. Default 32, the paper's, or half of `count` where that is less. */
  readonly window?: number
  /** Default the largest of 7, the paper's. */
  readonly pool?: Pool
}

const windowOf = ({ count, window = Math.max(1, Math.min(32, Math.floor(count / 2))) }: SnapKvOptions) => window
const poolOf = ({ pool = { kind: 'max', size: 7 } }: SnapKvOptions) => pool

/**
 * A tier that keeps the last `window` tokens and those before them to which their queries give the most attention, smoothed over neighbours.
 * Source: Li et al., SnapKV: LLM Knows What You are Looking for Before Generation (2024). Deviation: the paper selects once, when the prompt is
 *   complete; here it is done anew every 64 tokens, among those still held (a prompt of count + 64 tokens or less is selected from as in the
 *   paper), so neighbours are neighbours among these. Each query head is pooled before heads are averaged.
 *
 * @param count  tokens kept, ≥ 2; window  1 … count − 1; pool  kind and odd size; store, buffer  as window has them
 * @throws TypeError, RangeError when one is no such integer, pool no such record or store no token store
 * Guarantee: that of `scored`. Selections see the queries given to `step` before them and none later; before the first the oldest tokens leave.
 * Cost: the store's, 4 bytes a token, and 4·d + 12 a query of the window; every 64 tokens the scores of the window's queries.
 */
export const snapKv = scored(snapKvPolicy(KIND, SOURCE))

/** The selection of snapKv under a name of its own: `pyramidKv` selects so, too. */
export function snapKvPolicy(name: string, source: string): ScoredPolicy<SnapKvOptions> {
  return {
    name,
    source,
    identity(options) {
      const pool = poolOf(options)
      checkInteger(name, 'count', options.count, 2)
      checkInteger(name, 'window', windowOf(options), 1, options.count - 1)
      if (typeof pool !== 'object' || !POOLS.includes(pool.kind))
        throw new TypeError(`${name}: pool must have a kind, one of ${POOLS.join(', ')}, and a size`)
      checkInteger(name, 'pool.size', pool.size, 1)
      if (pool.size % 2 === 0) throw new RangeError(`${name}: pool.size must be odd, got ${pool.size}`)
      return { window: windowOf(options), pool: pool.kind, poolSize: pool.size }
    },
    options: ({ window, pool, poolSize }) => ({
      window: Number(window),
      pool: { kind: pool as Pool['kind'], size: Number(poolSize) },
    }),
    remembers: { last: windowOf },
    newest: windowOf,
    score({ count, shares }, options) {
      const total = new Float64Array(count)
      const before = count - windowOf(options)
      for (const own of shares()) {
        const smooth = pooled(own.subarray(0, before), poolOf(options))
        for (let i = 0; i < before; i++) total[i]! += smooth[i]!
      }
      return total
    },
  }
}

/** The mean or the largest of `size` entries around each, of those that there are. */
export function pooled(scores: Float64Array, { kind, size }: Pool): Float64Array {
  const reach = (size - 1) / 2
  if (kind === 'none') return scores
  return scores.map((_, i) => {
    const near = scores.subarray(Math.max(0, i - reach), i + reach + 1)
    if (kind === 'max') return near.reduce((a, b) => Math.max(a, b))
    return near.reduce((a, b) => a + b) / size
  })
}

export const snapKvMethod = scoredMethod(snapKv, { least: () => 2 })
