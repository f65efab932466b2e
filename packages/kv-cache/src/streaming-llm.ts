import { checkInteger, type Shape } from '@sublinear/core'
import type { HeldTokens } from '@sublinear/exact-attention'
import { joined, part } from './blocks'
import {
  checkTokenOptions,
  tierSnapshot,
  tokenTier,
  type Policy,
  type TokenOptions,
  type TokenTier,
  type TokenTierOptions,
} from './token-tier'
import { restoredRing, ring } from './window'

const KIND = 'streaming-llm'

export interface StreamingLlmOptions extends TokenOptions {
  /** Of the tokens held, the first of the stream. Default 4, the paper's. */
  readonly sinks?: number
}

/**
 * A tier that keeps the first `sinks` tokens and the last `count` − `sinks`.
 * Source: Xiao et al., Efficient Streaming Language Models with Attention Sinks (2023). Deviation: keys keep the positions that they
 *   came with, where the paper counts positions within the cache.
 *
 * @param count  tokens kept, > sinks; sinks  those kept for good, ≥ 0; store  how they are held (float32)
 * @throws TypeError, RangeError when one is no such integer or store no function
 * Guarantee: exact over the tokens held; the oldest that is no sink leaves first. The same tokens as `sinks` and `window` one after the other.
 * Cost: the store's, 4·(d + dv) bytes a token in float32; admitting copies each token in and out once.
 */
export function streamingLlm(options: StreamingLlmOptions): (shape: Shape) => TokenTier {
  checkTokenOptions('streamingLlm', options)
  const kept = checked(options.count, options.sinks ?? 4)
  return (shape) => tokenTier({ ...shape, ...described(options, kept) })
}

/** A tier of streamingLlm from its snapshot, resuming bit for bit. @throws RangeError when the bytes are damaged or of another kind */
export function restoreStreamingLlm(bytes: Uint8Array): TokenTier {
  const { snapshot, count, store, ...shape } = tierSnapshot(KIND, bytes)
  const kept = checked(count, Number(snapshot.parameters['sinks']))
  return tokenTier({ ...shape, ...described({ count, store }, kept) }, snapshot)
}

function checked(count: number, sinks: number): number {
  checkInteger('streamingLlm', 'sinks', sinks, 0)
  checkInteger('streamingLlm', 'count', count, sinks + 1)
  return sinks
}

function described({ count, store }: TokenOptions, sinks: number): Omit<TokenTierOptions, 'd' | 'dv' | 'scale'> {
  return {
    kind: KIND,
    count,
    store,
    merging: 'ordered',
    identity: { sinks: String(sinks) },
    policy: (held, snapshot) => firstAndLast(held, count, sinks, restoredRing(KIND, held, count, sinks, snapshot)),
  }
}

/** Sinks in the slots before `sinks`, a ring over the others. */
function firstAndLast(held: HeldTokens, count: number, sinks: number, next: number): Policy {
  const last = ring(held, count, next, sinks)
  return {
    ...last,
    admit(block, dropped) {
      const { rows } = block.keys
      const kept = Math.min(rows, Math.max(0, sinks - held.count))
      held.write(block, 0, kept, held.count)
      const rest = part(block, kept, rows)
      return rest && last.admit(rest, dropped)
    },
    inOrder: () => joined(held.read(0, Math.min(sinks, held.count)), last.inOrder!()) ?? held.read(0, 0),
  }
}
