import { checkObject, matrix } from '@sublinear/core'
import type { HeadBlock } from './layer-answers'
import type { OnnxModel } from './onnx-model'
import type { HeadSpec } from './reader'

/** Queries, keys and values of one key head over a whole text: turned as the graph turns them, queries not scaled. */
export type CapturedHead = HeadBlock

export interface CaptureOptions {
  /** The opened model. */
  readonly model: Pick<OnnxModel, 'layers' | 'reader'>
  /** Makes the streams through which heads read their past while they are captured: later layers see their answers. */
  readonly stream: HeadSpec
  /** Ids of the tokens that the model reads. */
  readonly ids: ArrayLike<number>
  /** Chooses the key heads that are kept. Default: all. */
  readonly only?: ((layer: number, head: number) => boolean) | undefined
  /** Called with the number of tokens done, after each block. */
  readonly onProgress?: ((tokens: number) => void) | undefined
  /** Cancels the run between two blocks; its reason is thrown. */
  readonly signal?: AbortSignal | undefined
}

/** Tokens of one call of the reader. */
const BLOCK = 256

/**
 * Captures the queries, keys and values that every head of a model gets for a text.
 *
 * Cost: that of the reader; 4·(groups·d + d + dv) bytes a token and key head for the result.
 *
 * @returns one entry for each key head, layer by layer; row r·groups + g of its queries belongs to query head head·groups + g
 * @throws TypeError, RangeError as the reader does; the signal's reason when it is aborted
 */
export async function capture(options: CaptureOptions): Promise<CapturedHead[]> {
  const { model, stream, ids, only = () => true, onProgress, signal } = checkObject('capture', options)
  const rows = checkObject('capture', ids, 'ids').length
  const out = new Map<string, CapturedHead>()
  for (const [layer, { kvHeads, groups, shape }] of model.layers.entries())
    for (let head = 0; head < kvHeads; head++) {
      if (!only(layer, head)) continue
      const queries = matrix(rows * groups, shape.d)
      out.set(`${layer}.${head}`, {
        layer,
        head,
        queries,
        keys: matrix(rows, shape.d),
        values: matrix(rows, shape.dv),
      })
    }
  const reader = model.reader({
    stream,
    onHead({ layer, head, ...block }) {
      const own = out.get(`${layer}.${head}`)
      if (!own) return
      for (const part of ['queries', 'keys', 'values'] as const)
        own[part].data.set(block[part].data, (reader.tokens * own[part].data.length) / rows)
    },
  })
  try {
    for (let from = 0; from < rows; from += BLOCK) {
      signal?.throwIfAborted()
      await reader.read(Array.prototype.slice.call(ids, from, from + BLOCK), 'none')
      onProgress?.(reader.tokens)
    }
    return [...out.values()]
  } finally {
    reader[Symbol.dispose]()
  }
}
