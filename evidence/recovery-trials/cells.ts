import { families, type Shape } from './families.ts'

export interface Cell extends Shape {
  /** At least so many, over all families. */
  readonly trials: number
}

export interface FamilyResult {
  readonly family: string
  readonly trials: number
  readonly failures: number
  /** Failures with 2k entries. */
  readonly wideFailures: number
  /** The largest ‖x′ − x‖/tail_k(x), or over ‖x‖ where the tail is 0. */
  readonly worst: number
  /** Seeds with their ratio, to be tried again. */
  readonly sample: readonly (readonly [number, number])[]
}

export interface CellResult extends Shape {
  readonly m: number
  readonly families: readonly FamilyResult[]
}

const cell = (log2n: number, k: number, epsilon: number, trials: number): Cell => ({
  n: 2 ** log2n,
  k,
  epsilon,
  trials,
})

/** 3600 trials without a failure refute a failure rate of 0.001 at the level 0.027; 1200 one of 0.0025 at 0.05. */
export const cells: readonly Cell[] = [
  cell(14, 8, 0.5, 3600),
  cell(16, 64, 0.5, 3600),
  cell(16, 8, 0.1, 3600),
  cell(18, 64, 0.5, 3600),
  cell(18, 64, 0.1, 3600),
  cell(20, 64, 0.5, 1200),
]

export const nameOf = ({ n, k, epsilon }: Shape): string => `${Math.log2(n)},${k},${epsilon}`

/** Seeds of the committed runs, from 0 on: the design was tuned on seeds from 10⁹ on. */
export const seedOf = (family: string, trial: number): number =>
  Object.keys(families).indexOf(family) * 1_000_000 + trial
