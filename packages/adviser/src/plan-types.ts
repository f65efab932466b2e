import type { Head, HeadFeature, Method, Pilot, Seed, Shape } from '@sublinear/core'
import type { PlanCost } from './cost'
import type { Driven } from './drive'
import type { PilotFindings } from './sample'
import type { Phi } from './sketches'

/**
 * Questions that a stream will be asked. 'causal': tokens come with their queries, and every token asks about those before it. 'rows': queries come after the
 * stream, whose tokens have none. 'later': tokens come with their queries, and only queries after the stream count. 'both': as causal, and queries after the
 * stream count as much. 'columns': which queries have large outputs.
 */
export const TASKS = ['causal', 'rows', 'later', 'both', 'columns'] as const
export type Task = (typeof TASKS)[number]

/** Ground of an error: a radius (then it holds for all data), a pilot and formulas, or a pilot on which the stream was run. */
export type Evidence = 'certified' | 'predicted' | 'measured'
export type Verdict = 'ok' | 'dominated' | 'vacuous' | 'infeasible'
export type Term = 'polynomial' | 'psi' | 'phi' | 'float32' | 'bytes' | 'measured'

/** Features of a head beside plain softmax that a plan knows: with them methods are run, and nothing is predicted. */
export type PlanHead = Pick<Head, 'softcap' | 'sinkLogit'>

export interface PlanOptions extends Pick<Shape, 'd' | 'dv' | 'scale'>, PlanHead, Driven {
  /** Methods to choose from. */
  readonly methods: readonly Method[]
  /** Number of tokens of the stream to come. */
  readonly tokens: number
  /** Error asked for, 0 < ε < 1: relative to the outputs with a pilot, to the largest |v| with a radius. Absent: the best within the budget is found. */
  readonly epsilon?: number | undefined
  /** Tokens of the head in stream order, or tokens of another text. Either a pilot or a radius is given. */
  readonly pilot?: Pilot | undefined
  /** Bound on scale·‖q‖·‖k‖, and so on every |score|, where nothing else is known. (Before float32, features need only the bound on scores.) */
  readonly radius?: number | undefined
  /** Most bytes that may be held. Absent: no limit; then epsilon must be given. */
  readonly budgetBytes?: number | undefined
  /** Questions that the stream will be asked. Default 'causal'. */
  readonly task?: Task | undefined
  /** Number of entries of an output column that are wanted; for 'columns'. */
  readonly k?: number | undefined
  /** Whether a key comes with its value. Default: true. false is the case of Algorithm 1 and needs Ψ. */
  readonly keysAndValuesTogether?: boolean | undefined
  /** Whether weights other than 1 may come. Default: false. */
  readonly weighted?: boolean | undefined
  /** Whether a query may take milliseconds: stacks may then have slow tiers, such as entropy-coded ones. Default: false. */
  readonly slow?: boolean | undefined
  /** Whether every candidate is run on the whole pilot and none is dropped early; for judging the search itself. Default: false. */
  readonly exhaustive?: boolean | undefined
  /** Failure probability of one answer over Ψ, where a radius is given. Default 0.01. */
  readonly delta?: number | undefined
  /** Seed of Ψ and Φ. Default 0. */
  readonly seed?: Seed | undefined
}

/** An error, and its terms where it has some. `total` is their sum where they are certified, else the root of the sum of their squares. */
export interface PlanError {
  readonly total: number
  /** Error of the features, or of the Gaussian closure. */
  readonly polynomial?: number | undefined
  readonly psi?: number | undefined
  readonly phi?: number | undefined
  readonly float32?: number | undefined
  /** Number of the pilot's tokens that were run, where the error is measured. */
  readonly tokens?: number | undefined
}

/** A candidate that was considered. */
export interface Considered {
  /** Name of the method, or of the summary in words. */
  readonly name: string
  /** Options of the method. Absent where no options fit. */
  readonly options?: object | undefined
  readonly evidence: Evidence
  readonly bytes: number | null
  /** Error. Null where nothing fits; where the candidate was dropped early, over fewer tokens of the pilot. */
  readonly error: number | null
  /** Number of the pilot's tokens after which other candidates were better. */
  readonly droppedAt?: number | undefined
  /** Features of the head that the method does not compute, where it was left out for them. */
  readonly cannot?: readonly HeadFeature[] | undefined
}

/** A plan, as plain JSON. */
export interface Plan extends Pick<Shape, 'd' | 'dv' | 'scale'>, PlanHead {
  readonly tokens: number
  readonly epsilon: number | null
  readonly budgetBytes: number | null
  readonly task: Task
  readonly keysAndValuesTogether: boolean
  /** Name of the method. With `options` it makes the stream, even where the verdict advises against it. */
  readonly method: string
  readonly options: object
  /** Method and options in words. */
  readonly name: string
  /** Φ and its size, for 'columns'. */
  readonly phi?: Phi | undefined
  readonly evidence: Evidence
  /** 'relative': of ‖output‖ over all queries; 'max |v|': of one answer, certified. */
  readonly unit: 'relative' | 'max |v|'
  readonly error: PlanError
  readonly bytes: number
  readonly cost: PlanCost
  /** Errors of two trivial answers: 0 for every query, and the mean of the values. */
  readonly baselines: { readonly zero: number; readonly average: number }
  /**
   * Verdict. 'ok': the plan meets ε, or is the best within the budget, in fewer bytes than any cache. 'dominated': a cache that is exact, or exact enough, is
   * smaller. 'vacuous': whatever fits is no better than answering 0 or the mean value. 'infeasible': something that fits helps, but no candidate reaches ε.
   */
  readonly verdict: Verdict
  /** The term that decides the error. */
  readonly decides: Term
  /** The verdict in words, and what to do instead. */
  readonly advice: string
  readonly pilot?: PilotFindings | undefined
  /** Candidates, grouped by evidence: measured ones with the best first, others with the smallest first. */
  readonly considered: readonly Considered[]
}

/** An answer to the question of a plan, before the verdict. */
export interface Answer {
  readonly name: string
  readonly method: string
  readonly options: object
  readonly phi?: Phi | undefined
  readonly evidence: Evidence
  readonly error: PlanError
  readonly parts: Readonly<Record<string, number>>
}
