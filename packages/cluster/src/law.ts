import type { Landed } from './fault-kinds'

/** Outcome of a law that did not throw: the faults that landed, or the reason why it could not be tried here. */
export type LawResult = { readonly landed: readonly Landed[] } | { readonly notTried: string }

/** A law: in a test file of any runner, `test(law.name, law.run)`. */
export interface Law {
  readonly name: string
  /** Mistakes that the law rejects. */
  readonly kills: readonly string[]
  /** Runs the law. @throws Error where it does not hold */
  run(): Promise<LawResult>
}
