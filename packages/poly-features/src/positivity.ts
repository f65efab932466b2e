/** Margin by which a value must stay above its own float32 rounding, as a share of the sum of its terms' sizes. */
const MARGIN = 2 ** -20

/**
 * Whether a polynomial with these coefficients of 1, s, s², … is positive for every s, clearly enough for float32:
 * p(s) ≥ 2⁻²⁰·Σ|c_j||s|^j. Proved on s = ±x/(1 − x), where
 * p(s)·(1 − x)^degree is a polynomial in x, by halving [0, 1] until all Bernstein coefficients are positive.
 */
export function isPositive(coefficients: ArrayLike<number>): boolean {
  const degree = coefficients.length - 1
  return degree % 2 === 0 && [1, -1].every((side) => holds(coefficients, side))
}

/** Tests one side of the polynomial on s = side·x/(1 − x), 0 ≤ x < 1. */
function holds(c: ArrayLike<number>, side: number): boolean {
  const n = c.length - 1
  // c_j·x^j·(1 − x)^{n − j} is the j-th Bernstein polynomial times c_j/C(n, j)
  const value = new Float64Array(n + 1)
  let binomial = 1
  for (let j = 0; j <= n; j++) {
    const size = Math.abs(c[j]) * MARGIN
    value[j] = (c[j] * (side < 0 && j % 2 === 1 ? -1 : 1) - size) / binomial
    binomial = (binomial * (n - j)) / (j + 1)
  }
  return stays(value, 40)
}

/**
 * Whether a polynomial in Bernstein form is positive on its interval: it lies above its smallest coefficient, and each half of the interval gives a closer bound.
 */
function stays(value: Float64Array, depth: number): boolean {
  if (value.every((v) => v > 0)) return true
  if (value[0] <= 0 || value.at(-1)! <= 0 || depth === 0) return false
  const left = value.slice()
  const right = value.slice()
  for (let k = 1; k < value.length; k++) {
    for (let j = 0; j < value.length - k; j++) right[j] = (right[j] + right[j + 1]) / 2
    left[k] = right[0]
  }
  return stays(left, depth - 1) && stays(right, depth - 1)
}
