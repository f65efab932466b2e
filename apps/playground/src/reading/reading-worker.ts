import { languageModel, type LanguageModel } from '@sublinear/small-lm'
import { expose } from 'comlink'
import { asked, lanes, type Lane } from './lanes'
import type { MethodName } from './method-names'
import { BLOCK } from './usual'

export interface ReadOptions {
  readonly text: string
  readonly names: readonly MethodName[]
  /** Share of the exact cache of the whole text. */
  readonly share: number
  /** How many times the text is read, one after the other. The bytes are a share of what one reading takes. */
  readonly times: number
}

/** Progress of a lane. */
export interface LaneState {
  readonly name: MethodName
  readonly bytes: number
  /** Milliseconds of reading so far; absent where the reading was recorded elsewhere. */
  readonly ms?: number
}

export interface Progress {
  readonly tokens: number
  readonly total: number
  /** Number of letters of the text that were read. */
  readonly letters: number
  /** Bytes that the exact cache holds by now. */
  readonly cacheBytes: number
  readonly lanes: readonly LaneState[]
}

export interface Answer {
  readonly name: MethodName
  readonly said: string
}

let model: LanguageModel | undefined
let current: { readonly lanes: readonly Lane[]; isOver: boolean } | undefined

const api = {
  /** Loads a model; its bytes are fetched here, so that the page never holds them. */
  async load(url: string): Promise<void> {
    const response = await fetch(url)
    if (!response.ok) throw new Error(`the model did not come: ${response.status} ${response.statusText}`)
    model = languageModel(new Uint8Array(await response.arrayBuffer()))
  },
  /** Reads a text in all lanes, from its start, and drops the last reading. It ends early when another reading begins. */
  async read(
    { text, names, share, times: readings }: ReadOptions,
    report: (progress: Progress) => void,
  ): Promise<void> {
    if (!model) throw new Error('no model is loaded')
    end()
    const { bos, encode, bytesOf } = model.tokenizer
    const ids = [bos, ...encode(text)]
    const total = readings * ids.length
    const own = { lanes: lanes(model, names, { tokens: total, cached: ids.length, share }), isOver: false }
    current = own
    const times = own.lanes.map(() => 0)
    let letters = 0
    for (let from = 0; from < total && !own.isOver; from += Math.min(BLOCK, ids.length - (from % ids.length))) {
      const at = from % ids.length
      const block = ids.slice(at, at + BLOCK)
      for (const [i, { run }] of own.lanes.entries()) {
        const start = performance.now()
        run.read(block, 'none')
        times[i] += performance.now() - start
      }
      if (at === 0) letters = 0
      letters += bytesOf(at === 0 ? block.slice(1) : block).length
      const [{ run }] = own.lanes
      report({
        tokens: run.tokens,
        total,
        letters,
        cacheBytes: run.cacheBytes,
        lanes: own.lanes.map((lane, i) => ({ name: lane.name, bytes: lane.run.bytes, ms: times[i] })),
      })
      await turn()
    }
  },
  /** Answers of all lanes to a question about a word, at the present place of the text. */
  ask(word: string): Answer[] {
    const own = current
    if (!model || !own) return []
    return own.lanes.map(({ name, run }) => ({ name, said: asked(model!, run, word) }))
  },
}
export type ReadingApi = typeof api

function end(): void {
  if (!current) return
  current.isOver = true
  for (const { run } of current.lanes) run[Symbol.dispose]()
  current = undefined
}

/** Waits one turn of the event loop, in which messages arrive. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, 0)
  })
}

expose(api)
