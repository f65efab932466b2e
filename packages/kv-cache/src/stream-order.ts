import { COUNT, readBy, schema, type KvBlock, type State, type Tensor } from '@sublinear/core'
import type { HeldTokens } from '@sublinear/token-store'

/** Held tokens by their places in the stream. Tokens that stay keep their slots; new tokens take the slots of those that leave. */
export interface StreamOrder {
  bytes(): number
  /** Slots, from the oldest token on. */
  readonly slots: readonly number[]
  /**
   * Takes in a block. `stays` has an entry for each held token, the oldest first, then for each row of the block. The tokens that do not stay are returned, in
   * stream order, unless they are `dropped`.
   */
  exchange(block: KvBlock, stays: Uint8Array, dropped?: boolean): KvBlock | undefined
  saved(): Record<string, Tensor>
}

/** Schema of the slots in stream order. */
export const orderSchema = schema(
  { tensors: { order: { type: 'U32', size: 'held', ...COUNT } } },
  {
    'Each slot stands in `order` once.': ({ tensors: { order } }, { held }) =>
      order.every((slot) => slot < held) && new Set(order).size === held,
  },
)

/** Makes the order of an empty store, restores it from a snapshot, or copies another. @throws RangeError when the snapshot's order does not fit the tokens held */
export function streamOrder(kind: string, held: HeldTokens, snapshot?: State, like?: StreamOrder): StreamOrder {
  const slots: readonly number[] = like
    ? like.slots
    : snapshot
      ? Array.from(readBy(kind, orderSchema, snapshot, { held: held.count }).tensors.order, Number)
      : []
  const self: StreamOrder & { slots: readonly number[] } = {
    bytes: () => 4 * self.slots.length,
    slots,
    exchange(block, stays, dropped) {
      const { slots } = self
      const leaving = slots.filter((_, i) => !stays[i])
      const left = dropped ? undefined : gathered(held, leaving, block, stays.subarray(slots.length))
      const next = slots.filter((_, i) => stays[i])
      let end = held.count
      let run = { from: 0, rows: 0, slot: 0 } // rows that go to consecutive slots
      for (let r = 0; r < block.keys.rows; r++) {
        if (!stays[slots.length + r]) continue
        const slot = leaving.pop() ?? end++
        next.push(slot)
        if (r === run.from + run.rows && slot === run.slot + run.rows) run.rows++
        else {
          held.write(block, run.from, run.rows, run.slot)
          run = { from: r, rows: 1, slot }
        }
      }
      held.write(block, run.from, run.rows, run.slot)
      self.slots = next
      return left
    },
    saved: () => ({ order: { dtype: 'U32', shape: [self.slots.length], data: Uint32Array.from(self.slots) } }),
  }
  return self
}

/** Collects the tokens of these slots, and then the rows of the block that do not stay. */
function gathered(store: HeldTokens, slots: readonly number[], block: KvBlock, stays: Uint8Array): KvBlock | undefined {
  const passing = Array.from(stays.keys()).filter((r) => !stays[r])
  const rows = slots.length + passing.length
  if (rows === 0) return undefined
  const held = slots.length > 0 ? store.readAt(slots) : block
  const isWeighted = store.weights !== undefined || block.weights !== undefined
  const taken = (name: 'keys' | 'values') => {
    const { cols } = block[name]
    const data = new Float32Array(rows * cols)
    let at = 0
    for (const [source, places] of [
      [held, [...slots.keys()]],
      [block, passing],
    ] as const)
      for (const i of places) {
        data.set(source[name].data.subarray(i * cols, (i + 1) * cols), at)
        at += cols
      }
    return { rows, cols, data }
  }
  return {
    keys: taken('keys'),
    values: taken('values'),
    ...(isWeighted && {
      weights: Float32Array.of(
        ...slots.map((_, i) => held.weights?.[i] ?? 1),
        ...passing.map((r) => block.weights?.[r] ?? 1),
      ),
    }),
  }
}
