import type { Matrix } from '@sublinear/core'

/** Input of a score: tokens in stream order, those held first, then those that have just come. */
export interface Scoring {
  /** Tokens to be scored. */
  readonly count: number
  /** Tokens that have come in all, those that left included. */
  readonly seen: number
  readonly scale: number
  /** count × d. */
  keys(): Matrix
  /** count × dv. */
  values(): Matrix
  /** One a token, where any is not 1. */
  readonly weights: Float32Array | undefined
  /** Attention that each token has received since it came, summed over query rows; where the policy learns what is 'received' or 'watched'. */
  readonly received?: Float64Array | undefined
  /** Query rows, of all heads, that have seen each token; where the policy learns what is 'watched'. */
  readonly watched?: Float64Array | undefined
  /** Tokens that left, by weight, and the sums of their keys and values times it; where the policy remembers them. */
  readonly gone?: Gone | undefined
  /** Attention of the last queries, summed over them: `count` shares a query head, none before the first query; where it learns from 'lastQueries'. */
  shares?(): readonly Float64Array[]
}

/** Sums over tokens that left. */
export interface Gone {
  readonly weight: number
  readonly sum: Float64Array // d + dv
}

/** A rule that says which tokens stay: those of the largest score, of equals the later. */
export interface ScorePolicy<Options extends Counted = Counted, Settled extends Counted = Options> {
  /** The kind of its snapshots. */
  readonly name: string
  /** The paper, or 'not from the papers'. */
  readonly source: string
  /**
   * Memory of a score: nothing; the attention that each token received; with it how many query rows watched the token; or the
   * last queries. Pushing and asking teach nothing.
   */
  readonly learns: 'nothing' | 'received' | 'watched' | 'lastQueries'
  /** Whether the sums of what left are remembered. Default false. */
  readonly remembersGone?: boolean | undefined
  /** Fills in the policy's own options, plain JSON, and checks them; `count` has been checked. Default: none. @throws TypeError, RangeError */
  settle?(options: Options): Settled
  /** Tokens that stay whatever their score: the first of the stream, and the latest. Default none. */
  stays?(settled: Settled): { readonly first?: number | undefined; readonly recent?: number | undefined }
  /** The last tokens whose queries are asked, where the policy learns from 'lastQueries'. Default 1. */
  asks?(settled: Settled): number
  /** One number a token, none of them NaN; pure. Those of tokens that stay anyway are not looked at. */
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

/** Sums over the query heads, which rank tokens as their means do; zeros where there are none. */
export function sumOfHeads(heads: readonly Float64Array[], count: number): Float64Array {
  const out = new Float64Array(count)
  for (const shares of heads) for (let i = 0; i < count; i++) out[i] += shares[i]
  return out
}
