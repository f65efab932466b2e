/** Stirling's series is used from here on. */
const LARGE = 16

/**
 * The probability that ‖Ψu‖² is off by more than ε‖u‖²: that of |χ²_m/m − 1| > ε, exactly.
 * Source: the incomplete gamma function (DLMF 8.7.1, 8.9.2).
 *
 * Guarantee: relative error at most 1e-9.
 * Cost: about 40/ε terms.
 *
 * @param m  rows; epsilon  0 < ε ≤ 1
 */
export function normTails(m: number, epsilon: number): number {
  const a = m / 2
  const below = epsilon >= 1 ? 0 : lower(a, -epsilon)
  return below + upper(a, epsilon)
}

/** ln(x^a·e^{−x}/Γ(a)) at x = a·(1 + e). */
function logDensity(a: number, e: number): number {
  let [shifted, product] = [a, 0]
  for (; shifted < LARGE; shifted++) product += Math.log(shifted) // Γ(a) = Γ(a + n)/(a·…·(a + n − 1))
  const b = shifted
  const series = 1 / (12 * b) - 1 / (360 * b ** 3) + 1 / (1260 * b ** 5)
  if (b === a) return a * (Math.log1p(e) - e) + Math.log(a / (2 * Math.PI)) / 2 - series
  const logGamma = (b - 0.5) * Math.log(b) - b + Math.log(2 * Math.PI) / 2 + series - product
  return a * Math.log(a * (1 + e)) - a * (1 + e) - logGamma
}

/** γ(a, x)/Γ(a) at x = a·(1 + e), e < 0: the series x^a·e^{−x}/Γ(a + 1)·(1 + x/(a + 1) + …). */
function lower(a: number, e: number): number {
  const x = a * (1 + e)
  let [sum, term] = [1, 1]
  for (let i = 1; term > 1e-13 * sum; i++) sum += term *= x / (a + i)
  return (sum * Math.exp(logDensity(a, e))) / a
}

/** Γ(a, x)/Γ(a) at x = a·(1 + e), e > 0: the continued fraction, by Lentz. */
function upper(a: number, e: number): number {
  const x = a * (1 + e)
  let b = x + 1 - a
  let c = 1e300
  let d = 1 / b
  let h = d
  for (let i = 1; ; i++) {
    const an = -i * (i - a)
    b += 2
    d = 1 / (an * d + b)
    c = b + an / c
    h *= d * c
    if (Math.abs(d * c - 1) < 1e-12) return h * Math.exp(logDensity(a, e))
  }
}
