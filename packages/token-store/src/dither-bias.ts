const SMALL = 0.5

/** The numbers of a query, turned and times the scale, that are needed for every half step. */
export interface DitheredQuery {
  /** The log of the mean of e^{⟨query, error⟩} over errors uniform on (−h, h) in every entry. */
  logMean(half: number): number
}

/**
 * Computes ln M(q, h) = Σ_c ln(sinh(q_c·h)/(q_c·h)), where M is the factor by which dithered codes of half step h raise the weight of a key on average.
 *
 * Guarantee: right to 1e-8; a series in h² where all q_c·h are small, else entry by entry.
 */
export function ditheredQuery(query: Float64Array, at: number, d: number): DitheredQuery {
  let most = 0
  const sums = [0, 0, 0, 0, 0]
  for (let c = 0; c < d; c++) {
    const x = query[at + c] * query[at + c]
    most = Math.max(most, x)
    for (let power = x, i = 0; i < 5; i++, power *= x) sums[i] += power
  }
  most = Math.sqrt(most)
  const [a, b, e, f, g] = sums
  return {
    logMean(half) {
      if (most * half <= SMALL) {
        const h = half * half
        return h * (a / 6 - h * (b / 180 - h * (e / 2835 - h * (f / 37_800 - (h * g) / 467_775))))
      }
      let sum = 0
      for (let c = 0; c < d; c++) sum += logMeanOf(query[at + c] * half)
      return sum
    },
  }
}

/** The function ln(sinh(x)/x). */
function logMeanOf(signed: number): number {
  const x = Math.abs(signed)
  if (x < 1e-2) return (x * x) / 6 - x ** 4 / 180
  return x - Math.LN2 + Math.log1p(-Math.exp(-2 * x)) - Math.log(x)
}
