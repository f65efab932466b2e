import { checkInteger, type Shape } from '@sublinear/core'
import type { HeldTokens } from '@sublinear/exact-attention'
import { part } from './blocks'
import { tierSnapshot, tokenTier, type Policy, type TokenTier, type TokenTierOptions } from './token-tier'

const KIND = 'sinks'

/**
 * A tier that keeps the first `count` tokens for good: attention sinks.
 * Source: Xiao et al., Efficient Streaming Language Models with Attention Sinks (2023).
 *
 * @param count  tokens kept, ≥ 1
 * @throws TypeError, RangeError when count is no integer ≥ 1
 * Guarantee: exact over the tokens held, which never leave.
 * Cost: 4·(d + dv + 1) bytes a token held.
 */
export function sinks({ count }: { readonly count: number }): (shape: Shape) => TokenTier {
  checkInteger('sinks', 'count', count, 1)
  return (shape) => tokenTier({ ...shape, ...options(count) })
}

/** Sinks from their snapshot, resuming bit for bit. @throws RangeError when the bytes are damaged or of another kind */
export function restoreSinks(bytes: Uint8Array): TokenTier {
  const { snapshot, count, ...shape } = tierSnapshot(KIND, bytes)
  return tokenTier({ ...shape, ...options(count) }, snapshot)
}

function options(count: number): Omit<TokenTierOptions, 'd' | 'dv' | 'scale'> {
  return { kind: KIND, count, merging: 'ordered', policy: (held) => first(held, count) }
}

function first(held: HeldTokens, count: number): Policy {
  return {
    admit(block) {
      const { rows } = block.keys
      const kept = Math.min(rows, count - held.count)
      held.write(block, 0, kept, held.count)
      return part(block, kept, rows)
    },
    inOrder: () => held.read(),
  }
}
