import { checkObject } from '@sublinear/core'
import type { Pilot } from '@sublinear/core'
import { averageOf, headAverage } from './average'
import { certified } from './certified'
import { checkOptions, type PlanShape } from './check-options'
import { costOf, total } from './cost'
import { drive } from './drive'
import { fewTokens, isFew } from './few-tokens'
import { canMeasure, measured } from './measured'
import type { Answer, Considered, Plan, PlanOptions } from './plan-types'
import { predicted } from './predicted'
import { LEAST_TOKENS, measurePilot, type MeasuredPilot } from './sample'
import type { Step } from './tournament'
import { LEAST_PILOT } from './trial'
import { verdictOf } from './verdict'

const WHO = 'plan'
/** Shares of a float32 cache within which methods are tried where no budget is given, one after the other, until one meets ε. */
const SHARES = [32, 16, 7, 4, 2]

/**
 * Chooses the method that holds a head best: within a byte budget, within an error, or both. It says what the method holds, what its error stands on, and
 * whether it is worth having at all.
 * Source: not from the papers; for Ψ the bound of Theorem 4.1 (one-pass paper), with ‖P‖_F and the deviation of the values in place of 1.
 *
 * With a radius alone, degrees come from certificates and hold for all data. With a pilot every method that is given is run on it, at the rate of tokens
 * kept that the budget means, many on its first tokens and the best of them on all (`tournament`); and where an error is asked for, summaries are
 * predicted by formulas: what two disjoint halves of the pilot agree on is error that stays, the rest is sampling and falls as 1/n. Where keys and values
 * come apart, for columns, and of a pilot of fewer than 256 tokens or without a query for each token, all is predicted. A stream of fewer than 32 tokens that
 * is its own pilot is kept as it is. Formulas and certificates are of plain scores: of a head with a softcap or a sink methods that can do it are run, and
 * with a radius nothing but the tokens themselves is certified.
 *
 * Guarantee: a function of its arguments, signal and onProgress apart. Certified: proved. Predicted: within a factor 2 of the measured error in at least 90 % of
 *   200 synthetic configurations (evidence/plan-predictions). Measured: the error on the pilot; it says
 *   nothing about later tokens that are unlike the pilot's. No lower bound is said: that of weighted tokens, Ω(√d·e^ρ/ε) for unit keys and values and
 *   queries of length at most ρ (arXiv 2605.05602), has no constant.
 * Cost: some two seconds of one core for a pilot of 4096 tokens at d = 32, where only a budget is given; some seconds more with an error.
 *
 * @param methods  methods to choose from; tokens  number of tokens to come; epsilon, budgetBytes  at least one of them; pilot or radius
 * @param signal, onProgress  looked at, or called, between pieces of 256 tokens
 * @throws TypeError, RangeError when an option is out of range or missing, the pilot does not fit the widths, or nothing fits the budget; the
 *   signal's reason when aborted
 */
export async function plan(options: PlanOptions): Promise<Plan> {
  checkObject('plan', options)
  const shape = checkOptions(options)
  const { radius, pilot: given } = options
  const isPlain = Object.keys(shape.head).length === 0
  if (radius !== undefined && !isPlain) {
    const answer = fewTokens(shape)
    if (!answer)
      throw new RangeError(
        `${WHO}: a pilot must be given for a head with ${named(shape)} that is not kept as it is, got a radius`,
      )
    const { softcap = Infinity, sinkLogit } = shape.head
    const average = sinkLogit === undefined ? 2 * Math.tanh(Math.min(radius, softcap) / 2) : 2
    return planOf(shape, 'max |v|', answer, { average, considered: [] })
  }
  if (radius !== undefined) {
    const { answer, average, considered } = certified(shape, radius)
    return planOf(shape, 'max |v|', answer, { average, considered })
  }
  const isWhole = isFew(shape, given!)
  const pilot = measurePilot(WHO, given!, shape.scale, isWhole ? 1 : LEAST_TOKENS)
  checkWidths(shape, pilot)
  if (isWhole) {
    const answer = fewTokens(shape)
    if (!answer) throw nothingFits(shape)
    const average = isPlain ? averageOf(pilot) : headAverage(given!, shape)
    return planOf(shape, 'relative', answer, { average, pilot: pilot.findings, considered: [] })
  }
  return drive(advise(shape, pilot, given!), options)
}

/** Tries formulas first, where an error is asked for; then the methods themselves, in fewer bytes than a summary that meets the error. */
function* advise(
  shape: PlanShape,
  pilot: MeasuredPilot,
  given: NonNullable<PlanOptions['pilot']>,
): Generator<Step, Plan> {
  const { epsilon, budgetBytes, tokens, d, dv } = shape
  const asksError = epsilon < Infinity
  const runs = canMeasure(shape, given)
  const isPlain = Object.keys(shape.head).length === 0
  if (!runs && !isPlain)
    throw new RangeError(
      `${WHO}: pilot must have ${LEAST_PILOT} tokens or more, and queries of each, for a head with ${named(shape)}, got ${given.keys.rows} and ${given.queries.rows} queries`,
    )
  const formulas = isPlain && (asksError || !runs) ? yield* predicted(shape, pilot, !runs) : undefined
  const answers: Answer[] = formulas?.answer ? [formulas.answer] : []
  const considered: Considered[] = [...(formulas?.considered ?? [])]
  const known = formulas?.average ?? Infinity
  const average = !isPlain ? headAverage(given, shape) : known < Infinity ? known : averageOf(pilot)
  const findings = { average, pilot: pilot.findings }
  if (runs) {
    const cacheBytes = 4 * tokens * (d + dv)
    const budgets =
      budgetBytes < Infinity ? [budgetBytes] : SHARES.map((share) => Math.max(1, Math.floor(cacheBytes / share)))
    const summary = bestOf(answers, epsilon)
    const enough = asksError && summary && summary.error.total <= epsilon ? total(summary.parts) : Infinity
    for (const budget of budgets.filter((bytes) => bytes < enough)) {
      const found = yield* measured(shape, given, budget)
      considered.push(...found.considered)
      if (found.answer) answers.push(found.answer)
      if (found.answer && found.answer.error.total <= epsilon && asksError) break
    }
  }
  const answer = bestOf(answers, epsilon)
  if (!answer) throw nothingFits(shape)
  return planOf(shape, 'relative', answer, { ...findings, considered })
}

const named = ({ head }: PlanShape) => Object.keys(head).join(' and ')

function nothingFits({ budgetBytes }: PlanShape): RangeError {
  return new RangeError(`${WHO}: budgetBytes must hold at least one of the methods, got ${budgetBytes}`)
}

function checkWidths({ d, dv }: PlanShape, { keys, values }: Pilot): void {
  for (const [name, width, wanted] of [
    ['d', keys.cols, d],
    ['dv', values.cols, dv],
  ] as const) {
    if (width !== wanted) throw new RangeError(`${WHO}: ${name} must be the pilot's ${width}, got ${wanted}`)
  }
}

/** The smallest answer that meets ε; or, where none does, the most exact. */
function bestOf(answers: readonly Answer[], epsilon: number): Answer | undefined {
  const meets = epsilon < Infinity ? answers.filter(({ error }) => error.total <= epsilon) : []
  if (meets.length > 0) return meets.reduce((a, b) => (total(b.parts) < total(a.parts) ? b : a))
  return answers.length > 0 ? answers.reduce((a, b) => (b.error.total < a.error.total ? b : a)) : undefined
}

function planOf(
  shape: PlanShape,
  unit: Plan['unit'],
  { parts, ...answer }: Answer,
  { average, ...found }: Pick<Plan, 'considered'> & Partial<Pick<Plan, 'pilot'>> & { readonly average: number },
): Plan {
  const { tokens, d, dv, scale, head, epsilon, budgetBytes, task, keysAndValuesTogether } = shape
  const cost = costOf(parts, shape)
  const made = {
    tokens,
    d,
    dv,
    scale,
    ...head,
    epsilon: epsilon === Infinity ? null : epsilon,
    budgetBytes: budgetBytes === Infinity ? null : budgetBytes,
    task,
    keysAndValuesTogether,
    ...answer,
    unit,
    bytes: cost.bytes,
    cost,
    baselines: { zero: 1, average },
    ...found,
  }
  return { ...made, ...verdictOf(made) }
}
