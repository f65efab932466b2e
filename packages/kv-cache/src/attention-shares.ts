import type { KvBlock, Matrix, PartialSoftmax } from '@sublinear/core'
import type { HeldTokens } from '@sublinear/token-store'
import { kernels } from '@sublinear/kernels'

/** Softmax levels of some queries: all of a partial softmax but its sums. */
export type Levels = Pick<PartialSoftmax, 'max' | 'mass'>

/**
 * Adds to `out`, query by query, what tokens receive of the whole softmax: e^{scale·⟨q, k⟩ + log w − max} / mass from each query that sees them.
 *
 * @param out  one sum a token; total  of each query over everything that it saw; keys, weights  of the tokens; causal  which of them a query
 *   sees: all where absent
 */
export function addShares(
  out: Float64Array,
  queries: Matrix,
  { max, mass }: Levels,
  keys: Matrix,
  weights: Float32Array | undefined,
  scale: number,
  causal?: { readonly visible: number; readonly groups: number },
): void {
  kernels().addShares(out, {
    queries: queries.data,
    keys: keys.data,
    max,
    mass,
    ...(weights && { bias: weights.map(Math.log) }),
    rows: queries.rows,
    d: queries.cols,
    cols: keys.rows,
    scale,
    ...(causal && { causal }),
  })
}

/**
 * How much of the softmax of some queries goes to each token held, in stream order, and then to each row of a block: sums over the queries.
 */
export function receivedShares(
  { queries, total }: { readonly queries: Matrix; readonly total: Levels },
  held: HeldTokens,
  slots: readonly number[],
  { keys, weights }: KvBlock,
  scale: number,
): Float64Array {
  const out = new Float64Array(slots.length + keys.rows)
  const bySlot = new Float64Array(slots.length)
  addShares(bySlot, queries, total, held.readKeys(), held.weights, scale)
  for (const [i, slot] of slots.entries()) out[i] = bySlot[slot]
  addShares(out.subarray(slots.length), queries, total, keys, weights, scale)
  return out
}

/** For each entry whether it is not among the `leaving` lowest of the first `candidates`; of equals the earlier leave. */
export function allButLowest(scores: Float64Array, leaving: number, candidates = scores.length): Uint8Array {
  const stays = new Uint8Array(scores.length).fill(1)
  if (leaving <= 0) return stays
  const limit = scores.slice(0, candidates).toSorted()[leaving - 1]
  let equals = leaving
  for (let i = 0; i < candidates; i++) if (scores[i] < limit) equals--
  for (let i = 0; i < candidates; i++) {
    if (scores[i] < limit || (scores[i] === limit && equals-- > 0)) stays[i] = 0
  }
  return stays
}
