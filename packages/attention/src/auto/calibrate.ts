import { checkKeys, checkMatrix, checkValues, type Matrix, type Shape } from '@sublinear/core'
import { STACKS, variantsOf } from './candidate-stacks'
import { ASKS, LEAST_PILOT, pilotOf } from './pilot'
import { checkBudget, checkStack, type Recipe, type Score } from './recipe'
import { countsAtRate, countsWithin, type Stack } from './stack'

export interface CalibrateOptions {
  /** Of the pilot, in stream order: query row i·groups + g belongs to token i. The head's own first tokens, or those of another text. */
  readonly queries: Matrix
  readonly keys: Matrix
  readonly values: Matrix
  readonly scale: number
  /** What the stream may hold, and how many tokens it will see: only the rate counts for the pilot. */
  readonly budgetBytes: number
  readonly tokens: number
  /**
   * How the stream will be used. `later`: tokens are pushed, and asked for later. `causal`: tokens come with their queries, in `step`. Default `both`: they
   * come with their queries, and what is asked later counts as much.
   */
  readonly asks?: (typeof ASKS)[number]
  /** Stacks to try. Default: see the README. */
  readonly candidates?: readonly Stack[]
}

/**
 * The best stack of tiers for a head within a budget, from a pilot of its tokens.
 * Source: not from the papers. Every candidate is built and run on the pilot: at the rate of tokens kept that the budget means for the whole
 *   stream (not at its bytes: what does not grow would weigh too much), on the answers to the last tokens' own queries, and to queries that
 *   come 64 tokens and more later (else a window would look perfect), over the tokens taken in alone.
 *
 * @param queries, keys, values  256 tokens or more; queries may have several rows a token
 * @param scale  factor inside exp; budgetBytes, tokens  of the stream to come; asks  how it will be used; candidates  stacks to try instead
 * @returns a recipe for `autoStream`, plain JSON, with every candidate's relative Frobenius error (the mean of both kinds); the first of the best
 * @throws TypeError, RangeError when the pilot is too short or not of one length, asks is none of the three, or no candidate fits the budget
 * Guarantee: a function of its arguments: the same scores every time. Of the pilot it is the best candidate; a head whose later keys are unlike
 *   the pilot's is another head. Where asks is `later` no default candidate needs queries.
 * Cost: each candidate takes in three quarters of the pilot (fewer of one below 384 tokens), answers a quarter of it and up to 256 later queries: two seconds for 2000 tokens at d = 32.
 */
export function calibrate(options: CalibrateOptions): Recipe {
  const { keys, budgetBytes, tokens, asks = 'both', candidates } = options
  const shape = checkPilot(options)
  if (!ASKS.includes(asks))
    throw new RangeError(`calibrate: asks must be one of ${ASKS.join(', ')}, got ${String(asks)}`)
  if (candidates !== undefined) checkCandidates(candidates)
  const pilot = pilotOf(options, shape, asks)
  const rate = Math.min(1, pilot.summarised / tokens)
  const scoreOf = (stack: Stack): Score => {
    const counts = countsWithin(stack, { ...shape, budgetBytes, weighted: false })
    if (!counts) return { stack, error: null }
    const errors = pilot.errors(stack, countsAtRate(stack, counts, rate, shape))
    const all = Object.values(errors) as number[]
    return { stack, error: all.reduce((sum, one) => sum + one / all.length, 0), ...errors }
  }
  const scores = (candidates ?? STACKS).map(scoreOf)
  if (!candidates) {
    const first = best(scores)
    if (first) scores.push(...variantsOf(first.stack, asks !== 'later').map(scoreOf))
  }
  const found = best(scores)
  if (!found) throw new RangeError(`calibrate: budgetBytes must hold one of the candidates, got ${budgetBytes}`)
  return {
    kind: 'recipe',
    version: 2,
    ...shape,
    budgetBytes,
    tokens,
    asks,
    pilot: keys.rows,
    stack: found.stack,
    error: found.error,
    scores,
  }
}

function best(scores: readonly Score[]): { readonly stack: Stack; readonly error: number } | undefined {
  let found: { readonly stack: Stack; readonly error: number } | undefined
  for (const { stack, error } of scores)
    if (error !== null && !(error >= (found?.error ?? Infinity))) found = { stack, error }
  return found
}

function checkPilot({ queries, keys, values, scale, budgetBytes, tokens }: CalibrateOptions): Shape {
  const who = 'calibrate'
  checkMatrix(who, 'keys', keys)
  checkMatrix(who, 'values', values)
  checkKeys(who, 'keys', keys)
  checkKeys(who, 'queries', queries, keys.cols)
  checkValues(who, 'values', values, undefined, keys.rows)
  const shape = { d: keys.cols, dv: values.cols, scale }
  checkBudget(who, { ...shape, budgetBytes, tokens })
  if (keys.rows < LEAST_PILOT)
    throw new RangeError(`${who}: the pilot must have at least ${LEAST_PILOT} tokens, got ${keys.rows}`)
  if (queries.rows === 0 || queries.rows % keys.rows !== 0)
    throw new RangeError(
      `${who}: queries must have a whole number of rows for each of the ${keys.rows} tokens, got ${queries.rows}`,
    )
  return shape
}

function checkCandidates(candidates: readonly Stack[]): void {
  if (!Array.isArray(candidates) || candidates.length === 0)
    throw new TypeError('calibrate: candidates must be a list of at least one stack')
  for (const [i, stack] of candidates.entries()) checkStack('calibrate', `candidates[${i}]`, stack)
}
