import { rowsOf } from '@sublinear/core'
import type { AttentionStream, Matrix, PartialSoftmax, Shape } from '@sublinear/attention'

/**
 * Exact attention to a share of the tokens, for every query those of its largest scores: what a cache would answer that dropped the others with
 * foresight. Nothing is saved: a yardstick, read causally through `step`.
 *
 * @param share  of the tokens that a query sees, in (0, 1]; at least one stays
 */
export function largestScores({ d, dv, scale }: Shape, share: number): AttentionStream {
  let [keys, values, tokens] = [new Float32Array(64 * d), new Float32Array(64 * dv), 0]

  const push = (block: { readonly keys: Matrix; readonly values: Matrix }) => {
    const needed = tokens + block.keys.rows
    if (needed * d > keys.length) [keys, values] = [grown(keys, 2 * needed * d), grown(values, 2 * needed * dv)]
    keys.set(block.keys.data, tokens * d)
    values.set(block.values.data, tokens * dv)
    tokens = needed
  }

  /** Row i sees `first + i` tokens, at most all. */
  const answer = (queries: Matrix, first: number): PartialSoftmax => {
    const { rows } = queries
    const sum = { rows, cols: dv, data: new Float32Array(rows * dv) }
    const partial = { max: new Float32Array(rows), mass: new Float64Array(rows), sum }
    for (let i = 0; i < rows; i++) {
      const scores = scoresOf(rowsOf(queries, i, i + 1).data, keys, Math.min(tokens, first + i), scale)
      const sorted = scores.toSorted()
      const least = sorted[sorted.length - Math.max(1, Math.round(share * sorted.length))]
      const most = sorted.at(-1)!
      const row = new Float64Array(dv)
      for (let j = 0; j < scores.length; j++) {
        if (scores[j] < least) continue
        const weight = Math.exp(scores[j] - most)
        partial.mass[i] += weight
        for (let c = 0; c < dv; c++) row[c] += weight * values[j * dv + c]
      }
      sum.data.set(row, i * dv)
      partial.max[i] = most
    }
    return partial
  }

  return {
    d,
    dv,
    scale,
    merging: 'none',
    get tokens() {
      return tokens
    },
    get bytes() {
      return 4 * tokens * (d + dv)
    },
    push,
    attend: (queries) => answer(queries, tokens),
    step(block, queries) {
      const before = tokens
      push(block)
      return answer(queries, before + 1)
    },
    merge() {
      throw new RangeError('largestScores: cannot merge, merging is none')
    },
    toBytes() {
      throw new RangeError('largestScores: has no snapshot')
    },
    fork() {
      throw new RangeError('largestScores: cannot be forked')
    },
    reset() {
      throw new RangeError('largestScores: cannot be reset')
    },
  }
}

function grown(old: Float32Array<ArrayBuffer>, length: number): Float32Array<ArrayBuffer> {
  const next = new Float32Array(length)
  next.set(old)
  return next
}

function scoresOf(query: Float32Array, keys: Float32Array, count: number, scale: number): Float32Array {
  const d = query.length
  const scores = new Float32Array(count)
  for (let j = 0; j < count; j++) {
    let dot = 0
    for (let c = 0; c < d; c++) dot += query[c] * keys[j * d + c]
    scores[j] = scale * dot
  }
  return scores
}
