import { checkMatrix, rowsOf, type Matrix } from '@sublinear/core'

/** A source of rows, in blocks of any sizes: a matrix, or any kind of sequence of matrices of one width. */
export type RowSource = Matrix | Iterable<Matrix> | AsyncIterable<Matrix> | ReadableStream<Matrix>

export interface RowReader {
  /** Waits for a block where none is left; returns how many rows can be taken now, 0 at the end. */
  available(): Promise<number>
  /** The next rows, at most as many as are available. */
  take(rows: number): Matrix
  /** Closes the source, also where it has not ended. */
  close(): Promise<void>
}

/**
 * Reads a row source in pieces that the caller chooses. Blocks are checked as they arrive.
 *
 * @throws TypeError when the source is neither a matrix nor a sequence; available() throws what checkMatrix throws, and names the rows
 */
export function rowReader(who: string, name: string, source: RowSource): RowReader {
  const iterator = iterate(who, name, source)
  let block: Matrix | undefined
  let at = 0 // rows of the block that were taken
  let cols: number | undefined
  return {
    async available() {
      while (block === undefined || at === block.rows) {
        const { done, value } = await iterator.next()
        if (done) return 0
        checkMatrix(who, name, value, cols)
        cols = value.cols
        block = value
        at = 0
      }
      return block.rows - at
    },
    take(rows) {
      const part = rowsOf(block!, at, at + rows)
      at += rows
      return part
    },
    async close() {
      await iterator.return?.()
    },
  }
}

function iterate(who: string, name: string, source: RowSource): Iterator<Matrix> | AsyncIterator<Matrix> {
  if (typeof source === 'object' && source !== null) {
    if ('data' in source) return [source][Symbol.iterator]()
    if (Symbol.asyncIterator in source) return source[Symbol.asyncIterator]()
    if (Symbol.iterator in source) return source[Symbol.iterator]()
    if ('getReader' in source) return readAll(source as ReadableStream<Matrix>)
  }
  throw new TypeError(`${who}: ${name} must be a Matrix or an iterable or stream of them, got ${typeof source}`)
}

/** Reads a ReadableStream in engines in which it is no async iterable. */
function readAll(stream: ReadableStream<Matrix>): AsyncIterator<Matrix> {
  const reader = stream.getReader()
  return {
    async next() {
      const { done, value } = await reader.read()
      return done ? { done, value: undefined } : { done, value }
    },
    async return() {
      await reader.cancel()
      reader.releaseLock()
      return { done: true, value: undefined }
    },
  }
}
