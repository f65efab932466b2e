/**
 * Computes a bound on |p(s)·e^{−s} − 1| over |s| ≤ radius that surely holds, for p with these coefficients of 1, s, s², …
 * On each of the cells between points −radius·cos θ, with r the error: |r| ≤ max of its ends + h²/8·max|r″|, where
 * r″ = (p″ − 2p′ + p)·e^{−s} is bounded by its coefficients about the middle; what doubles and exp may round is added.
 *
 * Cost: O(degree³) operations.
 *
 * @returns an upper bound, about 1/1000 above the truth, and more where the truth is as small as rounding
 */
export function relativeError(coefficients: ArrayLike<number>, radius: number): number {
  const cells = 64 * (coefficients.length + 1)
  let worst = 0
  let [from, at] = [-radius, Math.abs(errorAt(coefficients, -radius))]
  for (let i = 1; i <= cells; i++) {
    const to = i === cells ? radius : -radius * Math.cos((Math.PI * i) / cells)
    const end = Math.abs(errorAt(coefficients, to))
    worst = Math.max(worst, Math.max(at, end) + overshoot(coefficients, from, to))
    ;[from, at] = [to, end]
  }
  return worst
}

function errorAt(coefficients: ArrayLike<number>, s: number): number {
  let p = 0
  for (let j = coefficients.length - 1; j >= 0; j--) p = p * s + coefficients[j]
  return p * Math.exp(-s) - 1
}

/** How far |r| may rise above the larger of its ends between them, with the rounding of the ends. */
function overshoot(coefficients: ArrayLike<number>, from: number, to: number): number {
  const middle = (from + to) / 2
  const half = (to - from) / 2
  const local = shifted(coefficients, middle)
  let [bend, size, power] = [0, 0, 1]
  for (let j = 0; j < local.length; j++, power *= half) {
    const first = (local[j + 1] ?? 0) * (j + 1)
    const second = (local[j + 2] ?? 0) * (j + 1) * (j + 2)
    bend += Math.abs(second - 2 * first + local[j]) * power
  }
  const reach = Math.max(Math.abs(from), Math.abs(to))
  for (let j = local.length - 1; j >= 0; j--) size = size * reach + Math.abs(coefficients[j])
  const most = Math.exp(half - middle)
  const rounding = (2 * coefficients.length + 8) * 2 ** -53 * (1 + size * most)
  return ((half * half) / 2) * (bend * most + 1024 * rounding) + rounding
}

/** The coefficients of the polynomial about another point. */
function shifted(coefficients: ArrayLike<number>, by: number): Float64Array {
  const local = Float64Array.from(coefficients)
  for (let k = 0; k < local.length; k++) {
    for (let j = local.length - 2; j >= k; j--) local[j] += by * local[j + 1]
  }
  return local
}

/**
 * The largest |p(s)·e^{−s} − 1| over |s| ≤ radius for the Taylor polynomial; it is reached at −radius:
 * ∫₀^radius u^g·e^u/g! du = Σ_k radius^{g+1+k}/(g!·k!·(g + 1 + k)), all terms positive.
 */
export function taylorError(degree: number, radius: number): number {
  let term = radius // radius^{g + 1 + k}/(g!·k!)
  for (let j = 1; j <= degree; j++) term *= radius / j
  let sum = 0
  for (let k = 0; ; k++) {
    const before = sum
    sum += term / (degree + 1 + k)
    if (sum === before && k > radius) return sum * (1 + 2 ** -40)
    term *= radius / (k + 1)
  }
}

/**
 * The same error for a map that has all monomials up to the degree, and any others, where Σ|a_i·b_i| ≤ radius: the missing terms are at most
 * Σ_{j > degree} radius^j/j!, and e^s is at least e^{−radius}.
 */
export function normsError(degree: number, radius: number): number {
  let term = 1
  for (let j = 1; j <= degree; j++) term *= radius / j
  let sum = 0
  for (let j = degree + 1; ; j++) {
    const before = sum
    sum += term *= radius / j
    if (sum === before && j > radius) return sum * Math.exp(radius) * (1 + 2 ** -40)
  }
}

/** The largest radius at which an error that grows with the radius is within a bound, for a polynomial of this degree; by bisection. */
export function radiusWithin(error: (radius: number) => number, bound: number, degree: number): number {
  let low = 0
  let high = 2 * degree + 4
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2
    if (error(middle) <= bound) low = middle
    else high = middle
  }
  return low
}
