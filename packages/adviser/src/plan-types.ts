import type { Method, Pilot, Seed, Shape } from '@sublinear/core'
import type { PlanCost } from './cost'
import type { Driven } from './drive'
import type { PilotFindings } from './sample'
import type { Phi } from './sketches'

/**
 * 'causal': tokens come with their queries, and every token asks about those before it. 'rows': queries come after the stream. 'both': as causal, and what is
 * asked after the stream counts as much. 'columns': which queries have large outputs.
 */
export const TASKS = ['causal', 'rows', 'both', 'columns'] as const
export type Task = (typeof TASKS)[number]

/** Ground of an error: a radius (holds for all data), a pilot and formulas, or a pilot on which the stream was run. */
export type Evidence = 'certified' | 'predicted' | 'measured'
export type Verdict = 'ok' | 'dominated' | 'vacuous' | 'infeasible'
export type Term = 'polynomial' | 'psi' | 'phi' | 'float32' | 'bytes' | 'measured'

export interface PlanOptions extends Pick<Shape, 'd' | 'dv' | 'scale'>, Driven {
  /** Methods to choose from. */
  readonly methods: readonly Method[]
  /** Length of the stream to come, in tokens. */
  readonly tokens: number
  /**
   * Error asked for, 0 < ε < 1: relative to the outputs with a pilot, to the largest |v| with a radius. Without one the best within the budget is
   * found.
   */
  readonly epsilon?: number | undefined
  /** Tokens of the head in stream order, or of another text. Either this or a radius. */
  readonly pilot?: Pilot | undefined
  /** Bound on scale·‖q‖·‖k‖, and so on every |score|, where nothing else is known. Within it, and before float32, features need the bound on scores alone. */
  readonly radius?: number | undefined
  /** Most bytes that may be held. Default: no limit; then epsilon must be given. */
  readonly budgetBytes?: number | undefined
  /** Questions that the stream will be asked. Default 'causal'. */
  readonly task?: Task | undefined
  /** Entries of an output column that are wanted, for 'columns'. */
  readonly k?: number | undefined
  /** Whether a key comes with its value. Default true; false is Algorithm 1's case and brings Ψ. */
  readonly keysAndValuesTogether?: boolean | undefined
  /** Whether weights other than 1 may come. Default false. */
  readonly weighted?: boolean | undefined
  /** Whether a query may take milliseconds: stacks may then have tiers that are slow, as entropy-coded ones are. Default false. */
  readonly slow?: boolean | undefined
  /** Whether every candidate is run on the whole pilot, and none dropped early: what the rounds are held against. Default false. */
  readonly exhaustive?: boolean | undefined
  /** Failure probability of one answer over Ψ, with a radius. Default 0.01. */
  readonly delta?: number | undefined
  /** Seed of Ψ and Φ. Default 0. */
  readonly seed?: Seed | undefined
}

/** An error and its terms, where it is made of terms; `total` is their sum where they are certified, else their root sum of squares. */
export interface PlanError {
  readonly total: number
  /** Error of the features, or of the Gaussian closure. */
  readonly polynomial?: number | undefined
  readonly psi?: number | undefined
  readonly phi?: number | undefined
  readonly float32?: number | undefined
  /** Tokens of the pilot that were run, where it is measured. */
  readonly tokens?: number | undefined
}

/** A candidate that was considered. */
export interface Considered {
  /** Name of the method, or of the summary in words. */
  readonly name: string
  /** Absent where nothing of the method fits. */
  readonly options?: object | undefined
  readonly evidence: Evidence
  readonly bytes: number | null
  /** Null where nothing fits; of a candidate that was dropped early, that of fewer tokens of the pilot. */
  readonly error: number | null
  /** Tokens of the pilot after which others were better. */
  readonly droppedAt?: number | undefined
}

/** A plan, as plain JSON. */
export interface Plan extends Pick<Shape, 'd' | 'dv' | 'scale'> {
  readonly tokens: number
  readonly epsilon: number | null
  readonly budgetBytes: number | null
  readonly task: Task
  readonly keysAndValuesTogether: boolean
  /** The name of the method, and its options: what makes the stream, also where the verdict advises against it. */
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
  /** The error of what needs no thought: 0 for every answer, and the mean of the values. */
  readonly baselines: { readonly zero: number; readonly average: number }
  /**
   * 'ok': it meets ε, or is the best within the budget, in fewer bytes than any cache. 'dominated': a cache that is exact, or exact enough, is
   * smaller. 'vacuous': what fits is no better than answering 0 or the mean value. 'infeasible': something that fits helps, but nothing that was
   * considered reaches ε.
   */
  readonly verdict: Verdict
  /** The term that decides. */
  readonly decides: Term
  /** The verdict in words, and what to do instead. */
  readonly advice: string
  readonly pilot?: PilotFindings | undefined
  /** Candidates by evidence; measured ones the best first, others the smallest first. */
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
