/** Growth of a closure's answer with the spread of a query's scores. */
export interface Growth {
  /** Amount by which the log mass exceeds that of the mean key. */
  readonly rise: number
  /** Share of s·Cq by which the value moves: the derivative of the rise over the spread. */
  readonly tilt: number
}

/** Share of the reach that counts: the outermost part is due to few tokens. */
const COUNTED = 0.7
/** Narrow scores do not depend on where they end: the reach grows by the square of this number over σ². */
const NARROW = 12

/**
 * Computes the log of the mean of e^score over n scores, from their standard deviation σ and the distance of the farthest score from their mean, in σ.
 * Source: not from the papers. A symmetric Beta distribution of variance 1 on [−z, z], whose mean of exponentials is a Bessel function: the derivative of its
 *   logarithm is z·I_{ν+1}(zσ)/I_ν(zσ), ν = (z² − 2)/2, for which Amos (1974) gives x/(ν + ½ + √(x² + (ν + 3/2)²)), x = zσ. Its integral is closed. z = 1 means two
 *   points, √3 the uniform distribution, ∞ the Gaussian one.
 * Deviation: z² = 1 + (r² − 1)(1 + (12/σ²)²) with r = max(1, 0.7·reach), chosen on captured heads: a closure alone then answers no worse than a mean token,
 *   and bounded heads hardly change (within 1 % of a closure without bounds). n Gaussian scores are a sample, whose largest stands near σ√(2 ln n); where that
 *   is the tighter limit, log mass goes on as the tangent there (the freezing of the random energy model, Derrida 1981).
 *
 * Guarantee: 0 ≤ rise ≤ σ²/2 and 0 < tilt ≤ 1, both smooth in σ and growing with the reach; without freezing, rise ≥ (z² + 1)/2·ln(1 + σ²/(z² + 1)).
 *
 * @param deviation  σ ≥ 0; reach  in σ, ≥ 0; count  ln n ≥ 0
 */
export function boundedGrowth(deviation: number, reach: number, count: number): Growth {
  if (!(deviation > 0)) return { rise: 0, tilt: 1 }
  const counted = Math.max(1, COUNTED * reach)
  const variance = deviation * deviation
  const z = 1 + (counted * counted - 1) * (1 + (NARROW / variance) ** 2) // z²
  const a = (z - 1) / 2
  const b = (z + 1) / 2
  const u = Math.hypot(Math.sqrt(z) * deviation, b)
  const above = (z * variance) / (u + b) // u − b, without cancelling
  const bounded = above - a * Math.log1p(above / z)
  const slope = z / (a + u)
  const widest = Math.sqrt(2 * count)
  const isFrozen = deviation > widest
  const frozen = isFrozen ? deviation * widest - count : variance / 2
  return {
    rise: Math.max(0, Math.min(bounded < Infinity ? bounded : frozen, frozen)),
    tilt: Math.min(slope > 0 ? slope : 1, isFrozen ? widest / deviation : 1),
  }
}
