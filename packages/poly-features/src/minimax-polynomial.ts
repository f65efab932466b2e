import { exponential, minus, over, pair, plus, times, type Pair } from './double-double'

/** A polynomial near exp on [−radius, radius], with its error |p(s)·e^{−s} − 1| as Remez found it. */
export interface MinimaxPolynomial {
  /** The error alternates between ± this at the last reference: no polynomial of the degree does better. */
  readonly least: number
  /** The largest error found on the grid. */
  readonly most: number
  /** Coefficients of 1, s, s², …; the doubles nearest to what was computed. */
  readonly coefficients: () => Float64Array
}

/** Points of the grid for each extremum of the error, and at the least. */
const DENSITY = 40
const LEAST_POINTS = 240
/** Exchange ends when the largest and the levelled error agree up to this share. */
const LEVEL = 1e-6
const EXCHANGES = 40

/**
 * Finds the polynomial of a degree whose largest relative error |p(s)·e^{−s} − 1| on [−radius, radius] is smallest, by Remez exchange.
 * Source: E. Y. Remez; the rule of C. J. de la Vallée Poussin brackets the least error between `least` and the largest. Deviation:
 * the grid's extrema, moved to the top of a parabola, stand for the true ones.
 *
 * Cost: a few rounds of 40·(degree + 2)² sums in double-double. + − × ÷ alone: the same bits on every engine.
 *
 * @param settled  ends the exchange early, once the bracket [least, most] says enough
 */
export function minimaxPolynomial(
  degree: number,
  radius: number,
  settled: (least: number, most: number) => boolean = () => false,
): MinimaxPolynomial {
  const count = degree + 2
  const grid = spread(Math.max(LEAST_POINTS, DENSITY * count) + 1).map((x) => x * radius)
  const exps = Array.from(grid, exponential)
  let reference: Float64Array = spread(count).map((x) => x * radius)
  for (let round = 1; ; round++) {
    const interpolant = levelled(reference)
    const errors = Float64Array.from(grid, (s, i) => interpolant.error(s, exps[i]))
    const next = extrema(grid, errors, count)
    const most = Math.max(...next.map((s) => Math.abs(interpolant.error(s, exponential(s)))), ...errors.map(Math.abs))
    const { least } = interpolant
    if (most <= least * (1 + LEVEL) || round === EXCHANGES || settled(least, most)) {
      return { least, most, coefficients: () => monomialCoefficients(reference, interpolant.values) }
    }
    reference = next
  }
}

/**
 * Levels the error: p goes through e^x·(1 ± E) at the reference points, with E such that degree count − 2 suffices, so that the divided difference vanishes.
 */
function levelled(reference: Float64Array) {
  const weights = Array.from(reference, (x, i) => {
    let product = pair(1)
    for (const [j, y] of reference.entries()) {
      if (j !== i) product = times(product, times(pair(4 / span(reference)), minus(pair(x), pair(y)))) // about 1 each
    }
    return over(pair(1), product)
  })
  const exps = Array.from(reference, exponential)
  let [top, bottom] = [pair(0), pair(0)]
  for (const [i, w] of weights.entries()) {
    const term = times(w, exps[i])
    top = plus(top, term)
    bottom = i % 2 === 0 ? plus(bottom, term) : minus(bottom, term)
  }
  const level = over([-top[0], -top[1]], bottom)
  const values = exps.map((e, i) => times(e, plus(pair(1), i % 2 === 0 ? level : [-level[0], -level[1]])))
  const error = (s: number, exp: Pair): number => {
    let [p, one] = [pair(0), pair(0)]
    for (const [i, x] of reference.entries()) {
      if (s === x) return minus(over(values[i], exp), pair(1))[0]
      const share = over(weights[i], minus(pair(s), pair(x)))
      p = plus(p, times(share, values[i]))
      one = plus(one, share)
    }
    return minus(over(p, times(one, exp)), pair(1))[0]
  }
  return { least: Math.abs(level[0]), values, error }
}

const span = (points: Float64Array) => points.at(-1)! - points[0]

/** One point in each run of errors of one sign, where the error is largest; the runs at the ends are left out if there are too many. */
function extrema(grid: Float64Array, errors: Float64Array, count: number): Float64Array {
  const tops: number[] = []
  for (const [i, e] of errors.entries()) {
    const last = tops.at(-1)
    if (last === undefined || e > 0 !== errors[last] > 0) tops.push(i)
    else if (Math.abs(e) > Math.abs(errors[last])) tops[tops.length - 1] = i
  }
  while (tops.length > count) {
    if (Math.abs(errors[tops[0]]) < Math.abs(errors[tops.at(-1)!])) tops.shift()
    else tops.pop()
  }
  return Float64Array.from(tops, (i) => {
    if (i === 0 || i === grid.length - 1) return grid[i]
    return parabolaTop(grid.subarray(i - 1, i + 2), errors.subarray(i - 1, i + 2))
  })
}

function parabolaTop([a, b, c]: Float64Array, [u, v, w]: Float64Array): number {
  const left = (v - u) / (b - a)
  const right = (w - v) / (c - b)
  const bend = right - left
  if (bend === 0) return b
  const top = (a + b) / 2 - (left * (c - a)) / 2 / bend
  return Math.min(c, Math.max(a, top))
}

/** `count` points −cos(πi/(count − 1)) of [−1, 1], ascending, without the cosine of the engine. */
function spread(count: number): Float64Array {
  const points = new Float64Array(count)
  const last = count - 1
  for (let i = 0; i <= last; i++) points[i] = i === last ? 1 : -cosineOfTurns(i / last / 2)
  for (let i = 0; i <= last / 2; i++) {
    const even = (points[last - i] - points[i]) / 2
    points[i] = -even
    points[last - i] = even
  }
  return points
}

/** cos(2πx), 0 ≤ x ≤ 1/2, to a few units in the last place: its series at x/16, doubled four times. */
function cosineOfTurns(x: number): number {
  const y = (2 * Math.PI * x) / 16
  let gap = 1 // 1 − cos y = y²/2·gap
  for (let j = 9; j >= 2; j--) gap = 1 - (gap * y * y) / ((2 * j - 1) * (2 * j))
  let versine = (y * y * gap) / 2
  for (let i = 0; i < 4; i++) versine = 2 * versine * (2 - versine)
  return 1 - versine
}

/** Coefficients of 1, s, s², … of the polynomial with these values, through the divided differences of Newton's form. */
function monomialCoefficients(points: Float64Array, values: readonly Pair[]): Float64Array {
  const n = points.length - 1 // the last point adds nothing: the degree is n − 1
  const differences = values.slice(0, n)
  for (let k = 1; k < n; k++) {
    for (let i = n - 1; i >= k; i--) {
      const gap = minus(pair(points[i]), pair(points[i - k]))
      differences[i] = over(minus(differences[i], differences[i - 1]), gap)
    }
  }
  const out: Pair[] = Array.from({ length: n }, () => pair(0))
  for (let k = n - 1; k >= 0; k--) {
    for (let j = n - 1; j >= 0; j--) {
      const moved = times(out[j], pair(-points[k]))
      out[j] = j > 0 ? plus(moved, out[j - 1]) : moved
    }
    out[0] = plus(out[0], differences[k])
  }
  return Float64Array.from(out, ([high, low]) => high + low)
}
