import { checkKeys, checkMatrix, checkValues, rowsOf, type Matrix, type Shape } from '@sublinear/core'
import { exactAttention, normalise } from '@sublinear/exact-attention'
import { STACKS, withWindows } from './candidate-stacks'
import { checkBudget, checkStack, type Recipe, type Score } from './recipe'
import { builtStack, countsAtRate, countsWithin, type Stack } from './stack'

/** Fewer tokens show neither which keys are far nor how the others lie. */
const LEAST_PILOT = 256
/** Of the pilot, what is summarised before the queries that are answered. */
const SUMMARISED = 0.75
/** The newest tokens summarised are no part of what is asked: a window would look perfect. */
const GAP = 64
const MOST_QUERIES = 256
/** Tokens whose queries are asked at least: of a pilot below 384 tokens less than three quarters are summarised. */
const LEAST_ASKED = 32

export interface CalibrateOptions {
  /** Of the pilot, in stream order: query row i·groups + g belongs to token i. The head's own first tokens, or those of another text. */
  readonly queries: Matrix
  readonly keys: Matrix
  readonly values: Matrix
  readonly scale: number
  /** What the stream may hold, and how many tokens it will see: only the rate counts for the pilot. */
  readonly budgetBytes: number
  readonly tokens: number
  /** Stacks to try. Default: far keys in one or two precisions, with a mean token, a closure or clusters, and windows before the best. */
  readonly candidates?: readonly Stack[]
}

/**
 * The best stack of tiers for a head within a budget, from a pilot of its tokens.
 * Source: not from the papers. Every candidate is built and run on the pilot: at the rate of tokens kept that the budget means for the whole
 *   stream (not at its bytes: what does not grow would weigh too much), on queries that come after the tokens summarised and
 *   64 tokens later (else a window would look perfect).
 *
 * @param queries, keys, values  256 tokens or more; queries may have several rows a token
 * @param scale  factor inside exp; budgetBytes, tokens  of the stream to come; candidates  stacks to try instead
 * @returns a recipe for `autoStream`, plain JSON, with every candidate's relative Frobenius error; the first of the best
 * @throws TypeError, RangeError when the pilot is too short or not of one length, or no candidate fits the budget
 * Guarantee: a function of its arguments: the same scores every time. Of the pilot it is the best candidate; a head whose later keys are unlike
 *   the pilot's is another head.
 * Cost: each candidate pushes three quarters of the pilot at most and answers up to 256 queries: about a second and a half for 2000 tokens at d = 32.
 */
export function calibrate(options: CalibrateOptions): Recipe {
  const { queries, keys, values, scale, budgetBytes, tokens, candidates } = options
  const shape = checkPilot(options)
  if (candidates !== undefined) checkCandidates(candidates)
  const pilot = cut(queries, keys, values, scale)
  const rate = Math.min(1, pilot.keys.rows / tokens)
  const scoreOf = (stack: Stack): Score => {
    const counts = countsWithin(stack, { ...shape, budgetBytes, weighted: false })
    if (!counts) return { stack, error: null }
    const stream = builtStack(stack, countsAtRate(counts, rate), shape)
    stream.push(pilot)
    const error = relativeError(normalise(stream.attend(pilot.queries)), pilot.exact)
    stream[Symbol.dispose]()
    return { stack, error }
  }
  const scores = (candidates ?? STACKS).map(scoreOf)
  if (!candidates) {
    const first = best(scores)
    if (first) scores.push(...withWindows(first.stack).map(scoreOf))
  }
  const found = best(scores)
  if (!found) throw new RangeError(`calibrate: budgetBytes must hold one of the candidates, got ${budgetBytes}`)
  return {
    kind: 'recipe',
    version: 1,
    ...shape,
    budgetBytes,
    tokens,
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

/** The tokens summarised, queries that come later, evenly over what is left, and their exact answers. */
function cut(queries: Matrix, keys: Matrix, values: Matrix, scale: number) {
  const known = Math.min(Math.floor(SUMMARISED * keys.rows), keys.rows - GAP - LEAST_ASKED)
  const groups = queries.rows / keys.rows
  const from = (known + GAP) * groups
  const left = queries.rows - from
  const rows = Math.min(MOST_QUERIES, left)
  const d = queries.cols
  const asked = { rows, cols: d, data: new Float32Array(rows * d) }
  for (let r = 0; r < rows; r++) {
    const at = from + Math.floor((r * left) / rows)
    asked.data.set(rowsOf(queries, at, at + 1).data, r * d)
  }
  const block = { keys: rowsOf(keys, 0, known), values: rowsOf(values, 0, known) }
  return { ...block, queries: asked, exact: exactAttention({ ...block, queries: asked, scale }) }
}

/** ‖got − exact‖_F / ‖exact‖_F. */
function relativeError(got: Matrix, exact: Matrix): number {
  let [distance, norm] = [0, 0]
  for (const [i, truth] of exact.data.entries()) {
    distance += (got.data[i]! - truth) ** 2
    norm += truth * truth
  }
  return norm > 0 ? Math.sqrt(distance / norm) : Number(distance > 0)
}
