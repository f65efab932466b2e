import type { Matrix } from './contracts'

/**
 * How uncertain a partial softmax is: sums over the tokens whose weights are estimates, of which the standard error of an answer is made once the answer is
 * known. Of disjoint sets of tokens they add up, as partial softmaxes do. Row i is in units of e^{2·level[i]}; w is a token's weight, x what of w² is its
 * variance, v its value without the noise that it has itself.
 */
export interface Spread {
  readonly level: Float64Array // rows
  /** Σ w²·(x·v² + variance of v), rows × dv. */
  readonly squares: Float64Array
  /** Σ w²·x·v, rows × dv. */
  readonly products: Float64Array
  /** Σ w²·x, rows. */
  readonly weights: Float64Array
  /** Σ w²·τ and Σ w² over tokens in dithered codes, rows: where the first is more than a quarter of the second, errors are too skew for an interval. */
  readonly skewed: Float64Array
  readonly counted: Float64Array
  /** 1 where a part of the answer has no interval, rows. */
  readonly flags: Uint8Array
}

/** Asks for error bars beside answers. */
export interface AskBars {
  readonly errorBars: true
}

/** The answer's own uncertainty: as many rows as the answer, and a flag for each. */
export interface ErrorBars {
  /** Standard error of each entry of the normalised answer, rows × dv. */
  readonly error: Matrix
  /** 1 where the row's errors are no ground for an interval, rows. */
  readonly flagged: Uint8Array
}

/** A spread of rows that nothing makes uncertain. */
export function emptySpread(rows: number, dv: number): Spread {
  return {
    level: new Float64Array(rows).fill(-Infinity),
    squares: new Float64Array(rows * dv),
    products: new Float64Array(rows * dv),
    weights: new Float64Array(rows),
    skewed: new Float64Array(rows),
    counted: new Float64Array(rows),
    flags: new Uint8Array(rows),
  }
}

/** Makes `into` the spread of both sets of tokens, in place, from row `at` of it on. */
export function addSpread(into: Spread, other: Spread, at = 0): void {
  const rows = other.level.length
  const dv = rows > 0 ? other.squares.length / rows : 0
  for (let r = 0; r < rows; r++) {
    const to = at + r
    into.flags[to] |= other.flags[r]
    if (other.level[r] === -Infinity) continue
    const top = Math.max(into.level[to], other.level[r])
    const [mine, theirs] = [Math.exp(2 * (into.level[to] - top)), Math.exp(2 * (other.level[r] - top))]
    into.level[to] = top
    for (const name of ['weights', 'skewed', 'counted'] as const)
      into[name][to] = into[name][to] * mine + other[name][r] * theirs
    for (const name of ['squares', 'products'] as const) {
      for (let c = 0; c < dv; c++)
        into[name][to * dv + c] = into[name][to * dv + c] * mine + other[name][r * dv + c] * theirs
    }
  }
}

/** Moves the units of a row up to a level; a lower one changes nothing. */
export function raiseSpread(spread: Spread, row: number, level: number): void {
  const before = spread.level[row]
  if (level <= before) return
  const dv = spread.squares.length / spread.level.length
  const factor = before === -Infinity ? 0 : Math.exp(2 * (before - level))
  spread.level[row] = level
  for (const name of ['weights', 'skewed', 'counted'] as const) spread[name][row] *= factor
  for (const name of ['squares', 'products'] as const) {
    for (let i = row * dv; i < (row + 1) * dv; i++) spread[name][i] *= factor
  }
}

/** Rows from … to − 1 of a spread, in place. */
export function rowsOfSpread(whole: Spread, from: number, to: number): Spread {
  const rows = whole.level.length
  const dv = rows > 0 ? whole.squares.length / rows : 0
  return {
    level: whole.level.subarray(from, to),
    squares: whole.squares.subarray(from * dv, to * dv),
    products: whole.products.subarray(from * dv, to * dv),
    weights: whole.weights.subarray(from, to),
    skewed: whole.skewed.subarray(from, to),
    counted: whole.counted.subarray(from, to),
    flags: whole.flags.subarray(from, to),
  }
}
