import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { endedEarly, type Fill } from './fill'

/** Opens the file with exactly this name if there is one, else the file before a trailing [index]. */
export async function openAddressed(
  who: string,
  path: string,
): Promise<{ handle: FileHandle; name: string; index: number[] }> {
  try {
    return { handle: await openFile(path), name: path, index: [] }
  } catch (error) {
    const parts = /^(.+)\[([^[\]]*)\]$/s.exec(path)
    if (parts === null || (error as NodeJS.ErrnoException).code !== 'ENOENT') throw cannotOpen(who, path, error)
    const [, name, list] = parts as unknown as [string, string, string]
    if (!/^\d{1,15}(, *\d{1,15})*$/.test(list)) {
      throw new RangeError(`${who}: ${name}: index must be whole numbers such as [0,3], got [${list}]`, {
        cause: error,
      })
    }
    const handle = await openFile(name).catch((cause: unknown) => {
      throw cannotOpen(who, name, cause)
    })
    return { handle, name, index: list.split(',').map(Number) }
  }
}

/** Opens without waiting for the other end of a FIFO. */
const openFile = (path: string) => open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))

function cannotOpen(who: string, path: string, cause: unknown): Error {
  const { code } = cause as NodeJS.ErrnoException
  const why = code === 'ENOENT' ? 'there is no such file' : `cannot be opened (${code ?? String(cause)})`
  return new Error(`${who}: ${path}: ${why}`, { cause })
}

function kindOf(info: { isDirectory(): boolean; isFIFO(): boolean; isSocket(): boolean }): string {
  return info.isDirectory() ? 'a directory' : info.isFIFO() ? 'a FIFO' : info.isSocket() ? 'a socket' : 'a device'
}

/** The size of a regular file, in bytes. @throws RangeError when it is no regular file */
export async function fileSize(handle: FileHandle): Promise<number> {
  const info = await handle.stat()
  if (!info.isFile()) throw new RangeError(`must be a regular file, got ${kindOf(info)}`)
  return info.size
}

/** Makes a reader that gives exactly the bytes asked for, in pieces that one system call can take. */
export function exactReads(handle: FileHandle, name: string, isClosed: () => boolean): Fill {
  return async (what, position, into) => {
    for (let at = 0; at < into.length;) {
      if (isClosed()) throw new Error(`openRows: ${name}: was closed`)
      const { bytesRead } = await handle.read(into, at, Math.min(into.length - at, 2 ** 30), position + at)
      if (bytesRead === 0) throw endedEarly(what, position + into.length, position + at)
      at += bytesRead
    }
    return into
  }
}
