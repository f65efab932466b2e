import { onnxModel, type OnnxModel, type Ort } from '@sublinear/onnx'
import { filesInFolder } from '@sublinear/onnx/node'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { fetchedFolder } from './fetched-folder'
import { folderTokenizer, type FolderTokenizer } from './folder-tokenizer'
import { openingProofs } from './opening-proofs'

/** A user's own model in a folder of the usual form: config.json, tokenizer.json, onnx/model.onnx and its data. */
export interface ModelFolder {
  readonly name: string
  readonly model: OnnxModel
  readonly tokenizer: FolderTokenizer
  /** Tokens that end a text. */
  readonly end: readonly number[]
  /** Number of tokens for which it was made, by its config.json; Infinity where that has no number. */
  readonly trainedContext: number
  /** Chat template in Jinja. Absent: the model knows no turns. */
  readonly chatTemplate?: string
}

export interface FolderOptions {
  /** Name of the graph's file within the folder. */
  readonly file?: string
  readonly threads?: number
  /** Whether it opens at once, for commands that read little. */
  readonly isMapped?: boolean
}

/** Whether a model's name is a folder: models that come with the command have no slash in their names. */
export function isFolder(name: string): boolean {
  return /[/\\]/.test(name) || name === '.' || (statSync(name, { throwIfNoEntry: false })?.isDirectory() ?? false)
}

/**
 * Opens a model folder, or the model of an address, with the user's onnxruntime-node. An opening that passed the check leaves its proof in the folder, which spares the
 * check of later ones.
 *
 * @throws RangeError when a file is missing or no JSON, onnxruntime-node is not installed, or the graph is not supported
 */
export async function openFolder(
  named: string,
  { file, threads, isMapped = false }: FolderOptions = {},
): Promise<ModelFolder> {
  const path = await fetchedFolder(named, file)
  const tokenizer = folderTokenizer(path)
  const config = jsonIn(path, 'config.json', {})
  const generation = jsonIn(path, 'generation_config.json', config)
  const ort = await loadOrt()
  const own = file ?? graphIn(path)
  const session = { logSeverityLevel: 3 as const, ...(threads !== undefined && { intraOpNumThreads: threads }) }
  const memory = isMapped ? 'mapped' : 'packed'
  const proofs = openingProofs(path)
  const [files, opening] = [filesInFolder(join(path, own)), `${own} ${memory}`]
  const model = await onnxModel({ model: files, ort, session, memory, check: proofs.get(opening) ?? true })
  await proofs.keep(opening, model.proof)
  const ends = generation['eos_token_id'] ?? config['eos_token_id'] ?? []
  const { chatTemplate } = tokenizer
  const context = config['max_position_embeddings']
  return {
    name: basename(resolve(path)),
    model,
    tokenizer,
    end: [ends].flat().filter((id) => typeof id === 'number'),
    trainedContext: typeof context === 'number' ? context : Infinity,
    ...(chatTemplate !== undefined && { chatTemplate }),
  }
}

/** Reads JSON in a folder's file. @throws RangeError when the file is missing and has no default, or is no object */
export function jsonIn(
  path: string,
  file: string,
  otherwise?: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const full = join(path, file)
  if (!existsSync(full)) {
    if (otherwise) return otherwise
    throw new RangeError(`${path} has no ${file}`)
  }
  try {
    const value: unknown = JSON.parse(readFileSync(full, 'utf8'))
    if (typeof value === 'object' && value !== null) return value as Readonly<Record<string, unknown>>
  } catch {
    // reported below
  }
  throw new RangeError(`${full} must be a JSON object`)
}

/** The only graph of a folder, or the one called model.onnx. */
function graphIn(path: string): string {
  const found = ['onnx', '.'].flatMap((inner) => {
    const folder = join(path, inner)
    if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return []
    return readdirSync(folder)
      .filter((name) => name.endsWith('.onnx'))
      .map((name) => join(inner, name))
  })
  const plain = found.find((name) => /(^|[/\\])model\.onnx$/.test(name))
  if (plain !== undefined) return plain
  if (found.length === 1) return found[0]
  if (found.length === 0) throw new RangeError(`${path} has no .onnx file, nor a folder onnx with one`)
  throw new RangeError(`${path} has several graphs: choose one with --file, of ${found.join(', ')}`)
}

async function loadOrt(): Promise<Ort> {
  try {
    const own = (await import('onnxruntime-node')) as unknown as Ort & { readonly default?: Ort }
    return own.default ?? own
  } catch {
    throw new RangeError('a model folder needs onnxruntime-node beside this command: npm install onnxruntime-node')
  }
}
