import { emptySpread, raiseSpread, type PartialSoftmax, type Spread } from '@sublinear/core'

/**
 * The spread of a summary's answer, judged by a sample of the same tokens: how far they differ, and what the sample is unsure of, the tokens that it may lack included.
 *
 * @param drawn  the sample's partial, with its spread; answer  the summary's
 */
export function judgedBy(drawn: PartialSoftmax, answer: PartialSoftmax): Spread {
  const { rows, cols } = answer.sum
  const own = drawn.spread!
  const out = emptySpread(rows, cols)
  for (let r = 0; r < rows; r++) {
    const level = Math.max(own.level[r], drawn.max[r], answer.max[r])
    if (level === -Infinity) continue
    raiseSpread(out, r, level)
    const [unit, held, given] = [own.level[r], drawn.max[r], answer.max[r]].map((x) => Math.exp(x - level))
    out.measured[r] = 1
    out.flags[r] = own.flags[r] | Number(own.skewed[r] > 0)
    out.gapMass[r] = held * drawn.mass[r] - given * answer.mass[r]
    const times = own.weights[r] > 0 ? 1 + own.unseen[r] / own.weights[r] : 1
    const square = times * unit ** 2
    out.sampleWeights[r] = square * own.weights[r]
    out.sampleFourths[r] = square ** 2 * own.fourths[r]
    for (let i = r * cols; i < (r + 1) * cols; i++) {
      out.gaps[i] = held * drawn.sum.data[i] - given * answer.sum.data[i]
      out.sampleSquares[i] = square * own.squares[i]
      out.sampleProducts[i] = square * own.products[i]
    }
  }
  return out
}
