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
 * Cost: the store's, 4·(d + dv) bytes a token in float32; admitting copies each token in and out once.
 *
 * @param count  tokens kept, ≥ 1; store  how they are held (float32); buffer  tokens that wait where it stands alone (64)
 * @throws TypeError, RangeError when one is no such integer or store no token store
 * @example
 * const stream = window({ count: 16 })({ d: 2, dv: 2, scale: 1 })
 * stream.push({ keys: matrix(100, 2), values: matrix(100, 2) })
 * console.log(stream.tokens, stream.bytes) // 100 1280
 */
export function window(options: TokenOptions): (shape: Shape) => TokenTier {
  checkTokenOptions(KIND, options)
  return (shape) => live(shape, options)
}

/** A window from its snapshot, resuming bit for bit. @throws RangeError when the bytes are damaged or of another kind */
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

/** The slot to be filled next, as snapshots have it. */
export const ringSchema = schema(
  { parameters: { next: COUNT } },
  {
    '`next` is a slot of the ring, and the first without a token where there is one.': (
      { parameters: { next } },
      { room, held },
    ) => next < room && (held === room || next === Math.max(0, held)),
  },
)

/** The slot to be filled next, counted from `first`, of the slots `first` … count − 1. */
export function restoredRing(kind: string, held: HeldTokens, count: number, first: number, snapshot?: State): number {
  if (!snapshot) return 0
  return readBy(kind, ringSchema, snapshot, { room: count - first, held: held.count - first }).parameters.next
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
