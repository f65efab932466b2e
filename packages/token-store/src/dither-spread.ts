import { raiseSpread, type Spread } from '@sublinear/core'

/** Largest share of w² that its variance may have, on average: beyond it, the error is too skew for a normal interval. */
const MOST_SKEW = 0.25

/** Scores of one query row for a block of tokens in dithered codes, with the decoded tokens. */
export interface ScoredBlock {
  readonly row: number
  /** Slot of the first of the tokens. */
  readonly first: number
  /** Scores, without what the dither adds on average. */
  readonly logits: Float64Array
  /** Values in turned coordinates, without their centre. */
  readonly values: Float64Array
  /** Half the steps of key and value, two a token. */
  readonly halves: Float64Array
  /** τ of a token: the variance of its weight over the square of its mean. */
  readonly variance: (t: number) => number
}

/**
 * Adds the uncertainty of dithered codes to a spread: for a weight ŵ the share τ/(1 + τ) of its square, since E ŵ² = (1 + τ)·w²; for every value h²/3.
 *
 * @param values  values of the block, as they are answered; shift  the number that the centre of the keys adds to every score
 */
export function widenByCodes(spread: Spread, block: ScoredBlock, values: Float64Array, shift: number): void {
  const { row, logits, halves, variance } = block
  const dv = spread.squares.length / spread.level.length
  raiseSpread(spread, row, logits.reduce((a, b) => Math.max(a, b), -Infinity) + shift)
  for (const [t, logit] of logits.entries()) {
    const square = Math.exp(2 * (logit + shift - spread.level[row]))
    const tau = variance(t)
    const own = tau / (1 + tau)
    const noise = halves[2 * t + 1] ** 2 / 3
    spread.skewed[row] += square * (tau - MOST_SKEW)
    spread.weights[row] += square * own
    for (let c = 0, i = row * dv; c < dv; c++, i++) {
      const v = values[t * dv + c]
      spread.squares[i] += square * (own * (v * v - noise) + noise)
      spread.products[i] += square * own * v
    }
  }
}
