/** P[χ²_m/m − 1 > ε] + P[1 − χ²_m/m > ε], by the series and the continued fraction of the incomplete gamma function. */
export function chiSquareTails(m: number, epsilon: number): number {
  const below = epsilon >= 1 ? 0 : lower(m / 2, (m * (1 - epsilon)) / 2)
  return below + upper(m / 2, (m * (1 + epsilon)) / 2)
}

/** γ(a, x)/Γ(a) for x < a: e^{−x}x^a/Γ(a + 1)·(1 + x/(a + 1) + x²/((a + 1)(a + 2)) + …). */
function lower(a: number, x: number): number {
  let [sum, term] = [1, 1]
  for (let i = 1; term > 1e-17 * sum; i++) sum += term *= x / (a + i)
  return sum * Math.exp(a * Math.log(x) - x - logGamma(a + 1))
}

/** Γ(a, x)/Γ(a) for x > a: e^{−x}x^a/Γ(a)·1/(x + 1 − a − 1·(1 − a)/(x + 3 − a − 2·(2 − a)/(x + 5 − a − …))), from the inside. */
function upper(a: number, x: number): number {
  let fraction = 0
  for (let i = 4000; i >= 1; i--) fraction = (i * (i - a)) / (x + 2 * i + 1 - a - fraction)
  return Math.exp(a * Math.log(x) - x - logGamma(a)) / (x + 1 - a - fraction)
}

/** ln Γ for half-integers ≥ ½, by its recurrence. */
function logGamma(a: number): number {
  let sum = a % 1 === 0 ? 0 : Math.log(Math.PI) / 2
  for (let x = a - 1; x > 0; x--) sum += Math.log(x)
  return sum
}
