import { checkFinite, checkInteger, checkObject, checkSeed, type Seed, type SketchMatrix } from '@sublinear/core'
import { hashedColumns } from './hashed-columns'

/**
 * Makes a CountSketch: one nonzero a column, ±1 in a random row. It is the cheapest sketch: a row of A is added to one row of the state.
 * Source: Charikar, Chen, Farach-Colton (2002); as a matrix: Thorup and Zhang (2004), Clarkson and Woodruff (2013). Not from the papers.
 *
 * Guarantee: rows and signs come from one 4-wise independent hash, so over the seed E⟨Ψu, Ψv⟩ = ⟨u, v⟩ and
 * Var⟨Ψu, Ψv⟩ = (|u|²|v|² + ⟨u, v⟩² − 2Σuᵢ²vᵢ²)/m, both up to a relative 2⁻²⁹ (the hash is uniform up to 4m/2⁶¹).
 * Cost: 2·w operations a row of w numbers; 32 bytes to describe Ψ.
 *
 * @param m  number of rows, 1 … 2^30; countSketchRows computes it from an error and a failure probability
 * @param seed  64 bits that decide every entry
 * @throws TypeError, RangeError when m or seed is out of its range
 * @example
 * const state = sketch(countSketch({ m: 2000, seed: 1 }), 1)
 * for (let key = 0; key < 1000; key++) state.update(key, 3)
 * innerProduct(state, state).data[0].toFixed(0) // 8532
 */
export function countSketch(options: { m: number; seed: Seed }): SketchMatrix {
  const { m, seed } = checkObject('countSketch', options)
  checkInteger('countSketch', 'm', m, 1, 2 ** 30)
  return hashedColumns('count-sketch', m, 1, checkSeed('countSketch', seed))
}

/**
 * Computes the number of rows that CountSketch needs: for any fixed u and v, |⟨Ψu, Ψv⟩ − ⟨u, v⟩| ≤ ε|u||v| with probability at least 1 − δ.
 * Source: Chebyshev's inequality, since the variance is at most 2|u|²|v|²/m. The factor 1/δ is needed: u = v = (e₁ + e₂)/√2
 * fails with probability 1/m for every ε < 1.
 *
 * @param epsilon  error in units of |u||v|, > 0
 * @param delta  failure probability of one pair, 0 < δ < 1
 * @returns m = ⌈2/(ε²δ)⌉
 * @throws TypeError, RangeError when epsilon or delta is out of its range
 * @example countSketchRows({ epsilon: 0.1, delta: 0.01 }) // 20000
 */
export function countSketchRows(options: { epsilon: number; delta: number }): number {
  const { epsilon, delta } = checkObject('countSketchRows', options)
  return secondMomentRows('countSketchRows', epsilon, delta)
}

/** The number ⌈2/(ε²δ)⌉ of rows. */
export function secondMomentRows(who: string, epsilon: number, delta: number): number {
  checkFinite(who, 'epsilon', epsilon, 0)
  checkFinite(who, 'delta', delta, 0)
  if (delta >= 1) throw new RangeError(`${who}: delta must be below 1, got ${delta}`)
  // A quotient that is an integer up to rounding counts as that integer: 2/(0.1²·0.01) is 20000, not 20001.
  const rows = 2 / (epsilon * epsilon * delta)
  return Math.max(1, Math.ceil(rows * (1 - 2 ** -50)))
}
