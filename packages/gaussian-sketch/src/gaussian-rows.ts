import { checkFinite } from '@sublinear/core'

/**
 * How many rows a Gaussian sketch needs: for any fixed u and v, |⟨Ψu, Ψv⟩ − ⟨u, v⟩| ≤ ε|u||v| with probability at least 1 − δ.
 * Source: Lemma 3.5 (one-pass paper), Gaussian part. Deviation: none; the constant is the proof's.
 *
 * Proof. For unit u, v with ⟨u, v⟩ = ρ: ⟨Ψu, Ψv⟩ = aX − bY, X and Y independent χ²_m/m, a, b = (1 ± ρ)/2. With
 * κ(x) = −x − ½ln(1 − 2x) the cumulant function of g² − 1, convex with κ(0) = 0 and κ(−x) ≤ κ(x), a row's is
 * κ(aλ) + κ(−bλ) ≤ κ((a + b)λ) = κ(λ), that of ρ = 1; so P[error > ε] ≤ e^{−m(ε − ln(1 + ε))/2} ≤ e^{−m(ε²/4 − ε³/6)}, and
 * twice that for both sides (the lower one is the upper one of −v).
 *
 * @param epsilon  error in units of |u||v|, 0 < ε ≤ 1
 * @param delta  failure probability of one pair, 0 < δ < 1; for p pairs at once take δ/p
 * @returns m = ⌈ln(2/δ)/(ε²/4 − ε³/6)⌉, about 4·ln(2/δ)/ε²
 * @throws TypeError, RangeError when epsilon or delta is out of its range
 * @example gaussianRows({ epsilon: 0.1, delta: 0.01 }) // 2271
 */
export function gaussianRows({ epsilon, delta }: { epsilon: number; delta: number }): number {
  checkFinite('gaussianRows', 'epsilon', epsilon, 0)
  checkFinite('gaussianRows', 'delta', delta, 0)
  if (epsilon > 1) throw new RangeError(`gaussianRows: epsilon must be at most 1, got ${epsilon}`)
  if (delta >= 1) throw new RangeError(`gaussianRows: delta must be below 1, got ${delta}`)
  return Math.ceil(Math.log(2 / delta) / (epsilon ** 2 / 4 - epsilon ** 3 / 6))
}
