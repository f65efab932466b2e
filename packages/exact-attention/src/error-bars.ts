import { checkObject } from '@sublinear/core'
import type { ErrorBars, PartialSoftmax } from '@sublinear/core'
import { measuredRow, varianceOf } from './measured-row'

/**
 * Computes the error bars of the answers that `normalise` makes of a partial softmax: a standard error for each entry, and a flag for each row.
 * Source: not from the papers; docs/error-bars.md has the proofs. With weights ŵ whose estimated variance is x·ŵ², and values v, an answer a, which is a ratio
 *   of sums, has the variance Σ ŵ²·(x·(v − a)² + variance of v)/(Σ ŵ)², by the delta method; the numerator is exactly centred.
 *
 * Guarantee: about 95 % of the entries of rows without a flag lie within 1.96 standard errors of the answer without the noise, for queries that do not depend
 *   on it. The noise is that of dithered codes and of samples; tokens that a stream has forgotten are not counted. A row is flagged where its answer rests on so few
 *   weights, or on such uncertain ones, that its error is far from normal. With a sample, the variance itself is an estimate from ν terms, as Satterthwaite
 *   counts them: bars are wider by the deviation of Student's distribution, √(ν/(ν − 2)). Below 4 terms a row is flagged; so is a row whose mass has a
 *   standard error of more than 18 %, since an answer that two tokens share then has no normal error.
 *
 *   What `measured` streams add is no standard error of a known noise: it is judged by a sample of the same tokens, and `measured` says in which rows.
 *
 * @param partial  of `attend(queries, { errorBars: true })` or `step`, or combined of such; rows  default: those of the partial; fewer for the partial of a layer, whose heads then stand side
 *   by side in a row, which is flagged, or measured, where one of them is
 * @returns rows × dv (heads·dv) standard errors, and two flags for each row
 * @throws TypeError when it was asked for without error bars; RangeError when the rows of the partial are no multiple of `rows`
 */
export function errorBars(partial: PartialSoftmax, rows?: number): ErrorBars {
  checkObject('errorBars', partial, 'partial')
  const { max, mass, sum, spread } = partial
  if (!spread) throw new TypeError('errorBars: the partial must be asked for with { errorBars: true }')
  const { cols } = sum
  const among = rows ?? sum.rows
  const heads = sum.rows === among ? 1 : sum.rows / among
  if (!Number.isInteger(heads))
    throw new RangeError(`errorBars: rows must divide the ${sum.rows} rows of the partial, got ${among}`)
  const data = new Float32Array(sum.rows * cols)
  const flagged = spread.flags.slice()
  for (let r = 0; r < sum.rows; r++) {
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
  const any = (of: Uint8Array) =>
    Uint8Array.from({ length: among }, (_, r) => Number(of.subarray(r * heads, (r + 1) * heads).includes(1)))
  return { error: { rows: among, cols: heads * cols, data }, flagged: any(flagged), measured: any(spread.measured) }
}
