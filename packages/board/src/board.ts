import type { Matrix } from '@sublinear/core'

export interface BoardHead {
  readonly name: string
  readonly queries: Matrix // groups·n × d; row i·groups + g belongs to token i
  readonly keys: Matrix // n × d
  readonly values: Matrix // n × dv
  /** Factor inside exp. Default 1/√d. */
  readonly scale?: number | undefined
}

/** A ratio that every query has: its mean over the queries, and the largest. */
export interface OverQueries {
  readonly mean: number
  readonly worst: number
}

/** Distances of answers ô from exact ones o, in three units. */
export interface BoardErrors {
  /** ‖ô − o‖_F/‖o‖_F over all queries. */
  readonly relative: number
  /** ‖ô − o‖₂ of a query over ‖softmax‖₂·‖V‖_F, the ε of both papers. */
  readonly softmax: OverQueries
  /** ‖ô − o‖₂ of a query over max ‖v‖₂. */
  readonly value: OverQueries
}

/** Worth of the 95 % error bars of answers: 1.96 standard errors about each entry. */
export interface BoardBars {
  /** Share of the entries of rows without a flag that lie within their bar; undefined where all rows have one. */
  readonly covered?: number | undefined
  /** Share of the rows whose bar the stream itself calls no ground for an interval. */
  readonly flagged: number
  /** Half-widths over answers, ‖1.96·se‖_F/‖o‖_F, of rows without a flag. */
  readonly width: number
}

/** One method within one budget on one head. */
export interface BoardCell {
  /** The method's name. */
  readonly stream: string
  /**
   * within: never held more than the budget. over: it did, so its errors are no result. does not fit: it declined.
   * failed: it threw, or answered what is no number.
   */
  readonly outcome: 'within' | 'over' | 'does not fit' | 'failed'
  /** Reason why a row is wrong, or could not be looked at, where that is so. */
  readonly why?: string | undefined
  /** Held at the end: what the stream says, or the tensors of its snapshot where they are larger. */
  readonly bytes?: number | undefined
  /** The most held after any call. */
  readonly peakBytes?: number | undefined
  /** Bytes held after so many tokens, whenever twice as many have come, and at the end. */
  readonly memory?: readonly (readonly [tokens: number, bytes: number])[] | undefined
  readonly errors?: BoardErrors | undefined
  /** 95 % interval of the relative error, where the judged queries are a sample of those to come; absent of fewer than 32. */
  readonly interval?: readonly [low: number, high: number] | undefined
  /** Error bars of a stream that gives them, where they were asked for. */
  readonly bars?: BoardBars | undefined
  /** Microseconds, by the caller's clock: a token of the prefix (for one that learns, with its queries), and a query with its token. */
  readonly time?: { readonly push: number; readonly query: number } | undefined
}

export interface BoardBudget {
  /** Budget as it was asked for: '1/16', or bytes. */
  readonly name: string
  readonly bytes: number
  /** A uniform sample of as many tokens as the bytes hold in float32, kept as a reservoir: mean of four. */
  readonly sample: BoardErrors
  readonly cells: readonly BoardCell[]
}

export interface BoardHeadResult {
  readonly name: string
  readonly d: number
  readonly dv: number
  readonly scale: number
  readonly tokens: number
  /** Bytes of a cache of the prefix: what shares are shares of. */
  readonly cacheBytes: { readonly float32: number; readonly float16: number }
  /** Errors of two trivial answers: 0, and the mean of the values so far. */
  readonly zero: BoardErrors
  readonly uniform: BoardErrors
  readonly budgets: readonly BoardBudget[]
}

/** A board, as plain JSON. */
export interface Board {
  readonly version: 1
  /** How to make it again: the call, or what the caller gave. */
  readonly reproduce: string
  readonly prefix: number
  /** Tokens after the prefix whose queries were judged. */
  readonly queries: number
  readonly block: number
  readonly seed: number
  /** Names of the methods. */
  readonly streams: readonly string[]
  readonly heads: readonly BoardHeadResult[]
}
