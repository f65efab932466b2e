/**
 * n·‖softmax‖², typical for n independent Gaussian scores of standard deviation σ: e^{σ²} for mild scores, up to n where the largest
 * score has it all.
 * Source: moments E e^{2s} and E e^s of scores cut off where the largest of n stands, at σ√(2 ln n) (the random energy model, Derrida 1981).
 */
export function concentrationOf(n: number, spread: number): number {
  if (n < 2) return 1
  const reach = Math.sqrt(2 * Math.log(n))
  const ratio = Math.exp(spread * spread) * (below(reach - 2 * spread) / below(reach - spread) ** 2)
  return Math.min(n, Math.max(1, ratio))
}

/** Standard normal distribution function: Abramowitz and Stegun 26.2.17 near 0, the Mills ratio far below; relative error < 1e-2. */
function below(x: number): number {
  if (x < -4) return (Math.exp((-x * x) / 2) / (-x * Math.sqrt(2 * Math.PI))) * (1 - 1 / (x * x))
  const t = 1 / (1 + 0.2316419 * Math.abs(x))
  const series = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
  const tail = (Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)) * series
  return x > 0 ? 1 - tail : tail
}
