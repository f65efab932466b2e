import { checkFinite, checkInteger, checkObject } from '@sublinear/core'

/**
 * The number of rows with which one inner product of the mean estimate is within epsilon·|u|·|v|, except with probability delta: ⌈2/(ε²δ)⌉.
 * Source: Lemma 3.5 (one-pass paper). Deviation: 1/δ in place of the lemma's log(1/δ), which does not hold for 4-wise signs (PAPERS.md);
 *   `medianOfMeans` brings the logarithm back.
 *
 * Guarantee: Chebyshev on the variance (|u|²|v|² + ⟨u, v⟩² − 2Σuᵢ²vᵢ²)/m ≤ 2|u|²|v|²/m.
 *
 * @param epsilon  > 0, in units of |u|·|v|
 * @param delta  in (0, 1)
 * @throws TypeError, RangeError when epsilon or delta is out of range, or the rows exceed 2^53 − 1
 */
export function amsRows(options: { epsilon: number; delta: number }): number {
  const { epsilon, delta } = checkObject('amsRows', options)
  checkAccuracy('amsRows', epsilon, delta)
  // A quotient that is an integer up to rounding counts as that integer, as in countSketchRows.
  const rows = Math.max(1, Math.ceil((2 / (epsilon * epsilon * delta)) * (1 - 2 ** -50)))
  checkInteger('amsRows', '2/(epsilon^2 delta)', rows, 1)
  return rows
}

export function checkAccuracy(who: string, epsilon: number, delta: number): void {
  checkFinite(who, 'epsilon', epsilon, 0)
  checkFinite(who, 'delta', delta, 0)
  if (delta >= 1) throw new RangeError(`${who}: delta must be a number in (0, 1), got ${delta}`)
}
