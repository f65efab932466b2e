import { matrix } from '@sublinear/core'
import type { LanguageModel } from './language-model'
import { reader, type HeadBlock, type HeadSpec } from './reader'

/** Queries, keys and values of one head over a whole text; queries and keys rotated, queries not scaled. */
export type CapturedHead = HeadBlock

export interface CaptureOptions {
  readonly model: LanguageModel
  /** Streams through which heads read their past while they are captured; they decide what later layers see. */
  readonly stream: HeadSpec
  readonly ids: ArrayLike<number>
  /** Called with the number of tokens done, after each block. */
  readonly onProgress?: (tokens: number) => void
}

/** Tokens of one call of the reader; progress is reported after each call. */
const BLOCK = 1024

/**
 * Captures the queries, keys and values that every head of a model gets for a text.
 *
 * Cost: that of reader; 12·d bytes a token and head for the result.
 *
 * @returns one entry for each head, layer by layer
 * @throws TypeError, RangeError as reader does
 */
export function capture({ model, stream, ids, onProgress }: CaptureOptions): CapturedHead[] {
  const { layers, heads, d } = model.config
  const out = Array.from({ length: layers * heads }, (_, i) => ({
    layer: Math.floor(i / heads),
    head: i % heads,
    queries: matrix(ids.length, d),
    keys: matrix(ids.length, d),
    values: matrix(ids.length, d),
  }))
  const filled = Array.from({ length: layers * heads }, () => 0)
  const run = reader({
    model,
    stream,
    onHead({ layer, head, ...block }) {
      const i = layer * heads + head
      for (const part of ['queries', 'keys', 'values'] as const) out[i][part].data.set(block[part].data, filled[i])
      filled[i] += block.keys.data.length
    },
  })
  try {
    for (let from = 0; from < ids.length; from += BLOCK) {
      run.read(Array.prototype.slice.call(ids, from, from + BLOCK), 'none')
      onProgress?.(run.tokens)
    }
    return out
  } finally {
    run[Symbol.dispose]()
  }
}
