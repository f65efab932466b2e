import { exactReads, fileSize, openAddressed } from './addressed-file'
import { about, type OpenRowsOptions } from './file-rows'
import { nodeInflate } from './node-inflate'
import { arrayAxes } from './row-layout'
import { shardOf } from './shards'

export interface ArrayShape {
  /** Sizes of all axes of the array in the file. */
  readonly shape: readonly number[]
  /** Indices in brackets after the path; empty where there are none. */
  readonly index: readonly number[]
}

/**
 * Reads the axes of the array that a path names, from the header alone; so one can tell which heads `kv.npy[layer,head]` has.
 *
 * @param path  as for openRows, with or without an index
 * @param options  as for openRows
 * @throws Error when the file cannot be opened; TypeError, RangeError when it is malformed
 */
export async function arrayShape(path: string, options: Omit<OpenRowsOptions, 'finite'> = {}): Promise<ArrayShape> {
  const who = 'arrayShape'
  if (typeof path !== 'string') throw new TypeError(`${who}: path must be a string, got ${typeof path}`)
  const { handle, name, index } = await openAddressed(who, await shardOf(who, path, options.tensor))
  try {
    const fill = exactReads(handle, name, () => false)
    const size = await fileSize(handle)
    return { shape: await arrayAxes({ name, size, fill, inflate: nodeInflate }, options), index }
  } catch (error) {
    throw about(who, name, error)
  } finally {
    await handle.close()
  }
}
