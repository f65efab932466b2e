import { checkMatrix, checkObject, crc32, type Matrix } from '@sublinear/core'
import type { CrossAttention } from './cross-attention'

/** Rows that can be read twice from the start, in blocks of any sizes: a matrix, an array of matrices, or an object that makes a new iterator each time. */
export type RowsTwice = Matrix | Iterable<Matrix> | AsyncIterable<Matrix>

export interface SelfAttention {
  /** Rows of X, read twice. */
  readonly source: RowsTwice
  /** An empty cross-attention. Afterwards it holds what it saw, and with phi its `columns` are those of all rows. */
  readonly attention: CrossAttention
}

/**
 * Computes self-attention as cross-attention of a stream with itself: the first pass reads X as context, the second as queries, whose
 * partial answers come out block by block.
 * Source: Corollary 4.2 (one-pass paper): one pass is not enough, since the first query needs the last key.
 *
 * Guarantee: that of the cross-attention.
 * Cost: both passes, one block held at a time.
 *
 * @returns a partial softmax for each block of the second pass
 * @throws TypeError when the source can be read only once: an iterator that is its own iterable (a generator object), a stream;
 *   RangeError when the second pass gives other rows than the first, at the latest at its end
 */
export async function* selfAttention(options: SelfAttention) {
  const { source, attention } = checkObject('selfAttention', options)
  const who = 'selfAttention'
  if (attention.tokens > 0 || attention.queries > 0)
    throw new RangeError(
      `${who}: attention must be empty, got ${attention.tokens} tokens, ${attention.queries} queries`,
    )
  const cols = attention.wk.rows
  if (attention.wq.rows !== cols)
    throw new RangeError(`${who}: wq and wk must have equal rows, got ${attention.wq.rows} and ${cols}`)
  const first = iteratorOf(who, source)
  if ((first as unknown) === source) throw readOnce(who)
  const seen = { rows: 0, mark: 0 }
  for await (const block of blocksOf(first)) {
    take(who, seen, block, cols)
    attention.pushContext(block)
  }
  const again = { rows: 0, mark: 0 }
  const second = iteratorOf(who, source)
  if (second === first) throw readOnce(who)
  const folds = attention.folds
  for await (const block of blocksOf(second)) {
    take(who, again, block, cols)
    if (again.rows > seen.rows)
      throw new RangeError(`${who}: the second pass must give the rows of the first, got more than its ${seen.rows}`)
    if (folds) attention.pushQueries(block)
    yield attention.attend(block)
  }
  if (again.rows !== seen.rows)
    throw new RangeError(`${who}: the second pass must give the rows of the first, got ${again.rows} of ${seen.rows}`)
  if (again.mark !== seen.mark)
    throw new RangeError(`${who}: the second pass must give the rows of the first, got others`)
}

function readOnce(who: string): TypeError {
  return new TypeError(
    `${who}: source must be readable twice, got one that is spent once read: pass an array, or an object whose iterator starts anew`,
  )
}

function iteratorOf(who: string, source: RowsTwice): Iterator<Matrix> | AsyncIterator<Matrix> {
  if (typeof source === 'object' && source !== null) {
    if ('data' in source) return [source][Symbol.iterator]()
    if ('getReader' in source) throw readOnce(who)
    if (Symbol.asyncIterator in source) return source[Symbol.asyncIterator]()
    if (Symbol.iterator in source) return source[Symbol.iterator]()
  }
  throw new TypeError(`${who}: source must be a Matrix or an iterable of them, got ${typeof source}`)
}

/** The blocks that remain in an iterator; it is closed when the reader stops early. */
async function* blocksOf(iterator: Iterator<Matrix> | AsyncIterator<Matrix>): AsyncGenerator<Matrix> {
  let ended = false
  try {
    for (;;) {
      const { done, value } = await iterator.next()
      if ((ended = done === true)) return
      yield value
    }
  } finally {
    if (!ended) await iterator.return?.()
  }
}

/** Counts a block's rows and goes on with the CRC-32 of all of them, which no cut changes. */
function take(who: string, pass: { rows: number; mark: number }, block: Matrix, cols: number): void {
  checkMatrix(who, 'a block of source', block, cols)
  const { buffer, byteOffset, byteLength } = block.data
  pass.rows += block.rows
  pass.mark = crc32(new Uint8Array(buffer, byteOffset, byteLength), pass.mark)
}
