import { rowsOf, type AttentionStream, type Matrix, type Method, type Pilot, type Shape } from '@sublinear/core'
import { exactStream, normalise } from '@sublinear/exact-attention'
import { relativeError } from './relative-error'
import { spreadRows } from './spread-rows'

/** A method with options that fit the budget. */
export interface Candidate {
  readonly method: Method
  readonly options: object
  /** Whether this is a method's own choice, where the method has more to try: it is never dropped early. */
  readonly isOwn?: boolean | undefined
}

/** Questions asked of a stream: by its own tokens as they come; after all tokens, which had no queries or had some; or as they come and after, with equal weight. */
export const ASKED = ['causal', 'rows', 'later', 'both'] as const
export type Asked = (typeof ASKED)[number]

/** Relative Frobenius errors on a pilot. */
export interface TrialErrors {
  /** The error by which candidates are ranked. */
  readonly total: number
  /** The mean error over the questions asked. */
  readonly measured: number
}

export interface Trial {
  /** Number of the pilot's tokens that are used. */
  readonly tokens: number
  /** Takes in the tokens piece by piece, so that a caller can stop between them; returns the errors. */
  run(candidate: Candidate): Generator<void, TrialErrors>
}

/** Fewest tokens of a trial: fewer show neither which keys are far nor how the others lie. */
export const LEAST_PILOT = 256
/** Share of a pilot's tokens that is taken in before the later questions. */
const TAKEN = 0.75
/** Share of the tokens taken in whose own queries are answered as they come: the last ones. */
const ANSWERED = 1 / 3
/** The newest tokens taken in that are left out of later questions: a window would else look perfect. */
const GAP = 64
const MOST_QUERIES = 256
/** Fewest tokens that ask: of a pilot below 384 tokens, less than three quarters are taken in. */
const LEAST_ASKED = 32
/** Tokens a piece. */
const PIECE = 256
/**
 * Decides between two equals in favour of the one that answers old questions better: as if one in a hundred times as many questions as were judged had asked
 * for what is old.
 */
const TIE = 0.1

/**
 * Makes a trial: it judges candidates on the first tokens of a pilot, at the share of kept tokens that their options give for the whole stream (not in the
 * same bytes, since parts that do not grow would then weigh too much).
 *
 * `causal`: all tokens are taken in, and the last third is answered as it comes, as in a text that goes on. None of these N questions may have asked for what
 * a later one needs, so candidates are ranked as if one in 100·N had asked for something old: √(causal² + later²/(100·N)). This decides between equals.
 * `rows`: three quarters are pushed without queries, and the tokens after them ask, as after a prompt. `later`: the same, but tokens come with their queries.
 * `both`: three quarters are taken in with their queries; both kinds of answers count equally.
 *
 * Cost: exact attention for the answers, once; each candidate takes in its tokens and answers a quarter to a third of them.
 *
 * @param length  number of tokens used, at least 256; streamTokens  number of tokens of the stream to come
 */
export function trialOf(
  pilot: Pilot,
  shape: Shape,
  { asked, length, streamTokens }: { readonly asked: Asked; readonly length: number; readonly streamTokens: number },
): Trial {
  const groups = pilot.queries.rows / pilot.keys.rows
  const onlyLater = asked === 'rows' || asked === 'later'
  const taken = asked === 'causal' ? length : Math.min(Math.floor(TAKEN * length), length - GAP - LEAST_ASKED)
  const answered = taken - Math.floor(ANSWERED * taken)
  const rate = Math.min(1, taken / streamTokens)
  const cut = (from: number, to: number) => ({
    block: { keys: rowsOf(pilot.keys, from, to), values: rowsOf(pilot.values, from, to) },
    queries: rowsOf(pilot.queries, from * groups, to * groups),
  })
  const last = cut(answered, taken)
  const own = Array.isArray(shape.sinkLogit) ? groups : 1 // rows of a token stay together where each has a sink of its own
  const later = spreadRows(
    rowsOf(pilot.queries, ((asked === 'causal' ? answered : taken) + GAP) * groups),
    MOST_QUERIES,
    own,
  )
  const exact = exactAnswers()

  function exactAnswers() {
    const whole = exactStream(shape)
    whole.push(cut(0, answered).block)
    const early = asked === 'causal' ? normalise(whole.attend(later)) : undefined
    const causal = normalise(whole.step(last.block, last.queries))
    const late = early ?? normalise(whole.attend(later))
    whole[Symbol.dispose]()
    return { causal, later: late }
  }

  return {
    tokens: length,
    *run({ method, options: given }) {
      const until = onlyLater ? taken : answered
      const options = method.taught?.(given, rowsOf(pilot.queries, 0, until * groups)) ?? given // no question may teach
      const stream: AttentionStream & Partial<Disposable> = method.make(
        shape,
        method.atRate?.(shape, options, rate) ?? options,
      )
      try {
        const learns = asked !== 'rows' && (method.needsQueries?.(options) ?? method.learns !== 'nothing')
        for (let from = 0; from < until; from += PIECE) {
          const { block, queries } = cut(from, Math.min(until, from + PIECE))
          if (learns) stream.step(block, queries)
          else stream.push(block)
          yield
        }
        const laterError = () => relativeError([normalise(stream.attend(later))], exact.later)
        if (onlyLater) return same(laterError())
        const early = asked === 'causal' ? laterError() : undefined
        const answers: Matrix[] = []
        for (let from = until; from < taken; from += PIECE) {
          const { block, queries } = cut(from, Math.min(taken, from + PIECE))
          answers.push(normalise(stream.step(block, queries)))
          yield
        }
        const causal = relativeError(answers, exact.causal)
        if (early === undefined) return same((causal + laterError()) / 2)
        return { total: Math.hypot(causal, (TIE * early) / Math.sqrt(taken - answered)), measured: causal }
      } finally {
        stream[Symbol.dispose]?.()
      }
    },
  }
}

const same = (error: number): TrialErrors => ({ total: error, measured: error })
