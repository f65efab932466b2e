import { COUNT, FINITE, readBy, schema, type KvBlock, type Matrix, type State, type Tensor } from '@sublinear/core'
import type { HeldTokens, Levels } from '@sublinear/token-store'
import { receivedShares } from './attention-shares'

interface Remembered {
  readonly groups: number
  readonly queries: Float32Array // groups a token, × d
  readonly max: Float32Array
  readonly mass: Float64Array
}

/** The queries of the last `most` tokens observed, each with the maximum and mass of its softmax. */
export interface LastQueries {
  bytes(): number
  /**
   * Attention that tokens receive from the kept queries: one array for each query head, summed over the tokens that asked. Its entries are the held tokens in
   * the order of the given slots, then the rows of a block. Empty before the first query was observed.
   */
  shares(held: HeldTokens, slots: readonly number[], block: KvBlock, scale: number): Float64Array[]
  observe(queries: Matrix, total: Levels, groups: number): void
  /** A copy of what it remembers. */
  copied(): Remembered
  saved(): { readonly parameters: Record<string, string>; readonly tensors: Record<string, Tensor> }
}

/** Schema of the last queries: `groups` for each token, each with the maximum and mass of its softmax. */
export const lastQueriesSchema = schema(
  {
    parameters: { groups: COUNT },
    tensors: {
      maxima: { type: 'F32', least: -Infinity, most: Number.MAX_VALUE },
      masses: { type: 'F64', like: 'maxima', least: 0, most: Number.MAX_VALUE },
      queries: { type: 'F32', ...FINITE },
    },
  },
  {
    'A mass is 0 or at least 2^-1000.': ({ tensors }) =>
      tensors.masses.every((mass) => mass === 0 || mass >= 2 ** -1000),
    'There are `groups` of them for each of so many tokens as the policy asks for, at most, and `d` entries of each.': (
      { parameters: { groups }, tensors: { maxima, queries } },
      { d, most },
    ) =>
      maxima.length <= most * groups &&
      queries.length === maxima.length * d &&
      (groups === 0 || maxima.length % groups === 0),
  },
)

/** Makes the memory of the last queries: empty, from a snapshot, or a copy. @throws RangeError when the snapshot's are malformed */
export function lastQueries(kind: string, d: number, most: number, snapshot?: State, like?: LastQueries): LastQueries {
  let { groups, queries, max, mass } = like
    ? like.copied()
    : snapshot
      ? restored(kind, d, most, snapshot)
      : { groups: 0, queries: new Float32Array(0), max: new Float32Array(0), mass: new Float64Array(0) }
  return {
    bytes: () => most * groups * (4 * d + 12),
    shares(held, slots, block, scale) {
      const heads = max.length > 0 ? groups : 0
      return Array.from({ length: heads }, (_, head) => {
        const own = Array.from({ length: max.length / groups }, (_, i) => i * groups + head)
        const asked = new Float32Array(own.length * d)
        for (const [i, r] of own.entries()) asked.set(queries.subarray(r * d, (r + 1) * d), i * d)
        const total = { max: Float32Array.from(own, (r) => max[r]), mass: Float64Array.from(own, (r) => mass[r]) }
        return receivedShares({ queries: { rows: own.length, cols: d, data: asked }, total }, held, slots, block, scale)
      })
    },
    observe(asked, total, per) {
      if (per !== groups) [groups, queries, max, mass] = [per, queries.slice(0, 0), max.slice(0, 0), mass.slice(0, 0)]
      const keep = most * groups
      const rows = Math.min(keep, max.length + asked.rows)
      const isFull = rows === max.length
      queries = lastOf(queries, asked.data, isFull ? queries : new Float32Array(rows * d))
      max = lastOf(max, total.max, isFull ? max : new Float32Array(rows))
      mass = lastOf(mass, total.mass, isFull ? mass : new Float64Array(rows))
    },
    copied: () => ({ groups, queries: queries.slice(), max: max.slice(), mass: mass.slice() }),
    saved: () => ({
      parameters: { groups: String(groups) },
      tensors: {
        queries: { dtype: 'F32', shape: [max.length, d], data: queries },
        maxima: { dtype: 'F32', shape: [max.length], data: max },
        masses: { dtype: 'F64', shape: [max.length], data: mass },
      },
    }),
  }
}

/** Fills `out` with the last entries of one array after the other; it may be the old one. */
function lastOf<A extends Float32Array | Float64Array>(old: A, fresh: A, out: A): A {
  const before = Math.max(0, out.length - fresh.length)
  out.set(old.subarray(old.length - before))
  out.set(fresh.subarray(Math.max(0, fresh.length - out.length)), before)
  return out
}

function restored(kind: string, d: number, most: number, snapshot: State): Remembered {
  const { parameters, tensors } = readBy(kind, lastQueriesSchema, snapshot, { d, most })
  return { groups: parameters.groups, queries: tensors.queries, max: tensors.maxima, mass: tensors.masses }
}
