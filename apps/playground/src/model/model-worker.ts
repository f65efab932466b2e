import { filesInMemory, generate, onnxModel, type OnnxModel, type OnnxReader } from '@sublinear/onnx'
import { expose } from 'comlink'
import * as ort from 'onnxruntime-web/wasm'
import wasmUrl from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url'
import { graphsIn, modelIn, type FolderFile } from './folder-files'
import { folderText, type FolderText } from './folder-text'
import { headStreams, type Held, type Remembers } from './head-streams'

ort.env.wasm.numThreads = 1
ort.env.wasm.wasmPaths = { wasm: new URL(wasmUrl, self.location.href).href }

/** Tokens that are read between two reports. */
const BLOCK = 128

/** A file that was dropped or chosen, with its path in the folder. */
export interface Given {
  readonly path: string
  readonly file: File
}

/** Facts of an open model. */
export interface Opened {
  readonly layers: number
  readonly heads: number
  readonly kvHeads: number
  readonly vocabulary: number
  readonly windows: number
  readonly hasTemplate: boolean
  /** Names of the other graphs of the folder. */
  readonly graphs: readonly string[]
}

/** Progress of an answer. */
export interface Said {
  readonly text: string
  /** Number of tokens of the talk so far. */
  readonly tokens: number
  readonly bytes: number
  /** Bytes of a float32 cache of all tokens. */
  readonly cacheBytes: number
  /** Tokens a second: of the answer, or of the question while it is read. */
  readonly rate: number
  readonly isReading: boolean
}

let open: { readonly model: OnnxModel; readonly text: FolderText } | undefined
let talk: Talk | undefined
let stop = new AbortController()

interface Talk {
  readonly reader: OnnxReader
  readonly turns: ReturnType<FolderText['talk']>
  /** Tokens that the model has said and not yet read. */
  waiting: number[]
}

const api = {
  /** Opens the model of a folder, or of an address below which the folder's files lie. */
  async open(from: readonly Given[] | string, wanted?: string): Promise<Opened> {
    await close()
    const files = typeof from === 'string' ? fetched(from) : from.map(dropped)
    const folder = await modelIn(files, wanted)
    const text = folderText(folder)
    const model = await onnxModel({
      model: filesInMemory(folder.graph),
      ort,
      session: { executionProviders: ['wasm'], logSeverityLevel: 3 },
    })
    open = { model, text }
    const [{ heads, kvHeads }] = model.layers
    return {
      layers: model.layers.length,
      heads,
      kvHeads,
      vocabulary: model.vocabulary,
      windows: model.layers.filter(({ shape }) => shape.window !== undefined).length,
      hasTemplate: text.hasTemplate,
      graphs: graphsIn(files),
    }
  },
  /** Begins a talk, and forgets the last one. */
  begin(name: Remembers, held: Held): void {
    const { model, text } = opened()
    endTalk()
    talk = { reader: model.reader({ stream: headStreams(model, name, held) }), turns: text.talk(), waiting: [] }
  },
  /** Lets the model answer; `report` is called for every token. */
  async say(words: string, most: number, report: (said: Said) => void): Promise<void> {
    const { text } = opened()
    const own = talk
    if (!own) throw new Error('no talk has begun')
    stop = new AbortController()
    const { reader, turns } = own
    const ids = [...own.waiting, ...text.encode(turns.ask(words))]
    if (ids.length === 0) throw new RangeError('there is nothing to read')
    own.waiting = []
    let [answer, count, start] = ['', 0, performance.now()]
    const tell = (isReading: boolean) =>
      report({
        text: answer,
        tokens: reader.tokens,
        bytes: reader.bytes,
        cacheBytes: reader.cacheBytes,
        rate: (1000 * count) / Math.max(1, performance.now() - start),
        isReading,
      })
    // All blocks but the last are read here, so that progress shows for a long question.
    let at = 0
    for (; ids.length - at > BLOCK && !stop.signal.aborted; at += BLOCK) {
      await reader.read(ids.slice(at, at + BLOCK), 'none')
      count += BLOCK
      tell(true)
      await turn()
    }
    ;[count, start] = [0, performance.now()]
    try {
      for await (const token of generate(reader, {
        ids: ids.slice(at),
        most,
        end: text.end,
        decode: text.decode,
        signal: stop.signal,
      })) {
        if (token.id !== undefined) {
          count++
          own.waiting = [token.id]
        }
        answer += token.text
        tell(false)
        await turn()
      }
    } catch (error) {
      if (!stop.signal.aborted) throw error
    }
    turns.answer(answer)
    tell(false)
  },
  stop(): void {
    stop.abort()
  },
}
export type ModelApi = typeof api

function opened() {
  if (!open) throw new Error('no model is open')
  return open
}

function endTalk(): void {
  talk?.reader[Symbol.dispose]()
  talk = undefined
}

async function close(): Promise<void> {
  endTalk()
  await open?.model.release()
  open = undefined
}

const dropped = ({ path, file }: Given): FolderFile => ({
  path,
  size: file.size,
  bytes: async () => new Uint8Array(await file.arrayBuffer()),
})

/** The files of the sample, by address. */
function fetched(base: string): FolderFile[] {
  return ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'onnx/model.onnx', 'onnx/model.onnx_data'].map(
    (path) => ({
      path,
      size: NaN,
      async bytes() {
        const response = await fetch(new URL(path, base))
        if (!response.ok) throw new Error(`${path} did not come: ${response.status} ${response.statusText}`)
        return new Uint8Array(await response.arrayBuffer())
      },
    }),
  )
}

/** Waits one turn of the event loop, in which messages arrive. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, 0)
  })
}

expose(api)
