import { type Matrix, checkInteger, checkMatrix } from '@sublinear/core'
import { toBytes } from './elements'
import { checkDtype } from './npy'
import { formatNpyHeader } from './npy-header'
import { openWhole } from './whole-file'

export interface WriteRowsOptions {
  /** Type of the numbers in the file; 'f2' is rounded to nearest even. Default 'f4'. */
  readonly dtype?: 'f2' | 'f4' | 'f8' | undefined
  /** Axes before rows and columns, such as [layers, heads]: the matrices follow one another, all with the same number of rows. Default: none. */
  readonly lead?: readonly number[] | undefined
}

export interface RowWriter extends AsyncDisposable {
  /** Number of rows written so far. */
  readonly rows: number
  /** Appends rows; await it before the next call. A block that was refused or failed is not counted and may be written again. */
  write(block: Matrix): Promise<void>
  /** Completes the file and puts it in place of the file that had its name. */
  close(): Promise<void>
  /** Drops everything written; the target stays as it was. Leaving an `await using` scope does this unless closed. */
  abort(): Promise<void>
}

/**
 * Writes rows, their number unknown, to a .npy file.
 *
 * Guarantee: until close() has succeeded nothing is seen at `path`: rows go to a new file beside it (its name ends in .tmp),
 * which close() flushes to the disk and renames. A link is followed; the mode of a file that is replaced is kept. Temporary files that killed
 * processes left beside it are removed.
 *
 * @param cols  ≥ 1
 * @throws Error when the file cannot be made or the path names anything but a regular file; write: RangeError for another width, entries that are not
 *   finite or do not fit dtype;
 * close: RangeError when the rows cannot be divided among the matrices of `lead`
 */
export async function writeRows(path: string, cols: number, options: WriteRowsOptions = {}): Promise<RowWriter> {
  if (typeof path !== 'string') throw new TypeError(`writeRows: path must be a string, got ${typeof path}`)
  checkInteger('writeRows', 'cols', cols, 1)
  const dtype = checkDtype('writeRows', options.dtype ?? 'f4')
  const about = (error: unknown) => new Error(`writeRows: ${path}: ${(error as Error).message}`, { cause: error })
  if (path === '') throw new RangeError('writeRows: path must not be empty')
  const lead = options.lead ?? []
  for (const count of lead) checkInteger('writeRows', 'lead', count, 1)
  const matrices = lead.reduce((product, count) => product * count, 1)
  const file = await openWhole(path).catch((error: unknown) => {
    throw about(error)
  })
  const begin = formatNpyHeader(dtype, [...lead, Number.MAX_SAFE_INTEGER, cols]).length // enough for any number of rows
  let rows = 0
  let end = begin
  let state: 'open' | 'closed' | 'aborted' = 'open'
  let running: Promise<void> | undefined

  /** Runs one call at a time, so that at most one block waits in memory. */
  const alone = async (task: () => Promise<void>) => {
    if (running !== undefined) throw new Error(`writeRows: ${path}: await the call before this one`)
    if (state !== 'open') throw new Error(`writeRows: ${path}: was ${state}`)
    try {
      await (running = task())
    } catch (error) {
      throw about(error)
    } finally {
      running = undefined
    }
  }
  const abort = async () => {
    await running?.catch(() => {}) // its caller is told of the error
    if (state !== 'open') return
    state = 'aborted'
    await file.drop()
  }
  return {
    get rows() {
      return rows
    },
    async write(block) {
      checkMatrix('writeRows', 'block', block, cols)
      const { bytes, at } = toBytes(dtype, block.data)
      if (at >= 0) {
        const where = `row ${Math.floor(at / cols)}, column ${at % cols}`
        throw new RangeError(`writeRows: block must fit ${dtype}, got ${block.data[at]} at ${where}`)
      }
      await alone(async () => {
        await file.put(bytes, end)
        end += bytes.length
        rows += block.rows
      })
    },
    close: () =>
      alone(async () => {
        try {
          if (rows % matrices !== 0)
            throw new RangeError(`${rows} rows must be as many for each of ${matrices} matrices`)
          await file.put(formatNpyHeader(dtype, [...lead, rows / matrices, cols], begin), 0)
          await file.finish(end)
          state = 'closed'
        } catch (error) {
          state = 'aborted'
          await file.drop()
          throw error
        }
      }),
    abort,
    [Symbol.asyncDispose]: abort,
  }
}
