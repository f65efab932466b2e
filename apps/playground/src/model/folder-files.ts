/** A file of a folder: its path there, and a way to read its bytes. */
export interface FolderFile {
  readonly path: string
  readonly size: number
  bytes(): Promise<Uint8Array>
}

/** Parts of a model's folder that are read. */
export interface ModelFolder {
  readonly config: Readonly<Record<string, unknown>>
  readonly tokenizer: object
  readonly tokenizerConfig: Readonly<Record<string, unknown>>
  readonly generation: Readonly<Record<string, unknown>>
  readonly chatTemplate: string | undefined
  /** The graph's file first, then its data files, by the names that the graph gives them. */
  readonly graph: Readonly<Record<string, Uint8Array>>
}

/**
 * Reads the model in a folder of the usual form: config.json, tokenizer.json, and the graph as onnx/model.onnx or model.onnx, with its data beside
 * it. Of several graphs `wanted`
 * chooses by name.
 *
 * @throws RangeError when a file is missing, or is no JSON
 */
export async function modelIn(files: readonly FolderFile[], wanted?: string): Promise<ModelFolder> {
  const named = (name: string) => files.find(({ path }) => path.split('/').at(-1) === name)
  const json = async (name: string): Promise<Record<string, unknown> | undefined> => {
    const file = named(name)
    if (!file) return undefined
    try {
      return JSON.parse(new TextDecoder().decode(await file.bytes())) as Record<string, unknown>
    } catch (error) {
      throw new RangeError(`${name}: is no JSON`, { cause: error })
    }
  }
  const tokenizer = await json('tokenizer.json')
  if (!tokenizer) throw new RangeError('the folder has no tokenizer.json')
  const tokenizerConfig = (await json('tokenizer_config.json')) ?? {}
  const graph = graphIn(files, wanted)
  const folder = graph.path.slice(0, graph.path.lastIndexOf('/') + 1)
  const data = files.filter(({ path }) => path.startsWith(folder) && isDataOf(path.slice(folder.length), graph, folder))
  const template = named('chat_template.jinja')
  const own = tokenizerConfig['chat_template']
  const parts: Record<string, Uint8Array> = {}
  for (const file of [graph, ...data]) parts[file.path.slice(folder.length)] = await file.bytes()
  return {
    config: (await json('config.json')) ?? {},
    tokenizer,
    tokenizerConfig,
    generation: (await json('generation_config.json')) ?? {},
    chatTemplate: template
      ? new TextDecoder().decode(await template.bytes())
      : typeof own === 'string'
        ? own
        : undefined,
    graph: parts,
  }
}

/** Names of the graphs of a folder, the usual one first. */
export function graphsIn(files: readonly Pick<FolderFile, 'path'>[]): string[] {
  const graphs = files.flatMap(({ path }) => (path.endsWith('.onnx') ? [path] : []))
  return graphs.toSorted((a, b) => Number(isUsual(b)) - Number(isUsual(a)) || a.localeCompare(b))
}

const isUsual = (path: string) => path.endsWith('/model.onnx') || path === 'model.onnx'

function graphIn(files: readonly FolderFile[], wanted: string | undefined): FolderFile {
  const [first] = wanted === undefined ? graphsIn(files) : [wanted]
  const graph = files.find(({ path }) => path === first)
  if (!graph) throw new RangeError(`the folder has no ${wanted ?? '.onnx file'}`)
  return graph
}

/** Whether a file beside a graph is data of it, and of no other graph: model.onnx_data, model.onnx_data_1, model.onnx.data, weights.bin. */
function isDataOf(name: string, graph: FolderFile, folder: string): boolean {
  const own = graph.path.slice(folder.length)
  if (name === own || name.includes('/')) return false
  const ofAnother = /^(.*\.onnx)[._]data/.exec(name)
  if (ofAnother) return ofAnother[1] === own
  return !/\.(onnx|json|txt|md|jinja|model)$/i.test(name)
}
