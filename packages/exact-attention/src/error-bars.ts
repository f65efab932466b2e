import type { ErrorBars, PartialSoftmax } from '@sublinear/core'

/** Terms below which a variance is no estimate: the distribution of Student has none at 2. */
const FEWEST_TERMS = 4

/** Variance of the mass over its square beyond which a ratio has no normal error: a standard error of 18 %. */
const MOST_OF_MASS = 1 / 32

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
    if (spread.skewed[r] > 0) flagged[r] = 1
    const share = Math.exp(spread.level[r] - max[r]) / mass[r]
    const terms = spread.fourths[r] > 0 ? spread.weights[r] ** 2 / spread.fourths[r] : Infinity // nothing is a sample
    if (terms < FEWEST_TERMS || spread.weights[r] * share * share > MOST_OF_MASS) flagged[r] = 1
    const unit = share * Math.sqrt(terms > FEWEST_TERMS ? 1 / (1 - 2 / terms) : 2)
    for (let i = r * cols; i < (r + 1) * cols; i++) {
      const answer = sum.data[i] / mass[r]
      const square = spread.squares[i] - 2 * answer * spread.products[i] + answer * answer * spread.weights[r]
      data[i] = unit * Math.sqrt(Math.max(0, square))
    }
  }
  return { error: { rows, cols, data }, flagged }
}
