import type { Ready } from './statement.ts'

/** Trials that were made: how many, how many failed, and their errors in units of the bound. */
export interface Count {
  readonly facts: string
  readonly trials: number
  readonly failures: number
  readonly errors: readonly number[]
}

/** Counts the failures of trials with the seeds first, first + 1 …; an error that is no number is a failure. */
export function count({ facts, trial }: Ready, first: number, trials: number): Count {
  const errors = Array.from({ length: trials }, (_, i) => trial(first + i))
  return { facts, trials, failures: errors.filter((error) => !(error <= 1)).length, errors }
}

/** Adds the trials of two counts of one statement. */
export function together(a: Count, b: Count): Count {
  return {
    facts: b.facts,
    trials: a.trials + b.trials,
    failures: a.failures + b.failures,
    errors: [...a.errors, ...b.errors],
  }
}
