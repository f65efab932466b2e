import type { KvBlock, Shape, Snapshot } from '@sublinear/core'
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
    policy: (held, snapshot) => ring(held, count, restoredRing(KIND, held, count, 0, snapshot)),
  }
}

/** Which of the slots `first` … count − 1 comes next, counted from `first` on. */
export function restoredRing(
  kind: string,
  held: HeldTokens,
  count: number,
  first: number,
  snapshot?: Snapshot,
): number {
  const next = Number(snapshot?.parameters['next'] ?? 0)
  const isSlot = Number.isInteger(next) && next >= 0 && next < count - first
  if (!isSlot || (held.count < count && next !== Math.max(0, held.count - first)))
    throw new RangeError(`${kind}: the tensors of the snapshot do not fit its parameters`)
  return next
}

/**
 * The last tokens in the slots `first` … count − 1: the i-th admitted lies in the slot i mod (count − first) of them; `next` is that of the
 * next one, and of the oldest once the ring is full.
 */
export function ring(
  held: HeldTokens,
  count: number,
  next: number,
  first = 0,
): Policy & Required<Pick<Policy, 'inOrder'>> {
  const room = count - first
  const used = () => Math.max(0, held.count - first)
  /** The oldest `rows` tokens. */
  const oldest = (rows: number): KvBlock | undefined => {
    const start = used() < room ? 0 : next
    const before = Math.min(rows, used() - start)
    return joined(held.read(first + start, before), held.read(first, rows - before))
  }
  return {
    admit(block, dropped) {
      const { rows } = block.keys
      const leaving = Math.max(0, used() + rows - room)
      const old = Math.min(leaving, used())
      const left = dropped ? undefined : joined(old > 0 ? oldest(old) : undefined, part(block, 0, leaving - old))
      // What is written wraps at most once; the lower slots first, so that none is written before those below it exist.
      const from = leaving - old
      const slot = (next + from) % room
      const wrapped = Math.max(0, slot + rows - from - room)
      held.write(block, rows - wrapped, wrapped, first)
      held.write(block, from, rows - wrapped - from, first + slot)
      next = (next + rows) % room
      return left
    },
    inOrder: () => oldest(used()) ?? held.read(0, 0),
    saved: () => ({ parameters: { next: String(next) } }),
  }
}
