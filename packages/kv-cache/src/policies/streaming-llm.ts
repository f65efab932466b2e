import { checkInteger, joinedTokens, tokensOf, type Shape, type State } from '@sublinear/core'
import type { HeldTokens } from '@sublinear/token-store'
import { tokenMethod } from '../tier-method'
import { checkTokenOptions, sizesOf, type TokenOptions } from '../token-options'
import { tierSnapshot, tokenTier, type Policy, type TokenTier } from '../token-tier'
import { restoredRing, ring } from './window'

const KIND = 'streamingLlm'
/** Default number of first tokens kept, as in the paper. */
const SINKS = 4

export interface StreamingLlmOptions extends TokenOptions {
  /** Tokens kept because they are the first of the stream. Default 4, as in the paper. */
  readonly sinks?: number | undefined
}

/**
 * A tier that keeps the first `sinks` tokens and the last `count` − `sinks`.
 * Source: Xiao et al., Efficient Streaming Language Models with Attention Sinks (2023). Deviation: keys keep the positions that they
 *   came with, where the paper counts positions within the cache.
 *
 * Guarantee: exact over the tokens held; the oldest token that is no sink leaves first. It holds the same tokens as tiers of `sinks` and `window`.
 * Cost: the bytes of the store, 4·(d + dv) a token in float32; each token is copied in once and out once.
 *
 * @param count  tokens kept, > sinks; sinks  first tokens among them, kept for good, ≥ 0 (default 4); store  how they are held (default: float32);
 *   buffer  tokens that wait where the tier stands alone, 1 to 64 (default 64)
 * @throws TypeError, RangeError when an option is no such integer, or store is no token store
 * @example
 * const stream = streamingLlm({ count: 16 })({ d: 2, dv: 2, scale: 1 })
 * stream.push({ keys: matrix(100, 2), values: matrix(100, 2) })
 * console.log(stream.tokens, stream.bytes) // 100 1280
 */
export function streamingLlm(options: StreamingLlmOptions): (shape: Shape) => TokenTier {
  checkTokenOptions(KIND, options, ['sinks'])
  const sinks = checked(options.count, options.sinks ?? SINKS)
  return (shape) => live(shape, options, sinks)
}

/** Restores a streamingLlm tier from its snapshot; it goes on bit for bit. @throws RangeError when the bytes are damaged or of another kind */
export function restoreStreamingLlm(bytes: Uint8Array): TokenTier {
  const { snapshot, ...options } = tierSnapshot(KIND, bytes)
  return live(options, options, checked(options.count, Number(snapshot.parameters['sinks'])), snapshot)
}

export const streamingLlmMethod = tokenMethod<StreamingLlmOptions>({
  name: KIND,
  source: 'Xiao et al., Efficient Streaming Language Models with Attention Sinks (2023)',
  learns: 'nothing',
  tier: streamingLlm,
  open: restoreStreamingLlm,
  least: () => SINKS + 1,
  fewest: ({ sinks = SINKS }) => sinks + 1,
})

function checked(count: number, sinks: number): number {
  checkInteger(KIND, 'sinks', sinks, 0)
  checkInteger(KIND, 'count', count, sinks + 1)
  return sinks
}

function live(shape: Shape, options: TokenOptions, sinks: number, snapshot?: State): TokenTier {
  const { count } = options
  return tokenTier(
    {
      ...shape,
      ...sizesOf(options),
      kind: KIND,
      merging: 'ordered',
      identity: { sinks: String(sinks) },
      policy: (held, from) => firstAndLast(held, count, sinks, restoredRing(KIND, held, count, sinks, from?.snapshot)),
    },
    snapshot,
  )
}

/** The policy: sinks in the slots before `sinks`, a ring over the others. */
function firstAndLast(held: HeldTokens, count: number, sinks: number, next: number): Policy {
  const last = ring(held, count, next, sinks)
  return {
    ...last,
    admit(block, dropped) {
      const { rows } = block.keys
      const kept = Math.min(rows, Math.max(0, sinks - held.count))
      held.write(block, 0, kept, held.count)
      return kept < rows ? last.admit(tokensOf(block, kept, rows), dropped) : undefined
    },
    inOrder: () => joinedTokens(held.read(0, Math.min(sinks, held.count)), last.inOrder()) ?? held.read(0, 0),
  }
}
