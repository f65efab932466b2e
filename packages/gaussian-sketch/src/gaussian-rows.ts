import { checkFinite, checkInteger, checkOptions } from '@sublinear/core'
import { normTails } from './norm-tails'

/**
 * Computes the number of rows that a Gaussian sketch needs: for any fixed u and v, |⟨Ψu, Ψv⟩ − ⟨u, v⟩| ≤ ε|u||v| with probability at least 1 − δ.
 * Source: Lemma 3.5 (one-pass paper), Gaussian part. Deviation: none; the constant is the proof's.
 *
 * Proof. For unit u, v with ⟨u, v⟩ = ρ: ⟨Ψu, Ψv⟩ = aX − bY, X and Y independent χ²_m/m, a, b = (1 ± ρ)/2. With
 * κ(x) = −x − ½ln(1 − 2x) the cumulant function of g² − 1, convex with κ(0) = 0 and κ(−x) ≤ κ(x), a row's is
 * κ(aλ) + κ(−bλ) ≤ κ((a + b)λ) = κ(λ), that of ρ = 1; so P[error > ε] ≤ e^{−m(ε − ln(1 + ε))/2} ≤ e^{−m(ε²/4 − ε³/6)}, and
 * twice that for both sides (the lower one is the upper one of −v).
 *
 * For all pairs of N points at once: |‖Ψ(u − v)‖² − ‖u − v‖²| ≤ ε‖u − v‖², by the union over their N(N − 1)/2 differences.
 *
 * Norms alone, u = v, have a known law: ‖Ψu‖² is ‖u‖²·χ²_m/m. With `of: 'norms'` m is the least for which that law, exactly, leaves the interval with
 * probability δ: 1330 rows in place of 2271 at ε = 0.1, δ = 0.01.
 *
 * @param epsilon  error in units of |u||v|, 0 < ε ≤ 1
 * @param delta  failure probability of one pair, or of any pair where `points` is given, 0 < δ < 1
 * @param of  'products' of any two vectors, or 'norms' of one, and so distances of two. Default 'products'
 * @param points  N ≥ 2: all their distances are to be kept
 * @param inputs  length of the vectors: a number of rows that is not below it is refused
 * @returns for products m = ⌈ln(2/δ)/(ε²/4 − ε³/6)⌉, about 4·ln(2/δ)/ε², with N(N − 1) in place of 2 for all pairs
 * @throws TypeError, RangeError when an option is out of its range, or the rows are at least `inputs`
 * @example gaussianRows({ epsilon: 0.1, delta: 0.01 }) // 2271
 */
export function gaussianRows(options: {
  readonly epsilon: number
  readonly delta: number
  readonly of?: 'products' | 'norms' | undefined
  readonly points?: number | undefined
  readonly inputs?: number | undefined
}): number {
  const who = 'gaussianRows'
  checkOptions(who, options, ['epsilon', 'delta', 'of', 'points', 'inputs'])
  const { epsilon, delta, of = 'products', points, inputs } = options
  if (of !== 'products' && of !== 'norms')
    throw new RangeError(`${who}: of must be products or norms, got ${String(of)}`)
  checkFinite(who, 'epsilon', epsilon, 0)
  checkFinite(who, 'delta', delta, 0)
  if (epsilon > 1) throw new RangeError(`${who}: epsilon must be at most 1, got ${epsilon}`)
  if (delta >= 1) throw new RangeError(`${who}: delta must be below 1, got ${delta}`)
  if (points !== undefined) checkInteger(who, 'points', points, 2)
  const tails = points === undefined ? Math.log(2) : Math.log(points) + Math.log(points - 1)
  const bound = Math.ceil((tails - Math.log(delta)) / (epsilon ** 2 / 4 - epsilon ** 3 / 6))
  const rows = of === 'norms' ? leastRows(epsilon, Math.exp(Math.log(2) + Math.log(delta) - tails), bound) : bound
  if (inputs === undefined) return rows
  checkInteger(who, 'inputs', inputs, 1)
  if (rows >= inputs)
    throw new RangeError(
      `${who}: ${rows} rows save nothing for ${inputs} inputs: keep the vectors, or allow a larger epsilon`,
    )
  return rows
}

/**
 * The smallest m ≤ most for which a norm is off by more than ε with probability at most δ. `most`, the number for products, is enough, and more rows fail less.
 */
function leastRows(epsilon: number, delta: number, most: number): number {
  let [low, high] = [0, most]
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (normTails(middle, epsilon) <= delta) high = middle
    else low = middle
  }
  return high
}
