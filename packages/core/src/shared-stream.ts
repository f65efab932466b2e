import type { KvBlock, Matrix, PartialSoftmax } from './contracts'
import type { Speculable } from './speculate'

/** A stream or layer that several layers of a model read. */
export interface SharedStream extends Disposable {
  /** Takes tokens and answers the queries of the layer that owns them. */
  step(block: KvBlock, queries: Matrix): PartialSoftmax
  /**
   * Answers other queries over the tokens of the last step, causally, and teaches no policy: row i·groups + g belongs to token i. Throws once the
   * stream was disposed.
   */
  again(queries: Matrix): PartialSoftmax
}

/**
 * Shares one stream between several layers, for models in which a layer reads the cache of an earlier one (Gemma 3n). The later layer's queries are known
 * only after the layers between have run; they still see exactly the tokens that the owner's queries saw.
 *
 * Guarantee: `again` answers as a stream that was given the same tokens with these queries; the stream stays as after the owner's step.
 * Cost: `again` costs as much as a step. Where tokens cannot be taken back (`spare`), each step costs a fork, and each `again` another.
 *
 * @throws RangeError from `again` when there was no step, or when the stream was given other tokens since
 */
export function sharedStream(stream: Speculable): SharedStream {
  let before: (Speculable & Partial<Disposable>) | undefined // the stream before the last step, where that step cannot be taken back
  let last: KvBlock | undefined
  let end = 0

  return {
    step(block, queries) {
      stream.check?.step(block, queries)
      before?.[Symbol.dispose]?.()
      before = !block.weights && block.keys.rows <= (stream.spare ?? 0) ? undefined : stream.fork()
      const out = stream.step(block, queries)
      last = { ...block, keys: copied(block.keys), values: copied(block.values) }
      end = stream.tokens
      return out
    },
    again(queries) {
      if (!last || stream.tokens !== end)
        throw new RangeError('sharedStream: again follows a step, and no other tokens come between')
      stream.check?.step(last, queries)
      if (!before) {
        stream.takeBack!(last.keys.rows)
        return stream.step(last, queries)
      }
      const copy: Speculable & Partial<Disposable> = before.fork()
      const out = copy.step(last, queries)
      copy[Symbol.dispose]?.()
      return out
    },
    [Symbol.dispose]() {
      before?.[Symbol.dispose]?.()
      before = last = undefined
    },
  }
}

function copied({ rows, cols, data }: Matrix): Matrix {
  return { rows, cols, data: data.slice() }
}
