import { checkObject, raiseSpread, type KvBlock, type Matrix, type Shape, type Spread } from '@sublinear/core'

/** Fewest tokens, counted by their weights, that are a sample by which others can be judged. */
const FEWEST = 50

/**
 * Times that the variance of scores may be what it is under their weights. Of normal scores the two are equal, but the second is too small where the heaviest tokens are missing. Where it is less than
 * half, scores have no such tail, as those of two kinds of tokens, and the second is taken. Chosen on heads, which do not tell 2 from 3 (evidence/error-bars).
 */
const MOST_TIMES = 2
/** Variance beyond which e to its power says no more. */
const MOST_VARIANCE = 30

/**
 * Adds the uncertainty of a sample to a spread: x·w² for the weight of a token that stands for others.
 * Source: Horvitz and Thompson (1952); for a uniform sample of m of n tokens without replacement, x = (1 − m/n)·m/(m − 1) gives the variance of a ratio as in
 * textbooks (Cochran, 1977).
 *
 * Guarantee: none where the tokens that decide the answer were not drawn. A row is flagged where the weights of the sample count as fewer than 50 equal ones. The heaviest tokens
 *   are the likeliest to be missing; of normal scores with variance σ² m tokens count as m·e^{−σ²}, drawn or not, and `unseen` has what the variance is larger by that.
 *
 * @param block  the tokens held, with the weights that they count with; unsure  x of each; softcap  of the scores, as of the shape
 */
export function widenBySample(
  spread: Spread,
  queries: Matrix,
  block: KvBlock,
  unsure: Float64Array,
  shape: Pick<Shape, 'scale' | 'softcap'>,
): void {
  const { keys, values, weights } = checkObject('widenBySample', block, 'block')
  const { scale, softcap } = shape
  const capped = (score: number) => (softcap === undefined ? score : softcap * Math.tanh(score / softcap))
  const { cols: d } = keys
  const { cols: dv } = values
  const logits = new Float64Array(keys.rows)
  for (let r = 0; r < queries.rows; r++) {
    let level = -Infinity
    for (let t = 0; t < keys.rows; t++) {
      let score = 0
      for (let c = 0; c < d; c++) score += queries.data[r * d + c] * keys.data[t * d + c]
      logits[t] = capped(scale * score) + Math.log(weights?.[t] ?? 1)
      if (unsure[t] > 0) level = Math.max(level, logits[t])
    }
    if (level === -Infinity) continue
    raiseSpread(spread, r, level)
    let [sum, squares, own, count] = [0, 0, 0, 0]
    const [plain, weighted] = [moments(), moments()]
    for (let t = 0; t < keys.rows; t++) {
      if (unsure[t] === 0) continue
      const weight = Math.exp(logits[t] - spread.level[r])
      sum += weight
      squares += weight * weight
      count++
      plain.add(logits[t] - level, 1)
      weighted.add(logits[t] - level, weight)
      const unit = unsure[t] * weight * weight
      own += unit
      spread.fourths[r] += unit * unit
      for (let c = 0, i = r * dv; c < dv; c++, i++) {
        const v = values.data[t * dv + c]
        spread.squares[i] += unit * v * v
        spread.products[i] += unit * v
      }
    }
    if (sum * sum < FEWEST * squares) spread.flags[r] = 1
    const [ofAll, ofHeavy] = [plain.variance(), weighted.variance()]
    const forecast = Math.min(ofAll <= MOST_TIMES * ofHeavy ? ofAll : ofHeavy, MOST_VARIANCE)
    spread.weights[r] += own
    spread.unseen[r] += own * Math.max(0, ((sum * sum) / squares) * (Math.exp(forecast) / count) - 1)
  }
}

/** Sums of weighted numbers and of their squares. */
function moments() {
  let [total, sum, squares] = [0, 0, 0]
  return {
    add(x: number, weight: number) {
      total += weight
      sum += weight * x
      squares += weight * x * x
    },
    variance: () => Math.max(0, squares / total - (sum / total) ** 2),
  }
}
