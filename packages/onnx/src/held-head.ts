import type { LongBlocks } from './long-blocks'
import { sharedStream, type AttentionStream, type KvBlock, type Matrix, type PartialSoftmax } from '@sublinear/core'

/** The past of a key head, for the layer that owns it and for the layers that read it. */
export interface HeldHead extends Disposable {
  readonly stream: AttentionStream
  /** Takes tokens and answers the queries of the layer that owns them, in `into`, a partial of empty rows, or in a partial of its own. */
  step(block: KvBlock, queries: Matrix, into: PartialSoftmax): PartialSoftmax | Promise<PartialSoftmax>
  /** Answers queries of another layer over the tokens of the last step, and teaches no policy. */
  again(queries: Matrix): PartialSoftmax
  /** Tokens of the last step: views, or copies where another layer reads them. */
  given(): KvBlock
}

/** The head of a layer that no other layer reads. */
export function ownHead(stream: AttentionStream, long?: LongBlocks): HeldHead {
  return {
    stream,
    step(block, queries, into) {
      if (long?.takes(stream, block.keys.rows)) return long.step(stream, block, queries, into)
      if (!stream.check) return stream.step(block, queries)
      stream.check.step(block, queries)
      return stream.step(block, queries, into)
    },
    again: unread,
    given: unread,
    [Symbol.dispose]() {},
  }
}

/** A head that other layers read. A single token is not given twice: it was given, and the other layers ask. */
export function readHead(stream: AttentionStream): HeldHead {
  const shared = sharedStream(stream)
  let last: KvBlock | undefined
  return {
    stream,
    step(block, queries) {
      last = { keys: copied(block.keys), values: copied(block.values) }
      return block.keys.rows === 1 ? stream.step(block, queries) : shared.step(block, queries)
    },
    again: (queries) => (last?.keys.rows === 1 ? stream.attend(queries) : shared.again(queries)),
    given: () => last!,
    [Symbol.dispose]: () => shared[Symbol.dispose](),
  }
}

function unread(): never {
  throw new TypeError('onnxReader: no other layer reads this head')
}

const copied = ({ rows, cols, data }: Matrix): Matrix => ({ rows, cols, data: data.slice() })
