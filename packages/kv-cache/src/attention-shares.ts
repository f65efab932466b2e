import type { KvBlock, Matrix, PartialSoftmax } from '@sublinear/core'
import type { HeldTokens } from '@sublinear/exact-attention'
import { kernels } from '@sublinear/kernels'

/** Softmax levels of some queries: all of a partial softmax but its sums. */
export type Levels = Pick<PartialSoftmax, 'max' | 'mass'>

/**
 * The shares of the whole softmax that queries give to some tokens: e^{scale·⟨q, k⟩ + log w − max} / mass.
 *
 * @param total  of each query over everything that it saw; keys, weights  of the tokens
 * @returns rows × count; at most 1 / mass, also for a token that the query did not see
 */
export function attentionShares(
  queries: Matrix,
  { max, mass }: Levels,
  keys: Matrix,
  weights: Float32Array | undefined,
  scale: number,
): Float32Array {
  const { rows, cols: d } = queries
  const count = keys.rows
  const shares = new Float32Array(rows * count)
  if (rows === 1) kernels().product('nt', shares, keys.data, queries.data, count, d, 1)
  else kernels().product('nt', shares, queries.data, keys.data, rows, d, count)
  const logs = weights ? weights.map(Math.log) : new Float32Array(count)
  for (let r = 0, at = 0; r < rows; r++) {
    const top = max[r]!
    const level = mass[r]! > 0 ? Math.log(mass[r]!) : Infinity
    for (let j = 0; j < count; j++, at++) shares[at] = Math.min(0, scale * shares[at]! + logs[j]! - top) - level
  }
  kernels().exp(shares, shares, shares.length)
  return shares
}

/**
 * How much of the softmax of some queries goes to each token held, in stream order, and then to each row of a block: sums over the queries.
 */
export function receivedShares(
  { queries, total }: { readonly queries: Matrix; readonly total: Levels },
  held: HeldTokens,
  slots: readonly number[],
  block: KvBlock,
  scale: number,
): Float64Array {
  const out = new Float64Array(slots.length + block.keys.rows)
  if (queries.rows === 0) return out
  const { weights } = held
  const count = slots.length
  const rows = count + block.keys.rows
  const keys = new Float32Array(rows * queries.cols)
  keys.set(held.readKeys().data)
  keys.set(block.keys.data, count * queries.cols)
  const all = (weights || block.weights) && new Float32Array(rows).fill(1)
  if (weights) all!.set(weights)
  if (block.weights) all!.set(block.weights, count)
  const shares = attentionShares(queries, total, { rows, cols: queries.cols, data: keys }, all, scale)
  for (let r = 0; r < queries.rows; r++)
    for (let i = 0; i < rows; i++) out[i]! += shares[r * rows + (i < count ? slots[i]! : i)]!
  return out
}

/** For each entry whether it is not among the `leaving` lowest of the first `candidates`; of equals the earlier leave. */
export function allButLowest(scores: Float64Array, leaving: number, candidates = scores.length): Uint8Array {
  const stays = new Uint8Array(scores.length).fill(1)
  if (leaving <= 0) return stays
  const limit = scores.slice(0, candidates).toSorted()[leaving - 1]!
  let equals = leaving
  for (let i = 0; i < candidates; i++) if (scores[i]! < limit) equals--
  for (let i = 0; i < candidates; i++) {
    if (scores[i]! < limit || (scores[i] === limit && equals-- > 0)) stays[i] = 0
  }
  return stays
}
