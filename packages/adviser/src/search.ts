import { rowsOf, type Method, type Pilot, type Shape, type Traffic } from '@sublinear/core'
import { trialOf, type Asked, type Candidate } from './trial'
import { tournament, type Round, type Standing, type Step } from './tournament'

export interface SearchOptions {
  readonly methods: readonly Method[]
  readonly shape: Shape
  readonly budgetBytes: number
  readonly traffic: Traffic
  readonly pilot: Pilot
  readonly asked: Asked
}

export interface Found {
  /** Standings, those of the last round first, the best at the head. */
  readonly standings: readonly Standing[]
  /** Names of methods that have no options that fit the budget. */
  readonly tooLarge: readonly string[]
}

/** Number of first tokens on which all candidates are compared. */
const FIRST = 512

/**
 * Rounds of a search, two of them: all candidates on the first tokens of a pilot; then on all its tokens the best six, the best four plain methods, and each
 * method's own choice. The numbers were chosen on heads of the two committed models, so that the choice is as good on later tokens as that of a search which
 * drops nothing.
 *
 * @param exhaustive  one round of all candidates on all tokens instead, refined until nothing is better
 */
export function roundsOf(tokens: number, exhaustive = false): Round[] {
  if (exhaustive || tokens <= FIRST) return [{ tokens, keep: 1, refine: Infinity }]
  return [
    { tokens: FIRST, keep: 6, plain: 4, refine: 3 },
    { tokens, keep: 1 },
  ]
}

/** Tries the options that every method finds within a budget, on a pilot. */
export function* search(
  { methods, shape, budgetBytes, traffic, pilot, asked }: SearchOptions,
  rounds: readonly Round[] = roundsOf(pilot.keys.rows),
): Generator<Step, Found> {
  const few = firstOf(pilot, Math.min(SHAPING, pilot.keys.rows))
  const candidates: Candidate[] = []
  for (const method of methods) {
    yield { round: 0, rounds: rounds.length, done: 0, candidates: methods.length } // a rest, since making maps from a pilot takes a while
    candidates.push(...candidatesOf(method, shape, budgetBytes, traffic, few))
  }
  const entered = new Set(candidates.map(({ method }) => method.name))
  const standings = yield* tournament({
    candidates,
    rounds,
    trialOf: (length) => trialOf(pilot, shape, { asked, length, streamTokens: traffic.tokens }),
    near: ({ method, options }) =>
      (method.refine?.(shape, options, budgetBytes, traffic, few) ?? []).map((near) => ({ method, options: near })),
  })
  return { standings, tooLarge: methods.map(({ name }) => name).filter((name) => !entered.has(name)) }
}

/** Number of the pilot's tokens from which methods that learn from a pilot are made. */
const SHAPING = 512

function firstOf({ queries, keys, values }: Pilot, rows: number): Pilot {
  const groups = queries.rows / keys.rows
  return { queries: rowsOf(queries, 0, rows * groups), keys: rowsOf(keys, 0, rows), values: rowsOf(values, 0, rows) }
}

/** The candidates of a method: the options that its `within` finds, and their variants. */
export function candidatesOf(
  method: Method,
  shape: Shape,
  budgetBytes: number,
  traffic: Traffic,
  pilot?: Pilot,
): Candidate[] {
  const own = method.within(shape, budgetBytes, traffic, pilot)
  const more = method.variants?.(shape, budgetBytes, traffic, pilot) ?? []
  const all = [
    ...(own ? [{ method, options: own, ...(method.variants && { isOwn: true }) }] : []),
    ...more.map((options) => ({ method, options })),
  ]
  const texts = all.map(({ options }) => JSON.stringify(options))
  return all.filter((_, i) => texts.indexOf(texts[i]) === i)
}
