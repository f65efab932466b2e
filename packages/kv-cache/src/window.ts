import { checkInteger, type KvBlock, type Shape } from '@sublinear/core'
import type { HeldTokens } from '@sublinear/exact-attention'
import { joined, part } from './blocks'
import { tierSnapshot, tokenTier, type Policy, type TokenTier, type TokenTierOptions } from './token-tier'

const KIND = 'window'

/**
 * A tier that keeps the last `count` tokens, in a ring.
 * Source: sliding-window attention; with sinks before it, Xiao et al. (2023).
 *
 * @param count  tokens kept, ≥ 1
 * @throws TypeError, RangeError when count is no integer ≥ 1
 * Guarantee: exact over exactly the last `count` tokens admitted; the oldest leaves first.
 * Cost: 4·(d + dv + 1) bytes a token held; admitting copies each token in and out once.
 */
export function window({ count }: { readonly count: number }): (shape: Shape) => TokenTier {
  checkInteger('window', 'count', count, 1)
  return (shape) => tokenTier({ ...shape, ...options(count) })
}

/** A window from its snapshot, resuming bit for bit. @throws RangeError when the bytes are damaged or of another kind */
export function restoreWindow(bytes: Uint8Array): TokenTier {
  const { snapshot, count, ...shape } = tierSnapshot(KIND, bytes)
  return tokenTier({ ...shape, ...options(count) }, snapshot)
}

function options(count: number): Omit<TokenTierOptions, 'd' | 'dv' | 'scale'> {
  return {
    kind: KIND,
    count,
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
