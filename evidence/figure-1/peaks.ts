/** The computations of Figure 1, and exact attention in blocks. */
export type Way = 'plain' | 'features' | 'streams' | 'blocks'

export interface Figure1 {
  readonly node: string
  readonly lengths: readonly number[]
  /** MB above a process of the same kind with 16 tokens, medians of three; null where not run. */
  readonly peaks: Readonly<Record<Way, readonly (number | null)[]>>
}
