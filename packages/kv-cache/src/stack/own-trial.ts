import {
  rowsOf,
  tokensOf,
  type AttentionStream,
  type KvBlock,
  type Matrix,
  type Method,
  type Shape,
} from '@sublinear/core'
import { exactStream, normalise } from '@sublinear/exact-attention'
import { builtStack, countsAtRate, countsWithin, learns, type Stack, type StackBudget } from './stack'
import { taughtStack } from './taught-stack'

/** Tokens with the queries of the last of them. */
export interface OwnPilot {
  readonly block: KvBlock
  readonly queries: Matrix
}

/** Shares: of the tokens, those taken in before later questions; of these, those whose answers count as they come. */
const [TAKEN, ANSWERED] = [3 / 4, 1 / 3]
/** Most of the newest tokens taken in that are left out of later questions: a window would else look perfect. */
const GAP = 32
/**
 * Ratios of errors above which the usual stack is left for another, since later tokens may need what the first ones did not: the least; the most; and 1 more than
 * DOUBT over the number of tokens, where it lies between them.
 */
const [MARGIN, MOST_MARGIN, DOUBT] = [1.1, 1.3, 150]
/** The ratio for a stack that holds attended tokens alone, and forgets all that nobody has asked for yet. */
const FORGETFUL = 2
/** Stacks that are tried on all tokens, beside the usual one: the best on their first half. */
const MOST_TRIED = 6
/** Tokens of a call. */
const PIECE = 64
/** Fewest questions that say anything. */
const LEAST_ASKED = 8

/** How far a trend of the error is believed: the share of it, in powers of two; the most it may fall and rise; and for how many times the tokens seen. */
const [TRUST, MOST_FALL, MOST_RISE, MOST_AHEAD] = [0.2, 2, 1, 16]

/**
 * Chooses a stack by the head's own first tokens. Three quarters of the tokens are taken in, at the rate of the stream to come. The answers to the last third
 * of these count as they come, and the answers to the later tokens' queries over all of them count as much. The same is done with the first half of the tokens
 * before, and only the best six there and the usual stack are tried on all. At one rate, some stacks become better as tokens come, others do not: so a fifth of
 * the trend from one error to the other is continued. The usual stack stays unless another is better by a factor, as measured and by the trend: by 1.3 where the
 * tokens are 500 or fewer, by 1.1 where they are 1500. Stacks that hold attended tokens alone must be twice as good: they were elected where all
 * stacks erred much, and forgot single old tokens, on which all answers of a model may depend.
 *
 * Guarantee: a function of its arguments; undefined where too few tokens have queries.
 * Cost: exact attention for the answers; and each stack, one after the other, over three quarters of the tokens' first half, seven also over three quarters of
 *   all, in its bytes at that rate.
 */
export function chosenStack(
  pilot: OwnPilot,
  { usual, others }: { readonly usual: Stack; readonly others: readonly Stack[] },
  budget: StackBudget & { readonly tokens: number },
  methods: readonly Method[],
): Stack | undefined {
  const whole = trialOf(pilot, budget, methods)
  if (!whole) return undefined
  const half = trialOf(firstHalf(pilot), budget, methods)
  const ahead = Math.log2(Math.min(MOST_AHEAD, Math.max(1, budget.tokens / pilot.block.keys.rows)))
  const before = new Map([usual, ...others].map((stack) => [stack, half?.(stack) ?? 0]))
  const errorsOf = (stack: Stack) => {
    const now = whole(stack)
    const trend = half ? Math.log2(now / before.get(stack)!) : 0
    return { now, later: now * 2 ** (TRUST * ahead * Math.min(MOST_RISE, Math.max(-MOST_FALL, trend || 0))) }
  }
  const own = errorsOf(usual)
  let [best, least] = [usual, Infinity]
  const usually = Math.min(MOST_MARGIN, Math.max(MARGIN, 1 + DOUBT / pilot.block.keys.rows))
  const tried = others.toSorted((a, b) => before.get(a)! - before.get(b)!)
  for (const stack of half ? tried.slice(0, MOST_TRIED) : others) {
    const { now, later } = errorsOf(stack)
    const isForgetful = stack.kept.every((one) => learns({ ...stack, kept: [one] }, methods))
    const margin = isForgetful ? FORGETFUL : usually
    if (later < least && margin * later < own.later && margin * now <= own.now) [best, least] = [stack, later]
  }
  return best
}

function firstHalf({ block, queries }: OwnPilot): OwnPilot {
  const { rows } = block.keys
  const half = rows >> 1
  return { block: tokensOf(block, 0, half), queries: rowsOf(queries, 0, Math.max(0, half - (rows - queries.rows))) }
}

/** Judges stacks on a pilot: the errors as tokens come and of later questions, together. Undefined where too few tokens have queries. */
export function trialOf(
  { block, queries }: OwnPilot,
  { tokens, ...budget }: StackBudget & { readonly tokens: number },
  methods: readonly Method[],
): ((stack: Stack) => number) | undefined {
  const { rows } = block.keys
  const unasked = rows - queries.rows // first tokens, which have no queries
  const taken = Math.floor(TAKEN * rows)
  const answered = Math.max(unasked, taken - Math.floor(ANSWERED * taken))
  const later = Math.max(unasked, taken + Math.min(GAP, Math.floor((rows - taken) / 4)))
  if (taken - answered < LEAST_ASKED || rows - later < LEAST_ASKED) return undefined
  const shape: Shape = { d: budget.d, dv: budget.dv, scale: budget.scale }
  const asked = (from: number, to: number) => rowsOf(queries, from - unasked, to - unasked)
  const questions = asked(later, rows)
  const answersOf = (stream: AttentionStream & Disposable, learns: boolean): Answers => {
    try {
      for (let from = 0; from < answered;) {
        const to = Math.min(answered, from < unasked ? Math.min(unasked, from + PIECE) : from + PIECE)
        if (learns && from >= unasked) stream.step(tokensOf(block, from, to), asked(from, to))
        else stream.push(tokensOf(block, from, to))
        from = to
      }
      const causal = normalise(stream.step(tokensOf(block, answered, taken), asked(answered, taken)))
      return { causal, later: normalise(stream.attend(questions)) }
    } finally {
      stream[Symbol.dispose]()
    }
  }
  const truth = answersOf(exactStream(shape), false)
  const rate = Math.min(1, taken / tokens)
  const known = asked(unasked, answered) // no question may teach
  return (given) => {
    const stack = taughtStack(given, known)
    const counts = countsAtRate(stack, countsWithin(stack, budget, methods)!, rate)
    const { causal, later: found } = answersOf(builtStack(stack, counts, shape, methods), learns(stack, methods))
    return distance(causal, truth.causal) + distance(found, truth.later)
  }
}

interface Answers {
  readonly causal: Matrix
  readonly later: Matrix
}

/** ‖got − exact‖_F / ‖exact‖_F; 0 over nothing. */
function distance(got: Matrix, exact: Matrix): number {
  let [off, whole] = [0, 0]
  for (let i = 0; i < exact.data.length; i++) {
    off += (got.data[i] - exact.data[i]) ** 2
    whole += exact.data[i] ** 2
  }
  return off === 0 ? 0 : Math.sqrt(off / whole)
}
