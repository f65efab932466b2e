import type { KvBlock, Shape } from '@sublinear/core'
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

const KIND = 'window'

/**
 * A tier that keeps the last `count` tokens, in a ring.
 * Source: sliding-window attention; with sinks before it, Xiao et al. (2023).
 *
 * @param count  tokens kept, ≥ 1; store  how they are held (float32)
 * @throws TypeError, RangeError when count is no integer ≥ 1 or store no function
 * Guarantee: exact over exactly the last `count` tokens admitted; the oldest leaves first.
 * Cost: the store's, 4·(d + dv) bytes a token in float32; admitting copies each token in and out once.
 */
export function window(options: TokenOptions): (shape: Shape) => TokenTier {
  checkTokenOptions('window', options)
  return (shape) => tokenTier({ ...shape, ...described(options) })
}

/** A window from its snapshot, resuming bit for bit. @throws RangeError when the bytes are damaged or of another kind */
export function restoreWindow(bytes: Uint8Array): TokenTier {
  const { snapshot, count, store, ...shape } = tierSnapshot(KIND, bytes)
  return tokenTier({ ...shape, ...described({ count, store }) }, snapshot)
}

function described({ count, store }: TokenOptions): Omit<TokenTierOptions, 'd' | 'dv' | 'scale'> {
  return {
    kind: KIND,
    count,
    store,
    merging: 'ordered',
    policy(held, snapshot) {
      const next = Number(snapshot?.parameters['next'] ?? 0)
      const isSlot = Number.isInteger(next) && next >= 0 && next < count
      if (!isSlot || (held.count < count && next !== held.count))
        throw new RangeError(`${KIND}: the tensors of the snapshot do not fit its parameters`)
      return ring(held, count, next)
    },
  }
}

/** The i-th token admitted lies in slot i mod count; `next` is the slot of the next one, and of the oldest once the ring is full. */
function ring(held: HeldTokens, count: number, next: number): Policy {
  /** The oldest `rows` tokens. */
  const oldest = (rows: number): KvBlock | undefined => {
    const start = held.count < count ? 0 : next
    const before = Math.min(rows, held.count - start)
    return joined(held.read(start, before), held.read(0, rows - before))
  }
  return {
    admit(block) {
      const { rows } = block.keys
      const leaving = Math.max(0, held.count + rows - count)
      const old = Math.min(leaving, held.count)
      const left = joined(old > 0 ? oldest(old) : undefined, part(block, 0, leaving - old))
      for (let from = leaving - old; from < rows;) {
        const slot = (next + from) % count
        const run = Math.min(rows - from, count - slot)
        held.write(block, from, run, slot)
        from += run
      }
      next = (next + rows) % count
      return left
    },
    inOrder: () => oldest(held.count) ?? held.read(0, 0),
    saved: () => ({ parameters: { next: String(next) } }),
  }
}
