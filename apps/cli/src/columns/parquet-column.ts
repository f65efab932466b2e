import type { FileMetaData, SchemaTree } from 'hyparquet'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import * as zlib from 'node:zlib'
import { type Column, chosenColumn, faultOf, peer } from './column-rows'

/** Most bytes of one column in one row group, by the file's own figures: they are read whole. */
const MOST_GROUP = 2 ** 31

/**
 * Opens a column of lists of equal length of a Parquet file, one row group at a time. Pages are plain or packed by Snappy, gzip, Brotli or (Node 22.15) Zstandard.
 *
 * Cost: the metadata and the first row group, then one row group at a time; numbers are copied, since the format packs them.
 *
 * @throws Error without hyparquet, or when the file is not what it says; RangeError when the column is missing, has nulls or lists of several lengths, or a
 * row group has more than 2 GiB of it
 */
export async function parquetColumn(path: string, name: string | undefined): Promise<Column> {
  const { asyncBufferFromFile, parquetMetadataAsync, parquetRead, parquetSchema } = await peer(
    path,
    'hyparquet',
    () => import('hyparquet'),
  )
  const plainly = (error: unknown) => faultOf(path, 'Parquet', error)
  try {
    const file = await asyncBufferFromFile(path)
    const metadata = await parquetMetadataAsync(file)
    const lists = parquetSchema(metadata).children.flatMap((tree) => (entryType(tree) === undefined ? [] : [tree]))
    const names = lists.map(({ element }) => element.name)
    const column = chosenColumn(path, names, name)
    const dtype = entryType(lists[names.indexOf(column)])
    if (dtype === undefined) throw new RangeError(`${path}: has no lists ${column}`)
    checkGroups(path, metadata, column)
    let cols = 0
    const group = async (rowStart: number, rowEnd: number): Promise<Float32Array> => {
      let found: Float32Array | undefined
      const onComplete = (rows: unknown[][]) => {
        const table = rows.map(([list]) => list)
        cols ||= Array.isArray(table[0]) || ArrayBuffer.isView(table[0]) ? (table[0] as number[]).length : 0
        found = joined(path, column, table, cols, rowStart)
      }
      await parquetRead({ file, metadata, columns: [column], rowStart, rowEnd, compressors, onComplete })
      if (found?.length !== (rowEnd - rowStart) * cols)
        throw new RangeError(`${path}: has fewer rows than its header says`)
      return found
    }
    const ends = metadata.row_groups.reduce<number[]>(
      (list, { num_rows }) => [...list, (list.at(-1) ?? 0) + Number(num_rows)],
      [],
    )
    const rows = ends.at(-1) ?? 0
    if (rows === 0) throw new RangeError(`${path}: has no rows`)
    await group(0, 1)
    return {
      path,
      rows,
      cols,
      dtype,
      async *pieces() {
        try {
          let first = 0
          for (const end of ends) {
            if (end > first) yield await group(first, end)
            first = end
          }
        } catch (error) {
          throw plainly(error)
        }
      },
      close: async () => {},
    }
  } catch (error) {
    throw plainly(error)
  }
}

/** The type of the numbers in lists of a column; undefined where it is no column of lists. */
function entryType({ element, children }: SchemaTree): Column['dtype'] | undefined {
  const inner = children.length === 1 ? children[0] : undefined
  const entry = inner?.children.length === 1 ? inner.children[0] : undefined
  if (element.converted_type !== 'LIST' && element.logical_type?.type !== 'LIST') return undefined
  if (inner?.element.repetition_type !== 'REPEATED' || entry === undefined || entry.children.length > 0)
    return undefined
  const { type, logical_type: logical } = entry.element
  if (logical?.type === 'FLOAT16') return 'f2'
  if (type === 'FLOAT') return 'f4'
  if (type === 'DOUBLE') return 'f8'
  return type === 'INT32' && (logical === undefined || logical.type === 'INTEGER') ? 'i4' : undefined
}

function checkGroups(path: string, { row_groups: groups }: FileMetaData, column: string): void {
  for (const { columns } of groups) {
    const meta = columns.find(({ meta_data }) => meta_data?.path_in_schema[0] === column)?.meta_data
    const size = Number(meta?.total_uncompressed_size ?? 0)
    if (!(size <= MOST_GROUP))
      throw new RangeError(`${path}: a row group must have at most 2^31 bytes of ${column}, got ${size}`)
  }
}

function joined(path: string, column: string, lists: readonly unknown[], cols: number, first: number): Float32Array {
  if (cols === 0) throw new RangeError(`${path}: ${column} must have lists of at least one number`)
  const out = new Float32Array(lists.length * cols)
  for (const [i, list] of lists.entries()) {
    if (!Array.isArray(list) && !ArrayBuffer.isView(list))
      throw new RangeError(`${path}: ${column} must have no nulls, got one at row ${first + i}`)
    const { length } = list as ArrayLike<number>
    if (length !== cols)
      throw new RangeError(`${path}: lists of ${column} must have one length, got ${cols} and ${length}`)
    for (let j = 0; j < cols; j++) {
      const x = (list as ArrayLike<unknown>)[j]
      if (typeof x !== 'number')
        throw new RangeError(`${path}: ${column} must have no nulls, got one at row ${first + i}`)
      out[i * cols + j] = x
    }
  }
  return out
}

/** Decompressors; each stops at the length that the page gives. */
const compressors = {
  GZIP: (input: Uint8Array, maxOutputLength: number) => gunzipSync(input, { maxOutputLength }),
  BROTLI: (input: Uint8Array, maxOutputLength: number) => brotliDecompressSync(input, { maxOutputLength }),
  ZSTD(input: Uint8Array, maxOutputLength: number): Uint8Array {
    if (typeof zlib.zstdDecompressSync !== 'function') throw new Error('Zstandard needs Node 22.15')
    return zlib.zstdDecompressSync(input, { maxOutputLength })
  },
}
