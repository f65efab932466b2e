import { checkObject } from '@sublinear/core'
/** Tokens that a feature stream folds together: their sum is one addition to its state. */
export const FOLDED = 64
/** Number of folded tokens beyond which a feature stream keeps rounding errors. */
export const LONG = 65_536

const UNIT = 2 ** -24
const DOUBLE = 2 ** -53

/**
 * Computes the relative error of the float32 sums of a feature stream in the worst case: the error of an answer over max|v|·Σ|φ_f(q)·φ_f(k)|/mass.
 * Source: the standard model of rounding; docs/papers/certified-plan.md has the proof.
 *
 * A token's share in S is a rounded product (twice rounded with a weight), then up to 64 additions within its block. Addition number b to the state is off by
 * a unit of the sum so far: of 64·b tokens of n where all weigh the same, of all the weight where the first may be heavy. Once more than 65,536 tokens are
 * folded, rounding errors are kept: from there on a block is rounded once, and the kept errors once a block, by a unit of a unit. A query adds t products,
 * reads S without the kept errors, and divides. The mass, in doubles, is off by as many units of 2⁻⁵³.
 *
 * @param t  number of features; tokens  number of tokens; weighted  whether weights other than 1 may come
 * @returns about (t + 70 + 512·min(n/65,536, 65,536/n))·2⁻²⁴; where weights may come (t + 70 + 1024)·2⁻²⁴ at most
 */
export function sumRounding(options: { t: number; tokens: number; weighted: boolean }): number {
  const { t, tokens, weighted } = checkObject('sumRounding', options)
  const blocks = Math.ceil(tokens / FOLDED)
  const plain = Math.min(blocks, LONG / FOLDED)
  const ofAll = weighted ? 1 : (plain + 1) / 2 / Math.max(1, blocks) // a unit of all the weight for each block, on average while nothing is kept
  const additions = plain * ofAll
  const single = t + FOLDED + (weighted ? 8 : 7) + additions
  return UNIT * single * 1.001 + UNIT * UNIT * blocks + DOUBLE * (blocks + FOLDED + t + 2)
}
