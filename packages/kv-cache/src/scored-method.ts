import { checkObject, type TierMethod } from '@sublinear/core'
import { scoredFeatures, type ScoredTier } from './scored'
import type { Counted } from './scoring'
import { tokenMethod, type TokenMethod } from './tier-method'
import type { TokenOptions } from './token-options'

/** The record of a scored policy. What the policy remembers decides whether it learns from queries, and what it holds beside its store. */
export function scoredMethod<O extends Counted, S extends Counted>(
  tier: ScoredTier<O, S>,
  size: Pick<TokenMethod<O & TokenOptions>, 'least' | 'fewest' | 'options'> = {},
): TierMethod<O & TokenOptions> {
  const { name, source, learns, settle, asks, remembersGone } = checkObject('scoredMethod', tier?.policy, 'policy')
  const sums = learns === 'watched' ? 16 : learns === 'received' ? 8 : 0
  return tokenMethod<O & TokenOptions>({
    name,
    source,
    learns: learns === 'nothing' ? 'nothing' : 'queries',
    can: scoredFeatures(learns),
    tier,
    open: tier.open,
    ...size,
    beside({ d, dv }, options, { groups = 1, tokens }, held, buffer) {
      const settled = settle?.(options) ?? (options as unknown as S)
      const last = learns === 'lastQueries' ? (asks?.(settled) ?? 1) : 0
      return (
        (4 + sums) * held +
        sums * Math.min(buffer, tokens) +
        last * groups * (4 * d + 12) +
        (remembersGone ? 8 * (d + dv + 1) : 0)
      )
    },
  })
}
