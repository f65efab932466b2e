import { checkFinite, checkInteger, checkKeys, checkObject, checkScale, type Matrix } from '@sublinear/core'
import { walkConstant } from './balancing-walks'

export interface BalanceKvSizeOptions {
  /** Width of queries and keys. */
  readonly d: number
  /** Width of values. */
  readonly dv: number
  /** Factor of the scores inside exp. */
  readonly scale: number
  /** Bound on ‖q‖ and ‖k‖. */
  readonly norm: number
  /** Error in units of ‖softmax‖₂·‖V‖_F. */
  readonly epsilon: number
  /** Failure probability over all halvings of one instance. */
  readonly delta: number
  /** Stream length. */
  readonly n: number
}

export interface BalanceKvSize {
  /** Tokens halved together, even. */
  readonly blockSize: number
  readonly levels: number
  /** Number of tokens that one instance may hold. */
  readonly tokens: number
  /** e^{2R}, R = scale·norm²: the factor by which the size grows with the norms. */
  readonly growth: number
  /** Whether the tree would be no smaller than the stream: one block then holds the whole stream, and answers are exact. */
  readonly vacuous: boolean
}

/**
 * Computes block and levels with which a tree of 'theory' walks keeps every answer within epsilon: t = ⌈4·√dv·c·T·e^{2R}/ε⌉, c = 30·ln(t/δ') where δ'
 * is the share of delta for one
 * halving, T = ⌈log₂(n/t)⌉.
 * Source: Theorems 3.1 and 3.4 (BalanceKV). Deviation: the constants are written out, which the paper hides: a halving moves numerator and denominator by at
 *   most √dv·c·e^R·max|v| (Theorem 3.3), each level adds n/t of them, the mass is at least n·e^{−R}, and an octave's ‖V‖_F·‖softmax‖₂ at least max|v|/2.
 *
 * Guarantee: holds for queries fixed before the seeds; the constant 30 has room for n·dv ≤ ½·(2n/δ)^1.39 of them and their columns. The size grows as
 * e^{2R}/ε. `vacuous`
 *   is true where the block has the whole stream: at R = ½ and ε = ½ for n up to 7·10⁴.
 *
 * @throws TypeError, RangeError when an argument is out of range
 */
export function balanceKvSize(options: BalanceKvSizeOptions): BalanceKvSize {
  const { d, dv, scale, norm, epsilon, delta, n } = checkObject('balanceKvSize', options)
  const who = 'balanceKvSize'
  checkInteger(who, 'd', d, 1)
  checkInteger(who, 'dv', dv, 1)
  checkScale(who, scale)
  checkFinite(who, 'norm', norm, 0)
  checkFinite(who, 'epsilon', epsilon, 0)
  checkFinite(who, 'delta', delta, 0)
  if (delta >= 1) throw new RangeError(`${who}: delta must be below 1, got ${delta}`)
  checkInteger(who, 'n', n, 1)
  const growth = Math.exp(2 * Math.abs(scale) * norm * norm)
  let t = 2
  for (let round = 0; round < ROUNDS; round++) {
    const levels = levelsFor(n, t)
    const own = delta / Math.max(1, (2 * n) / t) // the share of one halving, of all there are
    t = Math.max(2, (4 * Math.sqrt(dv) * walkConstant(t, own) * levels * growth) / epsilon)
  }
  const blockSize = 2 * Math.ceil(t / 2)
  const levels = levelsFor(n, blockSize)
  if ((levels + 1) * blockSize < n)
    return { blockSize, levels, tokens: (levels + 1) * blockSize, growth, vacuous: false }
  return { blockSize: Math.max(2, n + (n % 2)), levels: 1, tokens: n, growth, vacuous: true }
}

/** Rounds of the fixed-point iteration: t stands within its own logarithms. */
const ROUNDS = 32

function levelsFor(n: number, t: number): number {
  return Math.max(1, Math.ceil(Math.log2(n / t)))
}

/**
 * Computes the lower bound on what any streaming algorithm for this error must hold, up to a constant: min(1/ε², d·e^{2R}).
 * Source: Theorem 3.2 (BalanceKV); its premise is norm² ≤ d at scale = 1/√d.
 *
 * @returns the bound without its constant, and whether the premise holds
 */
export function balanceKvLeast(options: Pick<BalanceKvSizeOptions, 'd' | 'scale' | 'norm' | 'epsilon'>): {
  readonly least: number
  readonly premise: boolean
} {
  const { d, scale, norm, epsilon } = checkObject('balanceKvLeast', options)
  const who = 'balanceKvLeast'
  checkInteger(who, 'd', d, 1)
  checkScale(who, scale)
  checkFinite(who, 'norm', norm, 0)
  checkFinite(who, 'epsilon', epsilon, 0)
  const least = Math.min(1 / (epsilon * epsilon), d * Math.exp(2 * Math.abs(scale) * norm * norm))
  return { least, premise: norm * norm <= d }
}

export interface BalanceKvReach {
  /** The largest ‖q‖ or ‖k‖. */
  readonly norm: number
  /** e^{2·scale·norm²}: Infinity where it is beyond float64. */
  readonly growth: number
  /** Whether growth alone exceeds the number of keys, so that Theorem 3.1 says nothing about them. */
  readonly vacuous: boolean
}

/**
 * Measures how far real queries and keys are from the premises of Theorem 3.1.
 *
 * @param queries, keys  rows of one width; scale  factor of their products inside exp
 * @throws TypeError, RangeError when a matrix is malformed or scale is not finite
 */
export function balanceKvReach(options: {
  readonly queries: Matrix
  readonly keys: Matrix
  readonly scale: number
}): BalanceKvReach {
  const { queries, keys, scale } = checkObject('balanceKvReach', options)
  checkKeys('balanceKvReach', 'keys', keys)
  checkKeys('balanceKvReach', 'queries', queries, keys.cols)
  checkScale('balanceKvReach', scale)
  const norm = Math.max(largestNorm(queries), largestNorm(keys))
  const growth = Math.exp(2 * Math.abs(scale) * norm * norm)
  return { norm, growth, vacuous: growth > keys.rows }
}

function largestNorm({ rows, cols, data }: Matrix): number {
  let most = 0
  for (let r = 0; r < rows; r++) most = Math.max(most, Math.hypot(...data.subarray(r * cols, (r + 1) * cols)))
  return most
}
