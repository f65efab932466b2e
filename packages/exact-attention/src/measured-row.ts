import type { PartialSoftmax, Spread } from '@sublinear/core'

/** Terms below which a variance is no estimate: the distribution of Student has none at 2. */
const FEWEST_TERMS = 4

/** Variance of the mass over its square beyond which a ratio has no normal error: a standard error of 18 %. */
const MOST_OF_MASS = 1 / 32

/**
 * The same for the mass by a sample that judges a summary, 10 %: where few tokens take the mass, the samples that look sound are those that did not draw them, and of such rows
 * bars cover 0.85.
 */
const MOST_TO_JUDGE = 1 / 100

/** Entries of an answer below which they are too few to judge a summary by. */
const FEWEST_ENTRIES = 4

/**
 * Standard error that a unit of a spread is worth in a row, Student's width for its terms included, and whether these are too few or the mass too uncertain.
 *
 * @param weights, fourths  of the spread; share  a unit of it over the mass; most  of the mass's variance over its square
 */
export function varianceOf(
  weights: number,
  fourths: number,
  share: number,
  most = MOST_OF_MASS,
): { readonly unit: number; readonly isFlagged: boolean } {
  const terms = fourths > 0 ? weights ** 2 / fourths : Infinity // nothing is a sample
  return {
    unit: share * Math.sqrt(terms > FEWEST_TERMS ? 1 / (1 - 2 / terms) : 2),
    isFlagged: terms < FEWEST_TERMS || weights * share * share > most,
  }
}

/** Standard errors within which 95 % of a normal distribution lie, on both sides and on one. */
const [BOTH, ONE] = [1.96, 1.645]

/**
 * The squares of what bars of 95 % of a row have for a standard error where summaries answer and samples of the tokens that they stand for judge them.
 * Source: not from the papers; docs/error-bars.md has the reasons. Entry by entry a sample differs from the summary by g, and has a standard error s of its own. Were
 *   the summary right, the mean of (g/s)² over the entries were 1; what it has more is the summary's squared error in units of s². The mean has itself a standard error,
 *   √(2/entries) as for normal numbers: it is added, and the worth never below two of it. With errors that are normal with that variance, an entry's is
 *   then normal around r·g with deviation √r·s, r = worth/(1 + worth), and 95 % of it lie within the bar, which is half as wide as that interval around 0.
 *
 * Guarantee: none. It is an estimate that rests on the entries of a row being off by amounts of one kind.
 */
export function measuredRow(
  { mass, sum }: PartialSoftmax,
  spread: Spread,
  r: number,
  level: number,
): { readonly squares: Float64Array; readonly isFlagged: boolean } {
  const { cols } = sum
  const { gaps, gapMass, sampleSquares, sampleProducts, sampleWeights, sampleFourths } = spread
  const squares = new Float64Array(cols) // s² first
  const total = mass[r] + level * gapMass[r] // the sample's mass in the place of the summary's
  if (!(total > 0)) return { squares, isFlagged: true }
  const { unit, isFlagged } = varianceOf(sampleWeights[r], sampleFourths[r], level / total, MOST_TO_JUDGE)
  const answer = (c: number) => sum.data[r * cols + c] / mass[r]
  const gap = (c: number) => (level / total) * (gaps[r * cols + c] - answer(c) * gapMass[r])
  let [ratio, count] = [0, 0]
  for (let c = 0, i = r * cols; c < cols; c++, i++) {
    const square = sampleSquares[i] - 2 * answer(c) * sampleProducts[i] + answer(c) ** 2 * sampleWeights[r]
    squares[c] = unit * unit * Math.max(0, square)
    if (squares[c] === 0) continue
    ratio += gap(c) ** 2 / squares[c]
    count++
  }
  const noise = Math.sqrt(2 / Math.max(1, count))
  const entries = Math.max(count, FEWEST_ENTRIES)
  const worth = Math.max(ratio / Math.max(1, count) - 1 + noise, 2 * noise) / (1 - 2 / entries)
  const share = worth / (1 + worth)
  for (let c = 0; c < cols; c++) {
    const deviation = Math.sqrt(share * squares[c])
    // Where s is 0 the sample is all tokens, and the gap is the error.
    squares[c] = deviation > 0 ? (deviation * halfWidth((share * gap(c)) / deviation)) ** 2 : gap(c) ** 2
  }
  return { squares, isFlagged: isFlagged || (count > 0 && count < FEWEST_ENTRIES) }
}

/** The half-width of the interval around 0 in which 95 % of a normal distribution of deviation 1 around a centre lie, over 1.96: to 0.3 % of them, never fewer. */
function halfWidth(centre: number): number {
  const away = Math.abs(centre)
  const rest = BOTH - ONE
  return (away + ONE + rest * Math.exp(-away / rest)) / BOTH
}
