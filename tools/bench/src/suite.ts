/** Work of a case once it is set up: a timed call, or a measurement of its own (peak memory, another process). */
export type Work = { readonly run: () => unknown } | { readonly measure: () => number | Promise<number> }

/** One row of a table. */
export interface Case {
  readonly name: string
  /** Names of earlier cases of the group: how many times faster is this one, round by round. */
  readonly against?: readonly string[]
  /** Floating-point operations of one call. Where both have it, a ratio compares operations per second. */
  readonly operations?: number
  readonly setup: () => Work | Promise<Work>
}

/** Cases that do the same job, measured in turns in one process. */
export interface Group {
  readonly name: string
  readonly unit: Unit
  readonly cases: readonly Case[]
}

export interface Unit {
  readonly name: 'ms' | 'µs' | 'ns' | 'MB'
  /** Thing that one unit is counted for: 'row', 'token', … ; absent: one call. */
  readonly of?: string
  /** How many of these one call does. Default 1. */
  readonly count?: number
  /** Whether tables say how many of them a second that is. */
  readonly rate?: boolean
}

export interface Suite {
  readonly name: string
  /** Rounds of every group; a number is the median over them. */
  readonly rounds: number
  readonly groups: () => readonly Group[]
}

/** A case that times a call and needs no setting up. */
export function timed(name: string, run: () => unknown, against: readonly string[] = []): Case {
  return { name, against, setup: () => ({ run }) }
}
