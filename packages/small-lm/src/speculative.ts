import { checkInteger } from '@sublinear/core'
import { largest, type GenerateOptions } from './generate'
import { reader, type HeadSpec } from './reader'

export interface SpeculativeOptions extends GenerateOptions {
  /** Streams of the drafter, which do not grow; the model is the same. */
  readonly draft: HeadSpec
  /** Number of tokens that are drafted before they are judged, ≥ 1. */
  readonly drafted: number
}

export interface Speculated {
  /** The new ids alone: those of `generate`, up to rounding of the logits. */
  readonly ids: Uint16Array
  /** Number of blocks judged, and of their drafted tokens that were right. */
  readonly rounds: number
  readonly accepted: number
}

/**
 * Decodes greedily by drafts: the model with streams that do not grow proposes the next tokens, and with its own streams judges them in one block.
 * Source: Leviathan, Kalman and Matias (2023), for greedy decoding; the drafter is the same model over a bounded memory.
 *
 * Guarantee: every token is the likeliest by `stream`, as in `generate`; the quality of drafts changes the time alone.
 *
 * @throws TypeError, RangeError as generate does, or when drafted is no integer ≥ 1
 */
export function speculative({ model, stream, draft, drafted, ids, count }: SpeculativeOptions): Speculated {
  checkInteger('speculative', 'count', count, 0)
  checkInteger('speculative', 'drafted', drafted, 1)
  if (ids.length === 0) throw new RangeError('speculative: ids must have at least one token, got none')
  using judge = reader({ model, stream })
  using drafter = reader({ model, stream: draft })
  drafter.read(ids, 'none')
  const out = [largest(judge.read(ids, 'last').data)]
  let rounds = 0
  let accepted = 0
  while (out.length < count) {
    const next = out.at(-1)! // a token that neither has read
    const guesses: number[] = []
    for (let i = 0; i < Math.min(drafted, count - out.length); i++)
      guesses.push(largest(drafter.tryOut([guesses.at(-1) ?? next], 'last').data))
    const { cols, data } = judge.tryOut([next, ...guesses], 'all')
    const said = Array.from({ length: guesses.length + 1 }, (_, r) => largest(data.subarray(r * cols, (r + 1) * cols)))
    const wrong = guesses.findIndex((guess, i) => guess !== said[i])
    const right = wrong < 0 ? guesses.length : wrong
    judge.accept(right + 1)
    drafter.accept(Math.min(right + 1, guesses.length))
    if (wrong < 0) drafter.read(guesses.slice(-1), 'none')
    out.push(...guesses.slice(0, right), said[right])
    rounds++
    accepted += right
  }
  return { ids: Uint16Array.from(out.slice(0, count)), rounds, accepted }
}
