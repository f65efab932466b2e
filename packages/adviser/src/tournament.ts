import type { Candidate, Trial, TrialErrors } from './trial'

/** A candidate, and how far it has come. */
export interface Standing extends Candidate {
  readonly errors: TrialErrors
  /** Number of the pilot's tokens over which its errors were measured. */
  readonly tokens: number
  /** The same number, where the candidate was dropped: better ones went on. */
  readonly droppedAt?: number | undefined
}

export interface Round {
  /** Number of tokens in this round. */
  readonly tokens: number
  /** How many candidates go on; and at least how many of methods that have nothing to refine, which look worse on few tokens than on many. */
  readonly keep: number
  readonly plain?: number | undefined
  /** How many times candidates near the best join the round. Default 0. */
  readonly refine?: number | undefined
}

/** Progress of a search between two pieces of work. */
export interface Step {
  readonly round: number
  readonly rounds: number
  /** Number of candidates done in this round, and of all of them so far. */
  readonly done: number
  readonly candidates: number
}

/**
 * Finds the best candidate by successive halving: many are tried on few tokens of a pilot, the best of them on more, the last on all.
 * Source: Jamieson and Talwalkar, Non-stochastic Best Arm Identification and Hyperparameter Optimization (2016). Deviation: rounds are given, and candidates
 *   near the best of a round may join it.
 *
 * Guarantee: a function of its arguments. Errors of different rounds answer different questions and are never compared.
 * Cost: that of the trials. It yields between their pieces.
 *
 * @param candidates  in order of preference among equals; rounds  at least one; trialOf  makes the trial for a number of tokens
 * @param near  candidates near a given one, which a refining round tries beside its best, again and again
 * @returns the standings: first those of the last round, the best at the head; then the dropped ones, the latest first
 */
export function* tournament({
  candidates,
  rounds,
  trialOf,
  near,
}: {
  readonly candidates: readonly Candidate[]
  readonly rounds: readonly Round[]
  readonly trialOf: (tokens: number) => Trial
  readonly near: (best: Candidate) => readonly Candidate[]
}): Generator<Step, Standing[]> {
  let field = candidates
  const dropped: Standing[] = []
  let ranked: Standing[] = []
  for (const [round, { tokens, keep, plain = 0, refine = 0 }] of rounds.entries()) {
    const trial = trialOf(tokens)
    const standings: Standing[] = []
    const enter = function* (entrants: readonly Candidate[]): Generator<Step> {
      const all = standings.length + entrants.length
      for (const { method, options, isOwn } of entrants) {
        const run = trial.run({ method, options })
        try {
          let piece = run.next()
          for (; !piece.done; piece = run.next())
            yield { round, rounds: rounds.length, done: standings.length, candidates: all }
          standings.push({ method, options, ...(isOwn && { isOwn }), errors: piece.value, tokens })
        } finally {
          run.return(undefined as never) // a caller that stops here leaves no stream behind
        }
      }
    }
    yield* enter(field)
    for (let times = 0, last: Standing | undefined; times < refine; times++) {
      const best = inOrder(standings).find(({ method }) => method.refine)
      if (!best || best === last) break
      last = best
      yield* enter(near(best).filter((one) => !standings.some((other) => isSame(one, other))))
    }
    ranked = inOrder(standings)
    if (round === rounds.length - 1) break
    const going = new Set([
      ...ranked.slice(0, keep),
      ...ranked.filter(({ method }) => !method.refine).slice(0, plain),
      ...ranked.filter(({ isOwn }) => isOwn),
    ])
    dropped.unshift(...ranked.filter((one) => !going.has(one)).map((one) => ({ ...one, droppedAt: tokens })))
    field = ranked.filter((one) => going.has(one))
  }
  return [...ranked, ...dropped]
}

/** Sorts standings: the smallest error first; of equals, the earlier. */
function inOrder(standings: readonly Standing[]): Standing[] {
  return standings.toSorted((a, b) => a.errors.total - b.errors.total || 0)
}

function isSame(one: Candidate, other: Candidate): boolean {
  return one.method.name === other.method.name && JSON.stringify(one.options) === JSON.stringify(other.options)
}
