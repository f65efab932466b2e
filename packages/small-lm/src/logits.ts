import type { Matrix } from '@sublinear/core'
import type { LanguageModel } from './language-model'
import { reader, type HeadSpec } from './reader'

export interface LogitsOptions {
  readonly model: LanguageModel
  readonly stream: HeadSpec
  /** The whole text, from `tokenizer.bos` on. */
  readonly ids: ArrayLike<number>
}

/**
 * Computes the logits after each token of a text.
 *
 * Cost: that of reader; 4·vocabulary bytes a token for the result.
 *
 * @returns ids.length × vocabulary
 * @throws TypeError, RangeError as reader does
 */
export function logits({ model, stream, ids }: LogitsOptions): Matrix {
  const run = reader({ model, stream })
  try {
    return run.read(ids, 'all')
  } finally {
    run[Symbol.dispose]()
  }
}
