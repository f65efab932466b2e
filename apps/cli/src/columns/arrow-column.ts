import { batchesOf, listOf, type Scanned } from './arrow-scan'
import { scanApart } from './scan-apart'
import type { Column } from './column-rows'

/**
 * Opens a column of lists of equal length (FixedSizeList, or List) of an Arrow IPC file or stream, batch by batch. float32 is not copied.
 *
 * Cost: the file is read once to count its rows, in a thread of its own, since some damaged files keep apache-arrow busy for ever; then one batch at a time.
 *
 * @throws Error without apache-arrow, when the file is malformed, or is not read within a time that its size allows; RangeError when the column is missing,
 * has nulls or lists of several lengths
 */
export async function arrowColumn(path: string, name: string | undefined): Promise<Column> {
  const { column, rows, cols, dtype }: Scanned = await scanApart(path, name)
  return {
    path,
    rows,
    cols,
    dtype,
    async *pieces() {
      for await (const batch of batchesOf(path)) {
        const list = listOf(path, batch, column)
        if (list !== undefined) yield list.data
      }
    },
    close: async () => {},
  }
}
