import type { Head, Matrix } from '@sublinear/core'

/** A head's rows, and what it computes beside plain softmax: caps on scores, and a sink, which is part of the truth and of every stream. */
export interface BoardHead extends Pick<Head, 'softcap' | 'sinkLogit'> {
  readonly name: string
  readonly queries: Matrix // groups·n × d; row i·groups + g belongs to token i
  readonly keys: Matrix // n × d
  readonly values: Matrix // n × dv
  /** Factor inside exp. Default 1/√d. */
  readonly scale?: number | undefined
}

/** A ratio for every query: its mean over the queries, and the largest. */
export interface OverQueries {
  readonly mean: number
  readonly worst: number
}

/** Distances of answers ô from exact answers o, in three units. */
export interface BoardErrors {
  /** ‖ô − o‖_F/‖o‖_F over all queries. */
  readonly relative: number
  /** ‖ô − o‖₂ of a query over ‖softmax‖₂·‖V‖_F, the unit of ε in both papers. */
  readonly softmax: OverQueries
  /** ‖ô − o‖₂ of a query over max ‖v‖₂. */
  readonly value: OverQueries
}

/** How good the 95 % error bars of answers are: 1.96 standard errors about each entry. */
export interface BoardBars {
  /** Share of entries that lie within their bar, in rows without a flag; undefined where all rows have one. */
  readonly covered?: number | undefined
  /** Share of rows that the stream flags: it says that no interval can be drawn. */
  readonly flagged: number
  /** Half-widths of the bars over the answers, ‖1.96·se‖_F/‖o‖_F, in rows without a flag. */
  readonly width: number
}

/** One method within one budget on one head. */
export interface BoardCell {
  /** The method's name. */
  readonly stream: string
  /**
   * within: never held more than the budget. over: it did, so its errors are no result. does not fit: it declined.
   * cannot: the head has a feature that the method does not compute. failed: it threw, or answered what is no number.
   */
  readonly outcome: 'within' | 'over' | 'does not fit' | 'cannot' | 'failed'
  /** Reason why the outcome is not 'within', or why its bytes could not be checked. */
  readonly why?: string | undefined
  /** Bytes held at the end: the stream's own figure, or the tensors of its snapshot where these are larger. */
  readonly bytes?: number | undefined
  /** The most bytes held after any call. */
  readonly peakBytes?: number | undefined
  /** Bytes held after a number of tokens: each time that their number has doubled, and at the end. */
  readonly memory?: readonly (readonly [tokens: number, bytes: number])[] | undefined
  readonly errors?: BoardErrors | undefined
  /** 95 % interval of the relative error, where the judged queries are a sample of those to come; absent of fewer than 32. */
  readonly interval?: readonly [low: number, high: number] | undefined
  /** Error bars of a stream that gives them, where they were asked for. */
  readonly bars?: BoardBars | undefined
  /** Times in microseconds, by the caller's clock: of a token of the prefix (with its queries, where the method learns), and of a query with its token. */
  readonly time?: { readonly push: number; readonly query: number } | undefined
}

export interface BoardBudget {
  /** The budget as it was asked for: '1/16', or bytes. */
  readonly name: string
  readonly bytes: number
  /** Errors of a uniform sample of as many tokens as the bytes hold in float32, kept as a reservoir: the mean of four samples. */
  readonly sample: BoardErrors
  readonly cells: readonly BoardCell[]
}

export interface BoardHeadResult extends Pick<Head, 'softcap' | 'sinkLogit'> {
  readonly name: string
  readonly d: number
  readonly dv: number
  readonly scale: number
  readonly tokens: number
  /** Bytes of a cache of the prefix, of which shares are taken. */
  readonly cacheBytes: { readonly float32: number; readonly float16: number }
  /** Errors of two trivial answers: 0, and the mean of the values so far. */
  readonly zero: BoardErrors
  readonly uniform: BoardErrors
  readonly budgets: readonly BoardBudget[]
}

/** A board, as plain JSON. */
export interface Board {
  readonly version: 1
  /** How to make the board again: the call, or what the caller gave. */
  readonly reproduce: string
  readonly prefix: number
  /** Number of tokens after the prefix whose queries were judged. */
  readonly queries: number
  readonly block: number
  readonly seed: number
  /** Names of the methods. */
  readonly streams: readonly string[]
  readonly heads: readonly BoardHeadResult[]
}
