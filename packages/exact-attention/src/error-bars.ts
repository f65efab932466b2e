import type { ErrorBars, PartialSoftmax } from '@sublinear/core'

/** Fewest terms from which a variance can be estimated: the distribution of Student has no variance at 2. */
const FEWEST_TERMS = 4

/** Largest variance of the mass over its square for which a ratio has a normal error: a standard error of 18 %. */
const MOST_OF_MASS = 1 / 32

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
 * @param partial  a partial that `attend(queries, { errorBars: true })` or `step` returned, or a combination of such partials
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
    const terms = spread.fourths[r] > 0 ? spread.weights[r] ** 2 / spread.fourths[r] : Infinity // 0 terms mean that nothing is a sample
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
