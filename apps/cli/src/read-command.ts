import { exactStream } from '@sublinear/attention'
import type { Method, Pilot } from '@sublinear/core'
import {
  capture,
  questionText,
  readText,
  specOf,
  type HeadSpec,
  type LanguageModel,
  type Answer as Said,
  type Reading,
} from '@sublinear/small-lm'
import { Command, InvalidArgumentError, Option } from 'commander'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { addAbortSignal } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { methodNamed } from './methods'
import { MODELS, openModel } from './models'
import { wholeNumber } from './options'
import { bytesText, rateText, shareText } from './report'
import { sizing, withSizedStream, type Sized, type SizeFlags } from './sizing'

interface ReadOptions extends SizeFlags {
  readonly model: (typeof MODELS)[number]
  readonly tokens?: number
  readonly ask: readonly string[]
  readonly json?: boolean
  readonly quiet?: boolean
}

type Answer = Said & { readonly tokens: number }

export function readCommand(interrupt: AbortSignal): Command {
  const command = new Command('read')
    .description(
      'A small language model reads a text of any length through bounded streams, and answers each "(recall word" in it ' +
        'from a "(remember word 1234)" before it',
    )
    .argument('<file>', 'the text, UTF-8; - is standard input')
    .addOption(new Option('--model <name>', 'which model').choices(MODELS).default('sharp'))
  return withSizedStream(command, 'endless')
    .option(
      '--tokens <n>',
      'tokens to come: streams that grow, as quantised, are sized for them (default: half the bytes of a file)',
      wholeNumber(1),
    )
    .addOption(
      new Option('--ask <word...>', 'ask for these words, of letters a to z, when the text has ended')
        .argParser(askedWords)
        .default([], 'none'),
    )
    .option('--json', 'print one JSON object')
    .option('--quiet', 'print nothing but errors')
    .action((file: string, options: ReadOptions) => readFile(file, options, interrupt))
}

async function readFile(file: string, options: ReadOptions, interrupt: AbortSignal): Promise<void> {
  const method = await methodNamed(options.stream)
  const sizeOf = sizing(method, options)
  const { source, bytes: size } = await openText(file, interrupt)
  const model = openModel(options.model)
  const text = withQuestions(source, options.ask)
  const { pilots, whole } = await pilotsFrom(model, text, method.learns === 'pilot' ? options.pilot : 0)
  const coming = options.tokens ?? (size === undefined ? Infinity : Math.ceil(size * TOKENS_A_BYTE) + MORE)
  const sized = sizedHeads(model, sizeOf, coming, pilots)
  const stream = headsOf(model, method, sized)

  const line = liveLine(options.quiet || options.json)
  const answers: Answer[] = []
  const start = performance.now()
  let last: Reading = { tokens: 0, bytes: 0, cacheBytes: 0 }
  for await (last of readText({ model, stream, source: whole })) {
    const { answer, tokens } = last
    if (answer) {
      answers.push({ ...answer, tokens })
      if (!options.quiet && !options.json) line.print(`token ${tokens}: ${answerText(answer)}`)
    }
    line.show(() => standText(last, start))
    await setImmediate() // so that an interrupt is heard
    interrupt.throwIfAborted()
  }
  line.print('')

  const tokensPerSecond = last.tokens / ((performance.now() - start) / 1000)
  const { tokens, bytes, cacheBytes } = last
  if (options.json) {
    const details = { model: options.model, stream: method.name, ...sized[0].details }
    console.log(JSON.stringify({ tokens, ...details, bytes, cacheBytes, tokensPerSecond, answers }))
  } else if (!options.quiet) {
    console.log(standText(last, start))
    if (tokens > model.config.trainedContext && !stream.unrotated)
      console.log(
        `the model was trained on texts of up to ${model.config.trainedContext} tokens: beyond that, even exact attention forgets; --stream endless reads on`,
      )
  }
}

function answerText({ word, text, refused }: Said): string {
  if (refused === 'never planted') return `(recall ${word}) was never planted: no (remember ${word} …) came by`
  if (refused === 'too long') return `(recall ${word.slice(0, 20)}…) is longer than any word that is answered`
  return `(recall ${word}${text})`
}

/** Words that can be asked for, one more. */
function askedWords(word: string, before: readonly string[]): string[] {
  if (!/^[A-Za-z]{1,1000}$/.test(word))
    throw new InvalidArgumentError('must be one word of letters a to z, 1000 at most.')
  return [...before, word]
}

/** A file or standard input as bytes in parts, how many where that is known; refused before the model is loaded. */
async function openText(
  file: string,
  signal: AbortSignal,
): Promise<{ readonly source: AsyncIterable<Uint8Array>; readonly bytes?: number }> {
  if (file === '-') return { source: addAbortSignal(signal, process.stdin) }
  const found = await stat(file).catch(() => undefined)
  if (!found) throw new RangeError(`cannot open ${file}`)
  if (found.isDirectory()) throw new RangeError(`${file} is a directory, not a text`)
  return { source: createReadStream(file, { signal }), bytes: found.size }
}

/** The text, and behind it a question for every word. */
async function* withQuestions(source: AsyncIterable<Uint8Array>, words: readonly string[]): AsyncGenerator<Uint8Array> {
  yield* source
  for (const word of words) yield new TextEncoder().encode(`${questionText(word)})`)
}

/** A token of prose stands for about three bytes; of other texts for less. */
const TOKENS_A_BYTE = 1 / 2
/** What a text has at least: its first token, and some questions. */
const MORE = 64

/** Rows of every head, layer by layer, of the text's first tokens: these are read twice. None where no rows are wanted. */
async function pilotsFrom(
  model: LanguageModel,
  source: AsyncGenerator<Uint8Array>,
  rows: number,
): Promise<{ readonly pilots?: readonly Pilot[]; readonly whole: AsyncIterable<Uint8Array> }> {
  if (rows === 0) return { whole: source }
  const first: Uint8Array[] = []
  let size = 0
  while (size < rows * MOST_BYTES) {
    const { done, value } = await source.next()
    if (done) break
    first.push(value)
    size += value.length
  }
  const { bos, encode } = model.tokenizer
  const ids = [bos, ...encode(Buffer.concat(first).subarray(0, rows * MOST_BYTES))].slice(0, rows)
  return { pilots: capture({ model, stream: exactStream, ids }), whole: chained(first, source) }
}

/** Options of every head, layer by layer. */
function sizedHeads(
  { config: { layers, heads, d } }: LanguageModel,
  sizeOf: ReturnType<typeof sizing>,
  tokens: number,
  pilots?: readonly Pilot[],
): Sized[] {
  const shape = { d, dv: d, scale: 1 / Math.sqrt(d) }
  return Array.from({ length: layers * heads }, (_, i) => {
    const place = { layer: Math.floor(i / heads), layers, head: i % heads, heads }
    return sizeOf(shape, { tokens, place }, pilots?.[i])
  })
}

function headsOf({ config: { heads } }: LanguageModel, method: Method, sized: readonly Sized[]): HeadSpec {
  return specOf(method, (layer, head) => sized[layer * heads + head].options)
}

/** Bytes that a token of prose stands for at most, nearly always. */
const MOST_BYTES = 8

async function* chained(first: readonly Uint8Array[], rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* first
  yield* rest
}

function standText({ tokens, bytes, cacheBytes }: Reading, start: number): string {
  const rate = tokens / Math.max(1e-9, (performance.now() - start) / 1000)
  const held = `held ${bytesText(bytes)}, the exact cache would hold ${bytesText(cacheBytes)}`
  return `${tokens} tokens, ${rateText(rate)} tokens/s; ${held} (${shareText(bytes, cacheBytes)})`
}

/** A line on stderr that is written over ten times a second, on a terminal only; printed lines go to stdout, before it. */
function liveLine(silent = false) {
  const live = !silent && process.stderr.isTTY
  let next = 0
  const clear = () => live && process.stderr.write('\r\u001b[2K')
  return {
    show(text: () => string) {
      if (!live || performance.now() < next) return
      next = performance.now() + 100
      process.stderr.write(`\r\u001b[2K${text()}`)
    },
    print(text: string) {
      clear()
      if (text !== '') console.log(text)
    },
  }
}
