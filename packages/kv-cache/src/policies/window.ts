import {
  COUNT,
  joinedTokens,
  readBy,
  schema,
  tokensOf,
  type KvBlock,
  type Shape,
  type State,
  type Given,
} from '@sublinear/core'
import type { HeldTokens } from '@sublinear/token-store'
import { tokenMethod } from '../tier-method'
import { checkTokenOptions, type TokenOptions } from '../token-options'
import { tierSnapshot, tokenTier, type Policy, type TokenTier } from '../token-tier'

const KIND = 'window'

/**
 * A tier that keeps the last `count` tokens, in a ring.
 * Source: sliding-window attention; with sinks before it, Xiao et al. (2023).
 *
 * Guarantee: exact over exactly the last `count` tokens admitted; the oldest leaves first.
 * Cost: the bytes of the store, 4·(d + dv) a token in float32; each token is copied in once and out once.
 *
 * @param count  tokens kept, ≥ 1; store  how they are held (default: float32); buffer  tokens that wait where the tier stands alone, 1 to 64 (default 64)
 * @throws TypeError, RangeError when count or buffer is no such integer, or store is no token store
 * @example
 * const stream = window({ count: 16 })({ d: 2, dv: 2, scale: 1 })
 * stream.push({ keys: matrix(100, 2), values: matrix(100, 2) })
 * console.log(stream.tokens, stream.bytes) // 100 1280
 */
export function window(options: TokenOptions): (shape: Shape) => TokenTier {
  checkTokenOptions(KIND, options)
  return (shape) => live(shape, options)
}

/** Restores a window from its snapshot; it goes on bit for bit. @throws RangeError when the bytes are damaged or of another kind */
export function restoreWindow(bytes: Uint8Array): TokenTier {
  const { snapshot, ...options } = tierSnapshot(KIND, bytes)
  return live(options, options, snapshot)
}

export const windowMethod = tokenMethod<TokenOptions>({
  name: KIND,
  source: 'sliding-window attention',
  learns: 'nothing',
  tier: window,
  open: restoreWindow,
})

function live(shape: Shape, options: TokenOptions, snapshot?: State): TokenTier {
  const { count } = options
  return tokenTier(
    {
      ...shape,
      ...options,
      kind: KIND,
      merging: 'ordered',
      end: 'newest',
      policy: (held, from) => ring(held, count, restoredRing(KIND, held, count, 0, from?.snapshot)),
    },
    snapshot,
  )
}

/** Schema of a ring: the slot to be filled next. */
export const ringSchema = schema(
  { parameters: { next: COUNT } },
  {
    '`next` is a slot of the ring, and the first without a token where there is one.': (
      { parameters: { next } },
      { room, held },
    ) => next < room && (held === room || next === Math.max(0, held)),
  },
)

/** The slot to be filled next, from a snapshot, counted from `first`: one of the slots `first` … count − 1. */
export function restoredRing(kind: string, held: HeldTokens, count: number, first: number, snapshot?: State): number {
  if (!snapshot) return 0
  return readBy(kind, ringSchema, snapshot, { room: count - first, held: held.count - first }).parameters.next
}

/**
 * A ring of the last tokens in the slots `first` … count − 1: token i lies in slot first + i mod (count − first). `next` is the slot of the next token, and of
 * the oldest once the ring is full.
 */
export function ring(
  held: HeldTokens,
  count: number,
  next: number,
  first = 0,
): Policy & Given<Pick<Policy, 'inOrder'>> {
  const room = count - first
  const used = () => Math.max(0, held.count - first)
  /** The oldest `rows` tokens. */
  const oldest = (rows: number): KvBlock | undefined => {
    if (rows === 0) return undefined
    const start = used() < room ? 0 : next
    const before = Math.min(rows, used() - start)
    return joinedTokens(held.read(first + start, before), held.read(first, rows - before))
  }
  return {
    admit(block, dropped) {
      const { rows } = block.keys
      const leaving = Math.max(0, used() + rows - room)
      const old = Math.min(leaving, used())
      const left = dropped
        ? undefined
        : joinedTokens(old > 0 ? oldest(old) : undefined, tokensOf(block, 0, leaving - old))
      // A write wraps at most once. The lower slots are written first, since a slot exists only when those below it do.
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
