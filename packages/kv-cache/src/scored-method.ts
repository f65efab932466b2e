import type { TierMethod } from '@sublinear/core'
import type { ScoredTier } from './scored'
import { tokenMethod, type TokenMethod } from './tier-method'
import type { TokenOptions } from './token-tier'

/** The record of a scored policy: what it remembers decides whether it learns from queries, and what it holds beside its store. */
export function scoredMethod<O extends TokenOptions>(
  tier: ScoredTier<O>,
  size: Pick<TokenMethod<O>, 'least' | 'options'> = {},
): TierMethod<O> {
  const { name, source, remembers } = tier.policy
  return tokenMethod<O>({
    name,
    source,
    learns: remembers ? 'queries' : 'nothing',
    tier,
    open: tier.open,
    ...size,
    beside({ d }, options, { groups = 1, tokens }, held, buffer) {
      const sums = (remembers?.received ? 8 : 0) + (remembers?.watched ? 8 : 0)
      const last = remembers?.last?.(options) ?? 0
      return (4 + sums) * held + sums * Math.min(buffer, tokens) + last * groups * (4 * d + 12)
    },
  })
}
