import type { Matrix } from '@sublinear/core'

/** Input of a score: tokens in stream order, first those held, then those that have just come. */
export interface Scoring {
  /** Number of tokens to be scored. */
  readonly count: number
  /** Number of tokens that have come in all, those that left included. */
  readonly seen: number
  readonly scale: number
  /** Keys of the tokens, count × d. */
  keys(): Matrix
  /** Values of the tokens, count × dv. */
  values(): Matrix
  /** Weights, one a token; undefined where all are 1. */
  readonly weights: Float32Array | undefined
  /** Attention that each token has received since it came, summed over query rows; present where the policy learns 'received' or 'watched'. */
  readonly received?: Float64Array | undefined
  /** Number of query rows, of all heads, that have seen each token; present where the policy learns 'watched'. */
  readonly watched?: Float64Array | undefined
  /** Sums over the tokens that left: their weights, and their weighted keys and values; present where the policy remembers them. */
  readonly gone?: Gone | undefined
  /**
   * Attention of the last queries: for each query head `count` shares, summed over its queries; empty before the first query. Present where the policy learns
   * from 'lastQueries'.
   */
  shares?(): readonly Float64Array[]
}

/** Sums over tokens that left. */
export interface Gone {
  readonly weight: number
  readonly sum: Float64Array // sums of d key and dv value coordinates, weighted
}

/** A rule that says which tokens stay: those of the largest scores; of equals, the later. */
export interface ScorePolicy<Options extends Counted = Counted, Settled extends Counted = Options> {
  /** Kind of its snapshots. */
  readonly name: string
  /** The paper, or 'not from the papers'. */
  readonly source: string
  /**
   * Memory of the score. 'nothing'; 'received': the attention that each token received; 'watched': that, and how many query rows watched the token;
   * 'lastQueries': the last queries. Only `step` teaches.
   */
  readonly learns: 'nothing' | 'received' | 'watched' | 'lastQueries'
  /** Whether the sums over the tokens that left are remembered. Default: false. */
  readonly remembersGone?: boolean | undefined
  /**
   * Fills in and checks the policy's own options, plain JSON; `count` has been checked. Default: no options. @throws TypeError, RangeError when an
   * option is out of range
   */
  settle?(options: Options): Settled
  /** Tokens that stay whatever their score: so many of the first of the stream, and of the latest. Default: none. */
  stays?(settled: Settled): { readonly first?: number | undefined; readonly recent?: number | undefined }
  /** Number of last tokens whose queries are asked, where the policy learns from 'lastQueries'. Default 1. */
  asks?(settled: Settled): number
  /** Scores tokens: one number each, not NaN; pure. Scores of tokens that stay anyway are not looked at. */
  score(tokens: Scoring, settled: Settled): Float64Array
}

export interface Counted {
  /** Tokens kept. */
  readonly count: number
}

/** Squared norms of the rows. */
export function squaredNorms({ rows, cols, data }: Matrix): Float64Array {
  const out = new Float64Array(rows)
  for (let i = 0; i < rows; i++) for (let c = i * cols; c < (i + 1) * cols; c++) out[i] += data[c] ** 2
  return out
}

/** Sums of shares over the query heads, which rank tokens as their means do; zeros where there are no heads. */
export function sumOfHeads(heads: readonly Float64Array[], count: number): Float64Array {
  const out = new Float64Array(count)
  for (const shares of heads) for (let i = 0; i < count; i++) out[i] += shares[i]
  return out
}
