import { checkInteger, type Matrix, type Given } from '@sublinear/core'
import { scored } from '../scored'
import { scoredMethod } from '../scored-method'
import type { Scoring } from '../scoring'

export interface LagKvOptions {
  readonly count: number
  /** Tokens of a partition. Default 128, or a quarter of the tokens after the first ones where that is less. */
  readonly lag?: number | undefined
  /** First tokens of the stream, kept for good. Default 4, or 0 where `count` is below 16. */
  readonly first?: number | undefined
}

/**
 * A policy that compares tokens with those that come next: of every partition it keeps the tokens whose keys and values vary most from
 * coordinate to coordinate, after each coordinate is scaled by its range in the next partition.
 * Source: Liang et al., LagKV: Lag-Relative Information of the KV Cache Tells Which Tokens Are Important (2025); the standard deviation divides by
 *   d − 1, as in the authors' code. Deviation: in the paper a token once selected stays for good, and the cache grows; here partitions
 *   are made anew at each selection, of the tokens that are there, so that `count` are held. Where a prompt comes in one piece it is the paper's selection, with
 *   the same number from every partition; if the number does not divide, later partitions keep one more. A coordinate that does not vary counts 0. Weights do
 *   not count.
 *
 * Guarantee: exact over the tokens held. The first tokens stay, and so do the last partition and the tokens after it, `lag` to 2·lag − 1 in all.
 * Cost: 5·(d + dv) + log lag operations a token at each selection; no bytes beside the tokens.
 *
 * @param count  tokens kept, ≥ 1; first, lag  with lag ≥ 1 and first + 2·lag − 1 ≤ count
 * @throws TypeError, RangeError when an option is no such integer
 * @example
 * const stream = lagKv({ count: 16 })({ d: 2, dv: 2, scale: 1 })
 * stream.push({ keys: matrix(100, 2), values: matrix(100, 2) })
 * console.log(stream.tokens, stream.bytes) // 100 1344
 */
export const lagKv = scored<LagKvOptions, Given<LagKvOptions>>({
  name: 'lagKv',
  source: 'Liang et al., LagKV: Lag-Relative Information of the KV Cache Tells Which Tokens Are Important (2025)',
  learns: 'nothing',
  settle({ count, first = count < 16 ? 0 : 4, lag }) {
    checkInteger('lagKv', 'first', first, 0, count - 1)
    const wide = lag ?? Math.max(1, Math.min(128, Math.floor((count - first) / 4)))
    checkInteger('lagKv', 'lag', wide, 1, Math.floor((count + 1 - first) / 2))
    return { count, lag: wide, first }
  },
  score,
})

export const lagKvMethod = scoredMethod(lagKv, {
  fewest: ({ lag, first = lag === undefined ? 0 : 4 }) => first + 2 * (lag ?? 1) - 1,
})

/**
 * The rank of each token in its partition; for first tokens, and where no partition follows its own, `lag`, which is above all ranks. So first tokens stay: of n tokens n − count
 * leave, and since count ≥ first + 2·lag − 1, at least as many have ranks.
 */
function score(tokens: Scoring, { lag, first }: Given<LagKvOptions>): Float64Array {
  const out = new Float64Array(tokens.count).fill(lag)
  const states = [tokens.keys(), tokens.values()]
  for (let from = first; from + 2 * lag <= tokens.count; from += lag) {
    const [ofKeys, ofValues] = states.map((side) => softmax(deviations(side, from, lag)))
    const information = ofKeys.map((share, i) => share + ofValues[i])
    const ascending = Array.from(information.keys()).toSorted((a, b) => information[a] - information[b])
    for (const [rank, i] of ascending.entries()) out[from + i] = rank
  }
  return out
}

/** Standard deviations over the coordinates of `lag` rows, each scaled by its range in the `lag` rows after them. */
function deviations({ cols, data }: Matrix, from: number, lag: number): Float64Array {
  const low = new Float64Array(cols).fill(Infinity)
  const high = new Float64Array(cols).fill(-Infinity)
  for (let i = (from + lag) * cols; i < (from + 2 * lag) * cols; i++) {
    low[i % cols] = Math.min(low[i % cols], data[i])
    high[i % cols] = Math.max(high[i % cols], data[i])
  }
  return Float64Array.from({ length: lag }, (_, i) => {
    const row = data.subarray((from + i) * cols, (from + i + 1) * cols)
    const scaled = Float64Array.from(row, (x, c) => (high[c] > low[c] ? (x - low[c]) / (high[c] - low[c]) : 0))
    const mean = scaled.reduce((a, b) => a + b) / cols
    return Math.sqrt(scaled.reduce((sum, x) => sum + (x - mean) ** 2, 0) / Math.max(1, cols - 1))
  })
}

function softmax(logits: Float64Array): Float64Array {
  const most = logits.reduce((a, b) => Math.max(a, b))
  const powers = logits.map((x) => Math.exp(x - most))
  const total = powers.reduce((a, b) => a + b)
  return powers.map((x) => x / total)
}
