import { checkInteger, checkObject, checkSeed, type Seed, type SketchMatrix } from '@sublinear/core'
import { secondMomentRows } from './count-sketch'
import { hashedColumns } from './hashed-columns'

/**
 * Makes an OSNAP matrix, the sparse Johnson–Lindenstrauss transform: s nonzeros ±1/√s a column, one in each of s blocks of m/s rows.
 * Source: Kane and Nelson (2014), Nelson and Nguyễn (2013), block construction. Deviation: hashes are 4-wise independent, which the
 * second moment needs; the tail bounds of these papers need about 2·ln(1/δ)-wise ones. Not from the papers.
 *
 * Guarantee (proved): E⟨Ψu, Ψv⟩ = ⟨u, v⟩ and Var⟨Ψu, Ψv⟩ = (|u|²|v|² + ⟨u, v⟩² − 2Σuᵢ²vᵢ²)/m over the seed, as for CountSketch:
 * it is the mean of s independent CountSketches of m/s rows. The diagonal is exact: |Ψe_j| = 1.
 * More nonzeros s buy lighter tails: two keys that meet in one block change a product by 1/s, not by 1.
 * Cost: 2·s·w operations a row of w numbers; 32·s bytes to describe Ψ.
 *
 * @param m  rows, a multiple of nonzeros, m/nonzeros ≤ 2^30
 * @param nonzeros  s, 1 … 65536; 8 is a good default, 1 is CountSketch
 * @param seed  64 bits that decide every entry
 * @throws TypeError, RangeError when an option is out of its range or m no multiple of nonzeros
 * @example osnap({ m: 2000, nonzeros: 8, seed: 1 }).kind // osnap/8
 */
export function osnap(options: { m: number; nonzeros: number; seed: Seed }): SketchMatrix {
  const { m, nonzeros, seed } = checkObject('osnap', options)
  checkInteger('osnap', 'nonzeros', nonzeros, 1, 65536)
  checkInteger('osnap', 'm', m, nonzeros, Math.min(nonzeros * 2 ** 30, 2 ** 32 - 1))
  if (m % nonzeros !== 0) throw new RangeError(`osnap: m must be a multiple of nonzeros = ${nonzeros}, got ${m}`)
  return hashedColumns(`osnap/${nonzeros}`, m, nonzeros, checkSeed('osnap', seed))
}

/**
 * Computes a number of rows of OSNAP that is proved to be enough: |⟨Ψu, Ψv⟩ − ⟨u, v⟩| ≤ ε|u||v| with probability at least 1 − δ for any fixed u and v.
 * Source: Chebyshev's inequality, for which s nonzeros are no better than one.
 * Known, but not proved here: with s = Θ(ln(1/δ)/ε) and enough independence m = O(ln(1/δ)/ε²) rows suffice (Kane and Nelson), with
 * constants that are not stated. For a small δ with stated constants take gaussianRows or medians of several sketches.
 *
 * @param epsilon  error in units of |u||v|, > 0
 * @param delta  failure probability of one pair, 0 < δ < 1
 * @param nonzeros  s
 * @returns the least multiple of nonzeros that is at least 2/(ε²δ)
 * @throws TypeError, RangeError when an option is out of its range
 * @example osnapRows({ epsilon: 0.25, delta: 0.1, nonzeros: 8 }) // 320
 */
export function osnapRows(options: { epsilon: number; delta: number; nonzeros: number }): number {
  const { epsilon, delta, nonzeros } = checkObject('osnapRows', options)
  checkInteger('osnapRows', 'nonzeros', nonzeros, 1, 65536)
  return Math.ceil(secondMomentRows('osnapRows', epsilon, delta) / nonzeros) * nonzeros
}
