import { existsSync, lstatSync, mkdirSync, realpathSync } from 'node:fs'
import { isAbsolute, join, relative, sep } from 'node:path'
import { download } from './download'
import { filesInFolder } from './files-in-folder'
import { cachePath, fileAddress, filePath, type HubModelName } from './hub-location'
import type { ModelFiles } from './model-files'
import { readModel } from './read-model'

export interface HubFolderOptions extends Omit<HubModelName, 'revision'> {
  /** A branch, a tag or a commit. Files that are in the cache stay as they are. Default 'main'. */
  readonly revision?: string | undefined
  /** The folder of all models; it is made where it does not exist. */
  readonly cache: string
  /** Path of the graph. Default 'onnx/model.onnx'. */
  readonly file?: string | undefined
  /** Headers of every request, such as authorization. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** SHA-256 of files by their path, in hexadecimal. Default: those that the server gives for large files. */
  readonly sha256?: Readonly<Record<string, string>> | undefined
  /** Cancels every request; its reason is thrown. */
  readonly signal?: AbortSignal | undefined
  /** Called with a file, its bytes fetched so far, and their total where that is known. */
  readonly onProgress?: ((file: string, bytes: number, total?: number) => void) | undefined
  /** Most bytes of a data file. Default 64 GB. */
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
/** Most bytes of a protobuf message. */
const MOST_GRAPH = 2 ** 31

/**
 * Fetches a model from a hub, one file after another, into a cache folder. Files that are there are not fetched again, and interrupted files go on where they
 * ended.
 *
 * Guarantee: nothing is written outside `cache`, whatever names the server's files have; every file is whole or not there.
 *
 * @returns the model's folder: `filesInFolder(join(folder, 'onnx/model.onnx'))` opens it
 * @throws RangeError when a name is malformed, the graph's data lie elsewhere, or there is no graph; Error as download does
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

/** The data files that a graph names. @throws RangeError when one would lie outside its folder */
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

/** Makes a folder; refuses one that a link leads out of the cache. */
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
