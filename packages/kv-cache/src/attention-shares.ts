import type { KvBlock, Matrix } from '@sublinear/core'
import type { HeldTokens, Levels } from '@sublinear/token-store'
import { attentionKernels } from '@sublinear/kernels'

/** The share of some queries' softmax that each held token receives, in stream order, and then each row of a block: sums over the queries. */
export function receivedShares(
  { queries, total }: { readonly queries: Matrix; readonly total: Levels },
  held: HeldTokens,
  slots: readonly number[],
  { keys, weights }: KvBlock,
  scale: number,
): Float64Array {
  const out = new Float64Array(slots.length + keys.rows)
  const bySlot = new Float64Array(slots.length)
  held.addShares(bySlot, queries, total)
  for (const [i, slot] of slots.entries()) out[i] = bySlot[slot]
  attentionKernels().addShares(out.subarray(slots.length), {
    queries: queries.data,
    keys: keys.data,
    ...total,
    ...(weights && { bias: weights.map(Math.log) }),
    rows: queries.rows,
    d: queries.cols,
    cols: keys.rows,
    scale,
  })
  return out
}

/** Says for each entry whether it stays: the `leaving` lowest of the first `candidates` do not; of equals, the earlier leave. NaN is below all numbers. */
export function allButLowest(given: Float64Array, leaving: number, candidates = given.length): Uint8Array {
  const stays = new Uint8Array(given.length).fill(1)
  if (leaving <= 0) return stays
  const scores = given.map((score) => (Number.isNaN(score) ? -Infinity : score))
  const limit = ranked(scores.subarray(0, candidates), leaving)
  let equals = leaving
  for (let i = 0; i < candidates; i++) if (scores[i] < limit) equals--
  for (let i = 0; i < candidates; i++) {
    if (scores[i] < limit || (scores[i] === limit && equals-- > 0)) stays[i] = 0
  }
  return stays
}

/** Numbers of a sample that says below which number the lowest lie. */
const SAMPLE = 128
/** Places in the sample by which the number is chosen too high: a sample that says too little costs a sort of all. */
const SPARE = 6

/** The number at place 1, 2, … of all numbers in order: those below a number of a sample are sorted, and all where these are too few. */
function ranked(numbers: Float64Array, place: number): number {
  const stride = Math.ceil(numbers.length / SAMPLE)
  const sample = new Float64Array(Math.ceil(numbers.length / stride))
  for (let i = 0; i < sample.length; i++) sample[i] = numbers[i * stride]
  const most = sample.toSorted()[Math.ceil(place / stride) + SPARE] // undefined where the place is near the end
  let [below, upTo] = [0, 0]
  for (const x of numbers) {
    if (x < most) below++
    if (x <= most) upTo++
  }
  if (below < place && place <= upTo) return most
  if (below < place) return numbers.toSorted()[place - 1]
  const few = new Float64Array(below)
  let at = 0
  for (const x of numbers) if (x < most) few[at++] = x
  return few.toSorted()[place - 1]
}
