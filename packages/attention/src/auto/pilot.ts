import { rowsOf, type AttentionStream, type Matrix, type Shape } from '@sublinear/core'
import { exactAttention, exactStream, normalise } from '@sublinear/exact-attention'
import { builtStack, learns, type Counts, type Stack } from './stack'

/** Fewer tokens show neither which keys are far nor how the others lie. */
export const LEAST_PILOT = 256
/** Of the pilot, what is taken in before later questions. */
const SUMMARISED = 0.75
/** Of that, the last part, whose tokens are answered as they come. */
const ANSWERED = 1 / 3
/** The newest tokens summarised are no part of what is asked later: a window would look perfect. */
const GAP = 64
const MOST_QUERIES = 256
/** Tokens whose queries are asked at least: of a pilot below 384 tokens less than three quarters are summarised. */
const LEAST_ASKED = 32
/** Tokens a call where their queries come with them. */
const BLOCK = 256

/** Relative Frobenius errors on a pilot. */
export interface PilotErrors {
  /** Of queries 64 tokens and more after those taken in, over these alone. */
  readonly later?: number
  /** Of the last third of the tokens taken in, each with its own queries, over all up to it. */
  readonly causal?: number
}

/** What a recipe is scored by. */
export const ASKS = ['both', 'later', 'causal'] as const

export interface AskedPilot {
  /** Tokens taken in. */
  readonly summarised: number
  errors(stack: Stack, counts: Counts): PilotErrors
}

/**
 * Stacks judged on a pilot of which they take in three quarters: by the answers to the last of these tokens' own queries, `causal`, as of a text that goes
 * on, and to queries that come after them, `later`, as of a prompt read before. Where only later ones are asked tokens come without their queries, so that
 * tiers which learn from these learn nothing.
 */
export function pilotOf(
  { queries, keys, values }: { readonly queries: Matrix; readonly keys: Matrix; readonly values: Matrix },
  shape: Shape,
  asks: (typeof ASKS)[number],
): AskedPilot {
  const groups = queries.rows / keys.rows
  const summarised = Math.min(Math.floor(SUMMARISED * keys.rows), keys.rows - GAP - LEAST_ASKED)
  const answered = summarised - Math.floor(ANSWERED * summarised)
  const cut = (from: number, to: number) => ({
    block: { keys: rowsOf(keys, from, to), values: rowsOf(values, from, to) },
    asked: rowsOf(queries, from * groups, to * groups),
  })
  const [all, before, last] = [cut(0, summarised), cut(0, answered), cut(answered, summarised)]

  const later = spread(rowsOf(queries, (summarised + GAP) * groups))
  const laterExact = exactAttention({ ...all.block, queries: later, scale: shape.scale })
  const whole = exactStream(shape)
  whole.push(before.block)
  const causalExact = normalise(whole.step(last.block, last.asked))
  whole[Symbol.dispose]()

  /** Takes in the tokens; the error of the last third's own answers. */
  const causalError = (stream: AttentionStream, stack: Stack): number => {
    if (!learns(stack)) stream.push(before.block)
    else
      for (let from = 0; from < answered; from += BLOCK) {
        const { block, asked } = cut(from, Math.min(answered, from + BLOCK))
        stream.step(block, asked)
      }
    return relativeError(normalise(stream.step(last.block, last.asked)), causalExact)
  }

  return {
    summarised,
    errors(stack, counts) {
      const stream = builtStack(stack, counts, shape)
      let causal: number | undefined
      if (asks === 'later') stream.push(all.block)
      else causal = causalError(stream, stack)
      const errors = {
        ...(asks !== 'causal' && { later: relativeError(normalise(stream.attend(later)), laterExact) }),
        ...(causal !== undefined && { causal }),
      }
      stream[Symbol.dispose]()
      return errors
    },
  }
}

/** Up to 256 rows, evenly over all. */
function spread(all: Matrix): Matrix {
  const rows = Math.min(MOST_QUERIES, all.rows)
  const { cols } = all
  const out = { rows, cols, data: new Float32Array(rows * cols) }
  for (let r = 0; r < rows; r++) {
    const at = Math.floor((r * all.rows) / rows)
    out.data.set(rowsOf(all, at, at + 1).data, r * cols)
  }
  return out
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
