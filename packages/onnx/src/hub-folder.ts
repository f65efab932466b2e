import { existsSync, lstatSync, mkdirSync, realpathSync } from 'node:fs'
import { isAbsolute, join, relative, sep } from 'node:path'
import { download } from './download'
import { filesInFolder } from './files-in-folder'
import { cachePath, fileAddress, filePath, type HubModelName } from './hub-location'
import type { ModelFiles } from './model-files'
import { readModel } from './read-model'

export interface HubFolderOptions extends Omit<HubModelName, 'revision'> {
  /** A branch, a tag or a commit. Default 'main'; what is in the cache is then kept as it is. */
  readonly revision?: string | undefined
  /** The folder that everything is kept in; made where it is not there. */
  readonly cache: string
  /** The graph. Default 'onnx/model.onnx'. */
  readonly file?: string | undefined
  /** Headers of every request, as authorization. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** SHA-256 of files by their path, in hexadecimal. Default: what the server says of large files. */
  readonly sha256?: Readonly<Record<string, string>> | undefined
  /** Cancels every request: its reason is thrown. */
  readonly signal?: AbortSignal | undefined
  /** Bytes had of a file, of so many where that is known. */
  readonly onProgress?: ((file: string, bytes: number, total?: number) => void) | undefined
  /** No data file is longer. Default 64 GB. */
  readonly mostBytes?: number | undefined
}

/** Files beside the graph, where the server has them. */
const BESIDE = [
  'config.json',
  'generation_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'chat_template.jinja',
]
const MOST_TEXT = 256 * 2 ** 20
/** A message of protobuf's is no longer. */
const MOST_GRAPH = 2 ** 31

/**
 * Fetches a model from a hub, one file after another, into a cache folder: what is there is not fetched again, and what broke off goes on where it ended.
 *
 * Guarantee: nothing is written outside `cache`, whatever names the server's files have; every file is whole or not there.
 *
 * @returns the model's folder: `filesInFolder(join(folder, 'onnx/model.onnx'))` opens it
 * @throws RangeError for names that are none, a graph whose data lie elsewhere, or no graph; Error as download
 */
export async function hubFolder(options: HubFolderOptions): Promise<string> {
  const { revision = 'main', cache, file: graph = 'onnx/model.onnx', mostBytes = 64e9 } = options
  const name = { host: options.host, model: options.model, revision }
  const folder = join(cache, ...cachePath(name))
  const get = async (file: string, most: number): Promise<boolean> => {
    const parts = filePath(file)
    const path = join(folder, ...parts)
    ownFolder(cache, join(folder, ...parts.slice(0, -1)))
    if (lstatSync(path, { throwIfNoEntry: false })?.isFile()) return true
    const { headers, signal, onProgress, sha256 } = options
    return download(fileAddress(name, file), path, {
      mostBytes: most,
      ...(headers && { headers }),
      ...(signal && { signal }),
      ...(onProgress && { onProgress: (bytes, total) => onProgress(file, bytes, total) }),
      ...(sha256?.[file] !== undefined && { sha256: sha256[file] }),
    })
  }
  if (!(await get(graph, MOST_GRAPH)))
    throw new RangeError(`hubFolder: ${String(fileAddress(name, graph))} is not there`)
  for (const file of BESIDE) await get(file, MOST_TEXT)
  const before = filePath(graph).slice(0, -1)
  for (const data of dataFiles(filesInFolder(join(folder, ...filePath(graph))))) {
    const file = [...before, ...data.split('/')].join('/')
    if (!(await get(file, mostBytes)))
      throw new RangeError(`hubFolder: ${String(fileAddress(name, file))} is not there`)
  }
  return folder
}

/** Data files that a graph names. @throws RangeError when one would lie outside its folder */
function dataFiles(files: ModelFiles): string[] {
  const named = {
    ...files,
    size: (file: string) => (file === files.model ? files.size(file) : Number.MAX_SAFE_INTEGER),
  }
  const { tensors } = readModel(named).graph
  return [
    ...new Set([...tensors.values()].flatMap(({ place, isExternal }) => (isExternal && place ? [place.file] : []))),
  ]
}

/** Makes a folder, and refuses one that a link leads out of the cache. */
function ownFolder(cache: string, folder: string): void {
  mkdirSync(cache, { recursive: true })
  const real = realpathSync(cache)
  let path = cache
  for (const part of relative(cache, folder).split(sep)) {
    path = join(path, part)
    if (!existsSync(path)) mkdirSync(path)
    const inside = relative(real, realpathSync(path))
    if (isAbsolute(inside) || inside.split(sep)[0] === '..')
      throw new RangeError(`hubFolder: ${path} leads out of the cache folder`)
  }
}
