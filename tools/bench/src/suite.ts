/** Work of a case once it is set up: a timed call, or a measurement of its own (peak memory, another process). */
export type Work = { readonly run: () => unknown } | { readonly measure: () => number | Promise<number> }

/** One row of a table. */
export interface Case {
  readonly name: string
  /** Earlier cases of the group with which this one is compared, round by round. Where several have one name, the one with the least median counts. */
  readonly against?: readonly Opponent[]
  /** Floating-point operations of one call. Where both have it, a ratio compares operations per second. */
  readonly operations?: number
  readonly setup: () => Work | Promise<Work>
}

/** The name of a case, or a name for the fastest of several cases. */
export type Opponent = string | { readonly name: string; readonly of: readonly string[] }

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
  /** How many of these things one call handles. Default 1. */
  readonly count?: number
  /** Whether tables say how many of them a second that is. */
  readonly rate?: boolean
}

export interface Suite {
  readonly name: string
  /** Rounds of every group; a number is the median over them. */
  readonly rounds: number
  /** Why it cannot run here, where it cannot: an optional peer is not installed. */
  readonly missing?: () => string | undefined
  readonly groups: () => readonly Group[]
}

/** A case that times a call and needs no setting up. */
export function timed(name: string, run: () => unknown, against: readonly Opponent[] = []): Case {
  return { name, against, setup: () => ({ run }) }
}
