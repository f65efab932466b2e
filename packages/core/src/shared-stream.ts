import type { KvBlock, Matrix, PartialSoftmax } from './contracts'
import type { Speculable } from './speculate'

/** One stream, or one layer of some, that several layers of a model read. */
export interface SharedStream extends Disposable {
  /** Takes tokens and answers the queries of the layer that owns them. */
  step(block: KvBlock, queries: Matrix): PartialSoftmax
  /** Answers other queries of the tokens of the last step, causally, and teaches nothing: row i·groups + g belongs to token i. Refused once it was disposed. */
  again(queries: Matrix): PartialSoftmax
}

/**
 * Keys and values that several layers share, as where a layer reads the cache of an earlier one (Gemma 3n): queries that are known only once the layers between
 * have run see just what the owner's queries saw.
 *
 * Guarantee: `again` answers as a stream that was given the same tokens with these queries; the stream stays as after the owner's step.
 * Cost: of `again` that of a step. Where tokens cannot be taken back (`spare`), a fork a step and one more for each `again`.
 *
 * @throws RangeError from again when there was no step, or the stream was given other tokens since
 */
export function sharedStream(stream: Speculable): SharedStream {
  let before: (Speculable & Partial<Disposable>) | undefined // the last step, where it cannot be taken back
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
