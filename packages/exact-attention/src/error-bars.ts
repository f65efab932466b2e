import type { ErrorBars, PartialSoftmax } from '@sublinear/core'
import { measuredRow, varianceOf } from './measured-row'

/**
 * The error bars of the answers that `normalise` gives of a partial softmax: a standard error an entry, and a flag a row.
 * Source: not from the papers; docs/error-bars.md has the proofs. With weights ŵ of which x·ŵ² is estimated variance and values v, the answer a of a ratio
 * of sums has variance Σ ŵ²·(x·(v − a)² + variance of v)/(Σ ŵ)², by the delta method, whose numerator is exactly centred.
 *
 * Guarantee: about 95 % of the entries of rows without a flag lie within 1.96 standard errors of the answer without the noise, for queries that do not depend
 *   on it. The noise is that of dithered codes and of samples; what a stream has forgotten is no part of it. A row is flagged where the answer rests on so few
 *   uncertain weights, or such uncertain ones, that its error has another shape than the normal. Of a sample the variance itself is an estimate of so many
 *   terms ν, as Satterthwaite counts them: its bars are wider by the deviation of Student's distribution, √(ν/(ν − 2)); below 4 terms
 *   a row is flagged, and so is one whose mass has a standard error of more than 18 %: two tokens that share an answer have no normal error then.
 *
 *   What `measured` streams add is no standard error of a known noise: it is judged by a sample of the same tokens, and `measured` says in which rows.
 *
 * @param partial  of `attend(queries, { errorBars: true })` or `step`, or combined of such
 * @returns rows × dv standard errors, and two flags for each row
 * @throws TypeError when it was asked for without error bars
 */
export function errorBars(partial: PartialSoftmax): ErrorBars {
  const { max, mass, sum, spread } = partial
  if (!spread) throw new TypeError('errorBars: the partial must be asked for with { errorBars: true }')
  const { rows, cols } = sum
  const data = new Float32Array(rows * cols)
  const flagged = spread.flags.slice()
  for (let r = 0; r < rows; r++) {
    if (spread.level[r] === -Infinity || !(mass[r] > 0)) continue
    if (spread.skewed[r] > 0) flagged[r] = 1
    const level = Math.exp(spread.level[r] - max[r])
    const { weights, fourths } = spread
    const known = varianceOf(weights[r], fourths[r], level / mass[r])
    if (known.isFlagged) flagged[r] = 1
    const judged = spread.measured[r] ? measuredRow(partial, spread, r, level) : undefined
    if (judged?.isFlagged) flagged[r] = 1
    for (let c = 0, i = r * cols; c < cols; c++, i++) {
      const answer = sum.data[i] / mass[r]
      const square = spread.squares[i] - 2 * answer * spread.products[i] + answer * answer * weights[r]
      data[i] = Math.sqrt(known.unit * known.unit * Math.max(0, square) + (judged?.squares[c] ?? 0))
    }
  }
  return { error: { rows, cols, data }, flagged, measured: spread.measured.slice() }
}
