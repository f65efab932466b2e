import { headerLength, parseHeader } from '@sublinear/core'
import { constants } from 'node:fs'
import { type FileHandle, open, readdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { exactReads, fileSize } from './addressed-file'
import { fresh } from './fill'

const INDEX = '.safetensors.index.json'
const MOST_INDEX = 2 ** 26
const MOST_FILES = 4096

/**
 * Finds the file of a sharded model in which a tensor lies. `path` is a folder or a `….safetensors.index.json`, with or without an index in brackets; any
 * other path is returned as it is. A folder with one such list is read by the list, any other folder by the headers of its .safetensors files.
 *
 * @throws RangeError when the list is malformed or names files elsewhere, when several files have the tensor, or none
 */
export async function shardOf(who: string, path: string, tensor: string | undefined): Promise<string> {
  const [, base = '', index = ''] = /^(.*?)(\[[^[\]]*\])?$/s.exec(path) ?? []
  const given = (await kindOf(path)) === undefined ? base : path // a file with exactly this name comes first
  const kind = await kindOf(given)
  const behind = given === path ? '' : index
  if (kind === undefined || (kind === 'file' && !given.endsWith(INDEX))) return path
  try {
    const names = kind === 'file' ? await listed(given) : await inFolder(given)
    return join(kind === 'file' ? dirname(given) : given, chosen(names, tensor)) + behind
  } catch (error) {
    throw error instanceof RangeError ? new RangeError(`${who}: ${given}: ${error.message}`, { cause: error }) : error
  }
}

/** Tensors, and the files in which they lie. */
type Names = readonly (readonly [tensor: string, file: string])[]

function chosen(names: Names, tensor: string | undefined): string {
  const list = names.slice(0, 8).map(([name]) => name)
  const shown = names.length > 8 ? `${list.join(', ')}, … (${names.length})` : list.join(', ')
  if (tensor === undefined && names.length !== 1) throw new RangeError(`tensor must be given, one of: ${shown}`)
  const found = tensor === undefined ? names : names.filter(([name]) => name === tensor)
  if (found.length > 1) throw new RangeError(`tensor ${tensor} is in ${found.map(([, file]) => file).join(' and ')}`)
  if (found.length === 0) throw new RangeError(`tensor must be one of: ${shown}; got ${JSON.stringify(tensor)}`)
  return found[0][1]
}

async function inFolder(folder: string): Promise<Names> {
  const files = await readdir(folder)
  files.sort()
  const lists = files.filter((file) => file.endsWith(INDEX))
  if (lists.length > 1) throw new RangeError(`has several lists of tensors, name one: ${lists.join(', ')}`)
  if (lists.length === 1) return listed(join(folder, lists[0]))
  const shards = files.filter((file) => file.endsWith('.safetensors'))
  if (shards.length === 0) throw new RangeError('must be a regular file, got a directory without .safetensors files')
  if (shards.length > MOST_FILES) throw new RangeError(`must have at most ${MOST_FILES} files, got ${shards.length}`)
  const names: [string, string][] = []
  for (const file of shards) {
    await using handle = await regular(join(folder, file))
    const fill = exactReads(handle, file, () => false)
    try {
      const size = await fileSize(handle)
      const length = headerLength(await fresh(fill, 'header length', 0, Math.min(8, size)), size)
      const { entries } = parseHeader(await fresh(fill, 'header', 8, length), size)
      for (const name of entries.keys()) names.push([name, file])
    } catch (error) {
      throw error instanceof RangeError ? new RangeError(`${file}: ${error.message}`, { cause: error }) : error
    }
  }
  return names
}

/** Reads a list of tensors: `{ "weight_map": { "tensor": "file beside the list" } }`. */
async function listed(path: string): Promise<Names> {
  await using handle = await regular(path)
  const size = await fileSize(handle)
  if (size > MOST_INDEX) throw new RangeError(`a list of tensors must have at most ${MOST_INDEX} bytes, got ${size}`)
  const text = await fresh(
    exactReads(handle, path, () => false),
    'list of tensors',
    0,
    size,
  )
  const names = Object.entries(weightMap(text))
  const wrong = names.find(([, file]) => typeof file !== 'string' || !/^[^/\\]+\.safetensors$/.test(file))
  if (wrong !== undefined)
    throw new RangeError(
      `weight_map must name .safetensors files beside it, got ${JSON.stringify(wrong[1])} for ${wrong[0]}`,
    )
  return names as [string, string][]
}

function weightMap(text: Uint8Array): object {
  let value: { weight_map?: unknown } | undefined
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(text))
  } catch (error) {
    throw new RangeError(`a list of tensors must be JSON (${(error as Error).message})`, { cause: error })
  }
  const map = value?.weight_map
  if (typeof map !== 'object' || map === null || Array.isArray(map))
    throw new RangeError('a list of tensors must have a weight_map')
  return map
}

const regular = (path: string): Promise<FileHandle> => open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))

async function kindOf(path: string): Promise<'file' | 'folder' | undefined> {
  const info = await stat(path).catch(() => undefined)
  return info === undefined ? undefined : info.isDirectory() ? 'folder' : 'file'
}
