import { constants } from 'node:fs'
import { access, link, mkdir, open, readFile, readdir, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { checkKey, requireIdentical, type Store } from './store'

const who = 'folderStore'

/**
 * Makes a store in a folder, which several machines may mount. A file appears whole: it is written beside its place, flushed, and linked there; the link
 * fails where there is another file.
 *
 * Cost: two writes to the disk's cache and two flushes for each artifact. A file that a killed process left half written is removed with the next artifact
 *   of its key.
 */
export function folderStore(folder: string): Store {
  if (typeof folder !== 'string') throw new TypeError(`${who}: folder must be a string, got ${typeof folder}`)
  const base = resolve(folder)
  const placeOf = (key: string) => {
    checkKey(who, key)
    return join(base, ...key.split('/'))
  }
  const get = async (key: string) => readFile(placeOf(key)).catch(absent)
  return {
    async put(key, bytes) {
      const place = placeOf(key)
      const there = await get(key)
      if (there) return requireIdentical(who, key, there, bytes)
      await mkdir(dirname(place), { recursive: true })
      const draft = await writeDraft(place, bytes)
      const fresh = await link(draft, place).then(
        () => true,
        async (error: NodeJS.ErrnoException) => {
          if (error.code === 'EEXIST' || (await get(key))) return false // another writer was first, and may have removed our draft
          throw error
        },
      )
      await sweep(place)
      if (fresh) {
        await flushFolder(dirname(place))
        return 'new'
      }
      return requireIdentical(who, key, (await get(key))!, bytes)
    },
    get,
    has: (key) =>
      access(placeOf(key), constants.F_OK).then(
        () => true,
        () => false,
      ),
  }
}

/** Writes a draft beside the place, whole and flushed; it is removed where it could not be written (a full disk). */
async function writeDraft(place: string, bytes: Uint8Array): Promise<string> {
  for (let attempt = 0; ; attempt++) {
    const draft = `${place}.draft-${process.pid}-${attempt}`
    const handle = await open(draft, 'wx').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return undefined
      throw error
    })
    if (!handle) continue
    try {
      await handle.writeFile(bytes)
      await handle.sync()
      return draft
    } catch (error) {
      await rm(draft, { force: true })
      throw error
    } finally {
      await handle.close()
    }
  }
}

/** Removes drafts of a file that exists: nobody needs them. */
async function sweep(place: string): Promise<void> {
  const folder = dirname(place)
  const begin = `${place.slice(folder.length + 1)}.draft-`
  for (const name of await readdir(folder)) if (name.startsWith(begin)) await rm(join(folder, name), { force: true })
}

/** Flushes a folder, so that a new name survives a power failure; not every system can do that. */
async function flushFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined)
  await handle?.sync().catch(() => {})
  await handle?.close()
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
  throw error
}
