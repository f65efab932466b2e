/** Points of the grid for each half wave of the error. */
const DENSITY = 48

/**
 * The largest |p(s)·e^{−s} − 1| over |s| ≤ radius for the Chebyshev series of exp on that interval, cut off after `degree`. The difference
 * p(s) − e^s = −Σ_{k > degree} 2·I_k(radius)·T_k(s/radius) is summed directly, so that nothing cancels against exp; on a grid, rounded up by 1/1000.
 */
export function chebyshevError(degree: number, radius: number): number {
  const tail: number[] = []
  for (let k = degree + 1; tail.length < 4 || tail.at(-1)! > tail[0] * 2 ** -60; k++) tail.push(2 * bessel(k, radius))
  const points = DENSITY * (degree + tail.length)
  let worst = 0
  for (let i = 0; i <= points; i++) {
    const angle = (Math.PI * i) / points
    let sum = 0
    for (const [j, coefficient] of tail.entries()) sum += coefficient * Math.cos((degree + 1 + j) * angle)
    worst = Math.max(worst, Math.abs(sum) * Math.exp(-radius * Math.cos(angle)))
  }
  return worst * 1.001
}

/** The modified Bessel function I_k by its power series, all terms positive. */
function bessel(k: number, x: number): number {
  let term = 1
  for (let j = 1; j <= k; j++) term *= x / 2 / j
  let sum = 0
  for (let m = 1; ; m++) {
    const before = sum
    sum += term
    if (sum === before) return sum
    term *= ((x / 2) * (x / 2)) / (m * (m + k))
  }
}
