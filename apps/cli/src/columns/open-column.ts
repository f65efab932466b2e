import { arrowColumn } from './arrow-column'
import { type Column } from './column-rows'
import { parquetColumn } from './parquet-column'

/** Opens the column of an Arrow or Parquet file; undefined where the path is neither. */
export async function openColumn(path: string, name: string | undefined): Promise<Column | undefined> {
  const [, file, ending, index] = /^(.*\.(arrows?|feather|ipc|parquet))(\[[\d, ]*\])?$/s.exec(path) ?? []
  if (file === undefined) return undefined
  if (index !== undefined) throw new RangeError(`${file}: rows of a table have no further axes, got ${index}`)
  return ending === 'parquet' ? parquetColumn(file, name) : arrowColumn(file, name)
}
