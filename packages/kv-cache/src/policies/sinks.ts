import { tokensOf, type Shape } from '@sublinear/core'
import type { HeldTokens } from '@sublinear/token-store'
import { tokenMethod } from '../tier-method'
import { checkTokenOptions, type TokenOptions } from '../token-options'
import { tierSnapshot, tokenTier, type Policy, type TokenTier } from '../token-tier'

const KIND = 'sinks'
const kept = { kind: KIND, merging: 'ordered', end: 'first' } as const

/**
 * A tier that keeps the first `count` tokens for good: attention sinks.
 * Source: Xiao et al., Efficient Streaming Language Models with Attention Sinks (2023).
 *
 * Guarantee: exact over the tokens held, which never leave.
 * Cost: the bytes of the store, 4·(d + dv) a token in float32.
 *
 * @param count  tokens kept, ≥ 1; store  how they are held (default: float32); buffer  tokens that wait where the tier stands alone, 1 to 64 (default 64)
 * @throws TypeError, RangeError when count or buffer is no such integer, or store is no token store
 * @example
 * const stream = sinks({ count: 4 })({ d: 2, dv: 2, scale: 1 })
 * stream.push({ keys: matrix(100, 2), values: matrix(100, 2) })
 * console.log(stream.tokens, stream.bytes) // 100 1088
 */
export function sinks(options: TokenOptions): (shape: Shape) => TokenTier {
  checkTokenOptions(KIND, options)
  return (shape) => tokenTier({ ...shape, ...options, ...kept, policy: (held) => first(held, options.count) })
}

/** Restores sinks from their snapshot; they go on bit for bit. @throws RangeError when the bytes are damaged or of another kind */
export function restoreSinks(bytes: Uint8Array): TokenTier {
  const { snapshot, ...options } = tierSnapshot(KIND, bytes)
  return tokenTier({ ...options, ...kept, policy: (held) => first(held, options.count) }, snapshot)
}

export const sinksMethod = tokenMethod<TokenOptions>({
  name: KIND,
  source: 'Xiao et al., Efficient Streaming Language Models with Attention Sinks (2023)',
  learns: 'nothing',
  tier: sinks,
  open: restoreSinks,
})

function first(held: HeldTokens, count: number): Policy {
  return {
    admit(block) {
      const { rows } = block.keys
      const stay = Math.min(rows, count - held.count)
      held.write(block, 0, stay, held.count)
      return stay < rows ? tokensOf(block, stay, rows) : undefined
    },
    inOrder: () => held.read(),
  }
}
