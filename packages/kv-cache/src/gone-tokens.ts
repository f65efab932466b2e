import { SUM, TOTAL, readBy, schema, type KvBlock, type State, type Tensor, readAnew } from '@sublinear/core'
import type { HeldTokens } from '@sublinear/token-store'
import type { Gone } from './scoring'

const made = readAnew<GoneTokens, 'weight'>()

/** Sums over the tokens that left a tier. */
export interface GoneTokens extends Gone {
  readonly bytes: number
  /** Adds the tokens that do not stay: of those in these slots, then of a block. */
  add(held: HeldTokens, slots: readonly number[], block: KvBlock, stays: Uint8Array): void
  saved(): Record<string, Tensor>
}

/** Schema of the sums over the tokens that left: their weight, and their weighted keys and values. */
export const goneSchema = schema({
  parameters: { gone: TOTAL },
  tensors: { gone: { type: 'F64', size: 'd + dv', ...SUM } },
})

/** Makes the sums, empty or from a snapshot. @throws RangeError when the snapshot's are malformed */
export function goneTokens(kind: string, d: number, dv: number, snapshot?: State, like?: GoneTokens): GoneTokens {
  const saved = snapshot && !like && readBy(kind, goneSchema, snapshot, { 'd + dv': d + dv })
  const sum = like ? like.sum.slice() : saved ? saved.tensors.gone : new Float64Array(d + dv)
  let weight = like ? like.weight : saved ? saved.parameters.gone : 0
  const addRows = ({ keys, values, weights }: KvBlock, rows: Iterable<number>) => {
    for (const r of rows) {
      const own = weights?.[r] ?? 1
      weight += own
      for (let c = 0; c < d; c++) sum[c] += own * keys.data[r * d + c]
      for (let c = 0; c < dv; c++) sum[d + c] += own * values.data[r * dv + c]
    }
  }
  return made(
    {
      weight: () => weight,
    },
    {
      sum,
      bytes: 8 * (d + dv + 1),
      add(held, slots, block, stays) {
        const leaving = slots.filter((_, i) => stays[i] === 0)
        if (leaving.length > 0) addRows(held.readAt(leaving), leaving.keys())
        const rows = Array.from({ length: block.keys.rows }, (_, r) => r)
        addRows(
          block,
          rows.filter((r) => stays[slots.length + r] === 0),
        )
      },
      saved: () => ({ gone: { dtype: 'F64', shape: [d + dv], data: sum } }),
    },
  )
}
