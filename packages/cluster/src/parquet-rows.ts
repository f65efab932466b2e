import type { Matrix } from '@sublinear/core'
import type { RangeRows } from './file-rows'

/**
 * Opens a column of a Parquet file as rows: lists of equal length, or numbers (rows of one). Only the row groups that hold a range are read. Pages are plain
 * or packed by Snappy.
 *
 * Cost: one row group of the column at a time.
 *
 * @throws Error without hyparquet, or when the file cannot be read; RangeError when the column is missing, has nulls, lists of several lengths or entries that are
 *   not finite
 */
export async function parquetRows(path: string, column: string | undefined): Promise<RangeRows> {
  const { asyncBufferFromFile, parquetMetadataAsync, parquetRead, parquetSchema } = await import('hyparquet').catch(
    (cause: unknown) => {
      throw new Error(`${path}: needs hyparquet: npm install hyparquet`, { cause })
    },
  )
  const file = await asyncBufferFromFile(path)
  const metadata = await parquetMetadataAsync(file)
  const names = parquetSchema(metadata).children.map(({ element }) => element.name)
  const name = column ?? names[0]
  if (!names.includes(name) || (column === undefined && names.length > 1))
    throw new RangeError(`${path}: name a column: ${names.join(', ')}; got ${column ?? 'none'}`)
  const ends: number[] = []
  for (const { num_rows: count } of metadata.row_groups) ends.push((ends.at(-1) ?? 0) + Number(count))
  const rows = ends.at(-1) ?? 0
  if (rows === 0) throw new RangeError(`${path}: has no rows`)
  let cols = 0
  const part = async (rowStart: number, rowEnd: number): Promise<Float32Array> => {
    let found: unknown[] = []
    const onComplete = (table: unknown[][]) => {
      found = table.map((row) => row[0])
    }
    await parquetRead({ file, metadata, columns: [name], rowStart, rowEnd, onComplete })
    if (found.length !== rowEnd - rowStart) throw new RangeError(`${path}: has fewer rows than it says`)
    cols ||= lengthOf(found[0])
    return joined(path, name, found, cols, rowStart)
  }
  await part(0, 1)
  async function* blocks(size: number, first: number, end: number): AsyncGenerator<Matrix, void, undefined> {
    let begin = 0 // row at which the row group begins
    for (const groupEnd of ends) {
      const [from, to] = [Math.max(begin, first), Math.min(groupEnd, end)]
      begin = groupEnd
      if (from >= to) continue
      const data = await part(from, to)
      // Blocks end where row groups do, since it never matters where a block ends.
      for (let at = 0; at < to - from; at += size) {
        const count = Math.min(size, to - from - at)
        yield { rows: count, cols, data: data.slice(at * cols, (at + count) * cols) }
      }
    }
  }
  return { rows, cols, blocks, close: async () => {} }
}

function lengthOf(list: unknown): number {
  return typeof list === 'number' ? 1 : Array.isArray(list) || ArrayBuffer.isView(list) ? (list as number[]).length : 0
}

function joined(path: string, name: string, lists: readonly unknown[], cols: number, first: number): Float32Array {
  const out = new Float32Array(lists.length * cols)
  for (const [i, list] of lists.entries()) {
    if (cols < 1 || lengthOf(list) !== cols)
      throw new RangeError(`${path}: ${name} must have lists of ${cols} numbers, no nulls (row ${first + i})`)
    for (let j = 0; j < cols; j++) {
      const x = typeof list === 'number' ? list : (list as ArrayLike<unknown>)[j]
      if (typeof x !== 'number' || !Number.isFinite(Math.fround(x)))
        throw new RangeError(
          `${path}: ${name} at row ${first + i}, column ${j}: expected a finite float32, found ${String(x)}`,
        )
      out[i * cols + j] = x
    }
  }
  return out
}
