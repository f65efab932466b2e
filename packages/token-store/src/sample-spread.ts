import { raiseSpread, type KvBlock, type Matrix, type Shape, type Spread } from '@sublinear/core'

/** Fewest tokens, counted by their weights, that are a sample by which others can be judged. */
const FEWEST = 50

/**
 * Adds the uncertainty of a sample to a spread: x·w² for the weight of a token that stands for others.
 * Source: Horvitz and Thompson (1952); for a uniform sample of m of n tokens without replacement, x = (1 − m/n)·m/(m − 1) gives the variance of a ratio as in
 * textbooks (Cochran, 1977).
 *
 * Guarantee: none where the tokens that decide the answer were not drawn. A row is flagged where the weights of the sample count as fewer than 50 equal ones.
 *
 * @param block  the tokens held, with the weights that they count with; unsure  x of each; softcap  of the scores, as of the shape
 */
export function widenBySample(
  spread: Spread,
  queries: Matrix,
  { keys, values, weights }: KvBlock,
  unsure: Float64Array,
  { scale, softcap }: Pick<Shape, 'scale' | 'softcap'>,
): void {
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
    let [sum, squares] = [0, 0]
    for (let t = 0; t < keys.rows; t++) {
      if (unsure[t] === 0) continue
      const weight = Math.exp(logits[t] - spread.level[r])
      sum += weight
      squares += weight * weight
      const own = unsure[t] * weight * weight
      spread.weights[r] += own
      spread.fourths[r] += own * own
      for (let c = 0, i = r * dv; c < dv; c++, i++) {
        const v = values.data[t * dv + c]
        spread.squares[i] += own * v * v
        spread.products[i] += own * v
      }
    }
    if (sum * sum < FEWEST * squares) spread.flags[r] = 1
  }
}
