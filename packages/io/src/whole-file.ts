import { crc32 } from '@sublinear/core'
import { type FileHandle, open, readdir, readlink, realpath, rename, rm, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'

/** A file that appears complete, or not at all. */
export interface WholeFile {
  put(bytes: Uint8Array, position: number): Promise<void>
  /** Cuts the file to `length` bytes, flushes it to the disk and puts it in place of the file that had its name; drops it where that fails. */
  finish(length: number): Promise<void>
  /** Drops the file: the target stays as it was. */
  drop(): Promise<void>
}

/**
 * Opens a new file beside `path`, which takes its place when it is finished.
 *
 * Guarantee: nothing is seen at `path` before finish() has succeeded. A link is followed, also one that leads to no file yet; the mode of a file that is
 *   replaced is kept. Temporary files that killed processes of this machine left beside it are removed.
 *
 * @throws Error when the file cannot be made or the path names anything but a regular file
 */
export async function openWhole(path: string): Promise<WholeFile> {
  const old = await stat(path).catch(() => undefined)
  if (old?.isDirectory()) throw new Error('is a directory')
  if (old && !old.isFile()) throw new Error('must be a regular file or not exist')
  const target = await targetOf(path)
  const folder = dirname(target)
  if (!(await stat(folder).catch(() => undefined))?.isDirectory()) throw new Error(`there is no folder ${folder}`)
  await removeStale(target)
  const { handle, temporary } = await openBeside(target, old?.mode)
  const drop = async () => {
    await handle.close().catch(() => {}) // it may be closed already
    await rm(temporary, { force: true })
  }
  return {
    async put(bytes, position) {
      for (let at = 0; at < bytes.length;) {
        const { bytesWritten } = await handle.write(bytes, at, Math.min(bytes.length - at, 2 ** 30), position + at)
        at += bytesWritten
      }
    },
    async finish(length) {
      try {
        await handle.truncate(length) // a failed write may have left bytes behind
        await handle.sync()
        await handle.close()
        await rename(temporary, target)
      } catch (error) {
        await drop()
        throw error
      }
    },
    drop,
  }
}

/**
 * Writes a text or bytes to a file, which appears complete, or not at all.
 *
 * @throws Error when it cannot be made or written, or the path names anything but a regular file: that stays as it was
 */
export async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content
  const file = await openWhole(path).catch((error: unknown) => {
    throw about(path, error)
  })
  try {
    await file.put(bytes, 0)
    await file.finish(bytes.length)
  } catch (error) {
    await file.drop()
    throw about(path, error)
  }
}

const about = (path: string, error: unknown) =>
  new Error(`writeWhole: ${path}: ${(error as Error).message}`, { cause: error })

/** Most links that are followed; more must be a circle. */
const MOST_LINKS = 40

/** Follows links; returns the file that a path leads to, whether or not it is there. */
async function targetOf(path: string): Promise<string> {
  const real = await realpath(path).catch(() => undefined)
  if (real !== undefined) return real
  let at = path
  for (let i = 0; i < MOST_LINKS; i++) {
    const next = await readlink(at).catch(() => undefined)
    if (next === undefined) return at
    at = resolve(dirname(at), next)
  }
  throw new Error('its links lead in a circle')
}

/** Name of this machine: process ids mean nothing on another. */
const HOST = crc32(new TextEncoder().encode(hostname())).toString(36)

/** Opens a new file in the same folder, so that renaming it is atomic. */
async function openBeside(path: string, mode?: number): Promise<{ handle: FileHandle; temporary: string }> {
  for (let attempt = 0; ; attempt++) {
    const temporary = `${path}.${HOST}-${process.pid}-${attempt}.tmp`
    try {
      const handle = await open(temporary, 'wx', mode === undefined ? 0o666 : mode & 0o777)
      if (mode !== undefined) await handle.chmod(mode & 0o777)
      return { handle, temporary }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || attempt === 1000) throw error
    }
  }
}

/** Removes temporary files of this target whose process has ended. */
async function removeStale(target: string): Promise<void> {
  const folder = dirname(target)
  const start = `${basename(target)}.${HOST}-`
  for (const name of await readdir(folder).catch(() => [])) {
    const [, pid] = (name.startsWith(start) && /^(\d+)-\d+\.tmp$/.exec(name.slice(start.length))) || []
    if (pid !== undefined && !isAlive(Number(pid))) await rm(join(folder, name), { force: true }).catch(() => {})
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}
