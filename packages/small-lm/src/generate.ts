import { checkInteger } from '@sublinear/core'
import type { LanguageModel } from './language-model'
import { reader, type HeadSpec, type Reader } from './reader'

export interface GenerateOptions {
  readonly model: LanguageModel
  readonly stream: HeadSpec
  /** Tokens of the text so far, from `tokenizer.bos` on; at least one. */
  readonly ids: ArrayLike<number>
  /** Number of tokens to add. */
  readonly count: number
}

/**
 * Generates text greedily: appends the most likely next token again and again (of equals, the lowest id).
 *
 * @returns the new ids alone
 * @throws TypeError, RangeError as reader does, or when ids is empty
 */
export function generate({ model, stream, ids, count }: GenerateOptions): Uint16Array {
  checkInteger('generate', 'count', count, 0)
  if (ids.length === 0) throw new RangeError('generate: ids must have at least one token, got none')
  const run = reader({ model, stream })
  try {
    const next = largest(run.read(ids, 'last').data)
    return continued(run, next, count)
  } finally {
    run[Symbol.dispose]()
  }
}

/** Appends the likeliest tokens to `next`, `count` in all; the reader has read all but the last. */
function continued(run: Reader, next: number, count: number): Uint16Array {
  const out = new Uint16Array(count)
  for (let i = 0; i < count; i++) {
    out[i] = next
    if (i + 1 < count) next = largest(run.read([next], 'last').data)
  }
  return out
}

/** The index of the largest entry; of equals, the first. */
export function largest(row: Float32Array): number {
  let best = 0
  for (let i = 1; i < row.length; i++) if (row[i] > row[best]) best = i
  return best
}
