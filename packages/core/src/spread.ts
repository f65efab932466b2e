import type { Matrix } from './contracts'

/**
 * How uncertain a partial softmax is: sums over the tokens whose weights are estimates. The standard error of an answer is made of them, once the answer is
 * known. Spreads of disjoint sets of tokens add up, as partial softmaxes do. Row i is in units of e^{2·level[i]}; w is a token's weight, x the variance of the
 * weight as a multiple of w², v the token's value without the noise of the value itself.
 */
export interface Spread {
  readonly level: Float64Array // rows
  /** Σ w²·(x·v² + variance of v), rows × dv. */
  readonly squares: Float64Array
  /** Σ w²·x·v, rows × dv. */
  readonly products: Float64Array
  /** Σ w²·x, rows. */
  readonly weights: Float64Array
  /** Σ (w²·x)² over the tokens of a sample, rows, in units of e^{4·level}: tells from how many terms a variance is estimated. */
  readonly fourths: Float64Array
  /** Σ w²·x over the tokens that a sample may lack, rows: what the variance of its scores forecasts beyond `weights`. No part of the error of an answer. */
  readonly unseen: Float64Array
  /** Σ w²·(τ − ¼) over tokens in dithered codes, rows: where it is above 0, the errors are too skew for an interval. */
  readonly skewed: Float64Array
  /** 1 where a part of the answer has no interval, rows. */
  readonly flags: Uint8Array
  /**
   * Sums over a sample of the tokens less the sums that summaries answer, rows × dv, in units of e^{level}; `gapMass` has the difference of the masses, rows.
   */
  readonly gaps: Float64Array
  readonly gapMass: Float64Array
  /** The sums above, squares to fourths, of those samples: what their own variance makes uncertain, which is no part of the answer's. */
  readonly sampleSquares: Float64Array
  readonly sampleProducts: Float64Array
  readonly sampleWeights: Float64Array
  readonly sampleFourths: Float64Array
  /** 1 where a part of the answer is a summary that a sample judges, rows. */
  readonly measured: Uint8Array
}

/** Option that asks for error bars beside answers. */
export interface AskBars {
  readonly errorBars: true
}

/** Error bars of an answer: a standard error for each entry, and a flag for each row. */
export interface ErrorBars {
  /** Standard error of each entry of the normalised answer, rows × dv. */
  readonly error: Matrix
  /** 1 where no interval can be drawn from the row's errors, rows. */
  readonly flagged: Uint8Array
  /** 1 where a part of the bar is measured on held-out tokens, as `measured` does, and no theory gives it, rows. */
  readonly measured: Uint8Array
}

/** The spread of rows without any uncertainty. */
export function emptySpread(rows: number, dv: number): Spread {
  const sums = () => new Float64Array(rows)
  const entries = () => new Float64Array(rows * dv)
  return {
    level: sums().fill(-Infinity),
    squares: entries(),
    products: entries(),
    weights: sums(),
    fourths: sums(),
    unseen: sums(),
    skewed: sums(),
    flags: new Uint8Array(rows),
    gaps: entries(),
    gapMass: sums(),
    sampleSquares: entries(),
    sampleProducts: entries(),
    sampleWeights: sums(),
    sampleFourths: sums(),
    measured: new Uint8Array(rows),
  }
}

/** The powers of e^{level} in whose units the sums are. */
const SUMS = {
  squares: 2,
  products: 2,
  weights: 2,
  fourths: 4,
  unseen: 2,
  skewed: 2,
  gaps: 1,
  gapMass: 1,
  sampleSquares: 2,
  sampleProducts: 2,
  sampleWeights: 2,
  sampleFourths: 4,
} as const
type SumName = keyof typeof SUMS

/** Adds another spread to `into`, in place, from row `at` of `into` on. */
export function addSpread(into: Spread, other: Spread, at = 0): void {
  for (const [r, level] of other.level.entries()) {
    const to = at + r
    into.flags[to] |= other.flags[r]
    into.measured[to] |= other.measured[r]
    if (level === -Infinity) continue
    raiseSpread(into, to, level)
    eachSum(into, to, level - into.level[to], (name, i, unit, c, width) => {
      into[name][i] += other[name][r * width + c] * unit
    })
  }
}

/** Raises the units of a row to a level; a lower level changes nothing. */
export function raiseSpread(spread: Spread, row: number, level: number): void {
  const before = spread.level[row]
  if (level <= before) return
  spread.level[row] = level
  eachSum(spread, row, before - level, (name, i, unit) => {
    spread[name][i] *= unit
  })
}

/** Calls `take` for each entry of a row's sums, with the factor that brings units `below` the row's level up to it. */
function eachSum(
  { level, ...sums }: Spread,
  row: number,
  below: number,
  take: (name: SumName, i: number, unit: number, c: number, width: number) => void,
): void {
  for (const [name, power] of Object.entries(SUMS) as [SumName, number][]) {
    const unit = Math.exp(power * below)
    const width = sums[name].length / level.length
    for (let c = 0; c < width; c++) take(name, row * width + c, unit, c, width)
  }
}

/** Rows from … to − 1 of a spread, in the same memory. */
export function rowsOfSpread(whole: Spread, from: number, to: number): Spread {
  const part = (all: Float64Array | Uint8Array) => {
    const width = all.length / (whole.level.length || 1)
    return all.subarray(from * width, to * width)
  }
  return Object.fromEntries(
    Object.entries(whole).map(([name, all]) => [name, part(all as Float64Array)]),
  ) as unknown as Spread
}
