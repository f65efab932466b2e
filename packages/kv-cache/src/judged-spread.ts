import { emptySpread, raiseSpread, type PartialSoftmax, type Spread } from '@sublinear/core'

/**
 * The spread of a summary's answer, judged by a sample of the same tokens: how far they differ, and what the sample is unsure of.
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
    out.sampleWeights[r] = unit ** 2 * own.weights[r]
    out.sampleFourths[r] = unit ** 4 * own.fourths[r]
    for (let i = r * cols; i < (r + 1) * cols; i++) {
      out.gaps[i] = held * drawn.sum.data[i] - given * answer.sum.data[i]
      out.sampleSquares[i] = unit ** 2 * own.squares[i]
      out.sampleProducts[i] = unit ** 2 * own.products[i]
    }
  }
  return out
}
