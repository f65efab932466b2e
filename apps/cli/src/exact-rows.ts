import { combine, exactStream, normalise } from '@sublinear/attention'
import { checkValues, emptyPartial, type Matrix, type Shape } from '@sublinear/core'
import type { Rows } from '@sublinear/io/node'

const BLOCK = 1024

/** Reads the rows of a file at ascending places. */
export async function pickRows(file: Rows, places: readonly number[]): Promise<Matrix> {
  const data = new Float32Array(places.length * file.cols)
  let next = 0
  let first = 0
  for await (const block of file.blocks(BLOCK)) {
    for (; next < places.length && places[next] < first + block.rows; next++) {
      const at = places[next] - first
      data.set(block.data.subarray(at * file.cols, (at + 1) * file.cols), next * file.cols)
    }
    first += block.rows
  }
  return { rows: places.length, cols: file.cols, data }
}

/**
 * Computes exact answers of a few queries that see all tokens of two files, a block at a time.
 *
 * @param asked  rows × d
 * @returns rows × dv
 */
export async function exactRows(
  asked: Matrix,
  { keys, values }: { readonly keys: Rows; readonly values: Rows },
  shape: Shape,
  signal: AbortSignal,
): Promise<Matrix> {
  let total = emptyPartial(asked.rows, shape.dv)
  const valueBlocks = values.blocks(BLOCK)[Symbol.asyncIterator]()
  for await (const block of keys.blocks(BLOCK)) {
    signal.throwIfAborted()
    const own = (await valueBlocks.next()).value as Matrix
    checkValues('recover', 'values', own)
    const stream = exactStream(shape)
    stream.push({ keys: block, values: own })
    total = combine(total, stream.attend(asked))
    stream[Symbol.dispose]()
  }
  return normalise(total)
}
