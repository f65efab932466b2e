import { type FileHandle, open, realpath, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type Matrix, checkInteger, checkMatrix } from '@sublinear/core'
import { toBytes } from './elements'
import { checkDtype } from './npy'
import { formatNpyHeader } from './npy-header'

export interface WriteRowsOptions {
  /** Default 'f4'; 'f2' is rounded to nearest even. */
  readonly dtype?: 'f2' | 'f4' | 'f8'
}

export interface RowWriter extends AsyncDisposable {
  /** Written so far. */
  readonly rows: number
  /** Appends; await it before the next call. A refused or failed block is not counted and may be written again. */
  write(block: Matrix): Promise<void>
  /** Completes the file and puts it in place of whatever had its name. */
  close(): Promise<void>
  /** Drops everything written; the target stays as it was. Leaving an `await using` scope does this unless closed. */
  abort(): Promise<void>
}

/**
 * Writes rows, their number unknown, to a .npy file.
 *
 * Guarantee: until close() has succeeded nothing is seen at `path`: rows go to a new file beside it (its name ends in .tmp),
 * which close() flushes to the disk and renames. A link is followed; the mode of a file that is replaced is kept.
 *
 * @param cols  ≥ 1
 * @throws Error when the file cannot be made or the path names anything but a regular file; write: RangeError for another width, entries that are not finite or do not fit dtype
 */
export async function writeRows(path: string, cols: number, options: WriteRowsOptions = {}): Promise<RowWriter> {
  if (typeof path !== 'string') throw new TypeError(`writeRows: path must be a string, got ${typeof path}`)
  checkInteger('writeRows', 'cols', cols, 1)
  const dtype = checkDtype('writeRows', options.dtype ?? 'f4')
  const about = (error: unknown) => new Error(`writeRows: ${path}: ${(error as Error).message}`, { cause: error })
  if (path === '') throw new RangeError('writeRows: path must not be empty')
  const old = await stat(path).catch(() => undefined)
  if (old?.isDirectory()) throw new Error(`writeRows: ${path}: is a directory`)
  if (old && !old.isFile()) throw new Error(`writeRows: ${path}: must be a regular file or not exist`)
  const folder = dirname(path)
  if (!(await stat(folder).catch(() => undefined))?.isDirectory()) {
    throw new Error(`writeRows: ${path}: there is no folder ${folder}`)
  }
  const target = old ? await realpath(path) : path
  const { handle, temporary } = await openBeside(target, old?.mode).catch((error: unknown) => {
    throw about(error)
  })
  const begin = formatNpyHeader(dtype, [0, cols]).length // the same for any number of rows
  let rows = 0
  let end = begin
  let state: 'open' | 'closed' | 'aborted' = 'open'
  let running: Promise<void> | undefined

  const put = async (bytes: Uint8Array, position: number) => {
    for (let at = 0; at < bytes.length;) {
      const { bytesWritten } = await handle.write(bytes, at, Math.min(bytes.length - at, 2 ** 30), position + at)
      at += bytesWritten
    }
  }
  /** One call at a time, so that at most one block waits in memory. */
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
  const drop = async () => {
    state = 'aborted'
    await handle.close().catch(() => {}) // it may be closed already
    await rm(temporary, { force: true })
  }
  const abort = async () => {
    await running?.catch(() => {}) // who called it is told
    if (state === 'open') await drop()
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
        await put(bytes, end)
        end += bytes.length
        rows += block.rows
      })
    },
    close: () =>
      alone(async () => {
        try {
          await put(formatNpyHeader(dtype, [rows, cols]), 0)
          await handle.truncate(end) // a failed write may have left bytes behind
          await handle.sync()
          await handle.close()
          await rename(temporary, target)
          state = 'closed'
        } catch (error) {
          await drop()
          throw error
        }
      }),
    abort,
    [Symbol.asyncDispose]: abort,
  }
}

/** A new file in the same folder, so that renaming it is atomic. */
async function openBeside(path: string, mode?: number): Promise<{ handle: FileHandle; temporary: string }> {
  for (let attempt = 0; ; attempt++) {
    const temporary = `${path}.${process.pid}-${attempt}.tmp`
    try {
      const handle = await open(temporary, 'wx', mode === undefined ? 0o666 : mode & 0o777)
      if (mode !== undefined) await handle.chmod(mode & 0o777)
      return { handle, temporary }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || attempt === 1000) throw error
    }
  }
}
