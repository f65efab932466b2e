import type { ErrorBars, PartialSoftmax } from '@sublinear/core'

/** Share of w² that its relative variance may have, on average: beyond, e to the power of an error is too skew for a normal interval. */
const MOST_SKEW = 1 / 4

/**
 * The error bars of the answers that `normalise` gives of a partial softmax: a standard error an entry, and a flag a row.
 * Source: not from the papers; docs/error-bars.md has the proofs. With weights ŵ of which x·ŵ² is estimated variance and values v, the answer a of a ratio
 * of sums has variance Σ ŵ²·(x·(v − a)² + variance of v)/(Σ ŵ)², by the delta method, whose numerator is exactly centred.
 *
 * Guarantee: about 95 % of the entries of rows without a flag lie within 1.96 standard errors of the answer without the noise, for queries that do not depend
 *   on it. The noise is that of dithered codes and of samples; what a stream has forgotten is no part of it. A row is flagged where the answer rests on so few
 *   uncertain weights, or such uncertain ones, that its error has another shape than the normal.
 *
 * @param partial  of `attend(queries, { errorBars: true })` or `step`, or combined of such
 * @returns rows × dv standard errors, and a flag for each row
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
    if (spread.skewed[r] > MOST_SKEW * spread.counted[r]) flagged[r] = 1
    const unit = Math.exp(spread.level[r] - max[r]) / mass[r]
    for (let i = r * cols; i < (r + 1) * cols; i++) {
      const answer = sum.data[i] / mass[r]
      const square = spread.squares[i] - 2 * answer * spread.products[i] + answer * answer * spread.weights[r]
      data[i] = unit * Math.sqrt(Math.max(0, square))
    }
  }
  return { error: { rows, cols, data }, flagged }
}
