/**
 * `node evidence/kit/text-captures.ts [model text tokens [from]]`: queries, keys and values of every head of a small
 * language model over a held-out text, as cache/<model>-<text>-<tokens>[-<from>]-{q,k,v}.npy of shape [layers, heads, tokens, width],
 * float32, which git ignores. Without arguments: both models over 8192 tokens of three texts. Exact attention; queries not scaled.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { exactStream } from '@sublinear/exact-attention'
import { encodeNpy } from '@sublinear/io'
import { capture, languageModel, type LanguageModel } from '@sublinear/small-lm'
import { capturesOf, readHeads, type Head } from './captures.ts'

export const MODELS = ['sharp', 'bounded'] as const
export const TEXTS = ['persuasion', 'romans', 'revelation'] as const

export interface TextCapture {
  readonly model: (typeof MODELS)[number]
  readonly text: (typeof TEXTS)[number]
  /** The begin-of-text token and tokens − 1 of the text. */
  readonly tokens: number
  /** The first token of the text that is taken. Default: 0. */
  readonly from?: number
}

const data = (file: string) => new URL(`../../packages/small-lm/data/${file}`, import.meta.url)
const cache = fileURLToPath(new URL('../cache/', import.meta.url))

export function loadModel(name: TextCapture['model']): LanguageModel {
  return languageModel(readFileSync(data(`${name}.safetensors`)))
}

/** Token ids of a held-out text, without the begin-of-text token. */
export function textIds({ tokenizer }: LanguageModel, text: TextCapture['text']): Uint16Array {
  return tokenizer.encode(readFileSync(data(`${text}.txt`)))
}

/** The three files of a capture; made first where the cache lacks one. */
export function captureFiles(
  wanted: TextCapture,
  onProgress?: (tokens: number) => void,
): { readonly q: string; readonly k: string; readonly v: string } {
  const { model, text, tokens, from = 0 } = wanted
  const stem = `${cache}${model}-${text}-${tokens}${from > 0 ? `-${from}` : ''}`
  const files = { q: `${stem}-q.npy`, k: `${stem}-k.npy`, v: `${stem}-v.npy` }
  if (Object.values(files).every((file) => existsSync(file))) return files

  const lm = loadModel(model)
  const all = textIds(lm, text)
  if (!(Number.isInteger(tokens) && tokens >= 1 && Number.isInteger(from) && from >= 0))
    throw new RangeError(`captures: tokens must be an integer >= 1 and from one >= 0, got ${tokens} and ${from}`)
  if (from + tokens - 1 > all.length)
    throw new RangeError(`captures: ${text} has ${all.length} tokens, asked for ${from} to ${from + tokens - 1}`)
  const ids = [lm.tokenizer.bos, ...all.subarray(from, from + tokens - 1)]
  const heads = capture({ model: lm, stream: exactStream, ids, ...(onProgress && { onProgress }) })
  mkdirSync(cache, { recursive: true })
  const shape = [lm.config.layers, lm.config.heads, tokens, lm.config.d]
  for (const [part, file] of [
    ['queries', files.q],
    ['keys', files.k],
    ['values', files.v],
  ] as const) {
    const all = new Float32Array(heads.length * tokens * lm.config.d)
    for (const [i, head] of heads.entries()) all.set(head[part].data, i * tokens * lm.config.d)
    writeFileSync(`${file}.part`, encodeNpy({ shape, data: all }))
    renameSync(`${file}.part`, file)
  }
  return files
}

/** All heads of a model over a text, from the cache or made now. */
export function capturedHeads(wanted: TextCapture): Head[] {
  return readHeads(captureFiles(wanted))
}

/** Captures of all heads of both models over the first tokens of a text, where the arguments are `--text <name>`; else as `capturesOf`. */
export function capturesNamed(args: readonly string[], tokens: number): ReturnType<typeof capturesOf> {
  const text = textNamed(args)
  return text === undefined
    ? capturesOf(args)
    : (['bounded', 'sharp'] as const).map((name) => ({
        name,
        heads: capturedHeads({ model: name, text, tokens }),
      }))
}

/** The text that the arguments name, if they name one. */
export function textNamed([flag, text, ...rest]: readonly string[]): TextCapture['text'] | undefined {
  if (flag !== '--text') return undefined
  const found = TEXTS.find((one) => one === text)
  if (found === undefined || rest.length > 0)
    throw new RangeError(`captures: --text must be one of ${TEXTS.join(', ')} and nothing after it, got ${text}`)
  return found
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [model, text, tokens, from] = process.argv.slice(2)
  const wanted =
    model === undefined
      ? MODELS.flatMap((model) => TEXTS.map((text) => ({ model, text, tokens: 8192 })))
      : [{ model, text, tokens: Number(tokens), from: Number(from ?? 0) } as TextCapture]
  for (const one of wanted) {
    if (!MODELS.includes(one.model) || !TEXTS.includes(one.text))
      throw new RangeError(`captures: arguments must be ${MODELS.join(' | ')}, ${TEXTS.join(' | ')}, tokens and from`)
    const files = captureFiles(one, (done) => process.stderr.write(`\r${one.model} ${one.text}: ${done} tokens`))
    process.stderr.write('\n')
    console.log(Object.values(files).join('\n'))
  }
}
