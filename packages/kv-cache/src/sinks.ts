import type { Shape } from '@sublinear/core'
import type { HeldTokens } from '@sublinear/exact-attention'
import { part } from './blocks'
import {
  checkTokenOptions,
  tierSnapshot,
  tokenTier,
  type Policy,
  type TokenOptions,
  type TokenTier,
  type TokenTierOptions,
} from './token-tier'

const KIND = 'sinks'

/**
 * A tier that keeps the first `count` tokens for good: attention sinks.
 * Source: Xiao et al., Efficient Streaming Language Models with Attention Sinks (2023).
 *
 * @param count  tokens kept, ≥ 1; store  how they are held (float32)
 * @throws TypeError, RangeError when count is no integer ≥ 1 or store no function
 * Guarantee: exact over the tokens held, which never leave.
 * Cost: the store's, 4·(d + dv) bytes a token in float32.
 */
export function sinks(options: TokenOptions): (shape: Shape) => TokenTier {
  checkTokenOptions('sinks', options)
  return (shape) => tokenTier({ ...shape, ...described(options) })
}

/** Sinks from their snapshot, resuming bit for bit. @throws RangeError when the bytes are damaged or of another kind */
export function restoreSinks(bytes: Uint8Array): TokenTier {
  const { snapshot, count, store, ...shape } = tierSnapshot(KIND, bytes)
  return tokenTier({ ...shape, ...described({ count, store }) }, snapshot)
}

function described({ count, store }: TokenOptions): Omit<TokenTierOptions, 'd' | 'dv' | 'scale'> {
  return { kind: KIND, count, store, merging: 'ordered', policy: (held) => first(held, count) }
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
