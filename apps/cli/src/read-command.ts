import { exactStream, MOST_DEGREE } from '@sublinear/attention'
import { capture, questionText, readText, type HeadSpec, type LanguageModel, type Reading } from '@sublinear/small-lm'
import { Command, Option } from 'commander'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { addAbortSignal } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { MODELS, openModel } from './models'
import { wholeNumber } from './options'
import { bytesText, rateText, shareText } from './report'
import { detailsOf, makeStream, meanRow, STREAMS, type StreamChoice } from './streams'

interface ReadOptions extends StreamChoice {
  readonly model: (typeof MODELS)[number]
  readonly centre: number
  readonly ask: readonly string[]
  readonly json?: boolean
  readonly quiet?: boolean
}

type Answer = NonNullable<Reading['answer']> & { readonly tokens: number }

export function readCommand(interrupt: AbortSignal): Command {
  return new Command('read')
    .description(
      'A small language model reads a text of any length through bounded streams, and answers each "(recall word" in it ' +
        'from a "(remember word 1234)" before it',
    )
    .argument('<file>', 'the text, UTF-8; - is standard input')
    .addOption(new Option('--model <name>', 'which model').choices(MODELS).default('sharp'))
    .addOption(new Option('--stream <kind>', 'what each head remembers with').choices(STREAMS).default('far+closure'))
    .option('--degree <g>', 'degree of the feature stream: memory grows as C(d + g, g)', wholeNumber(0, MOST_DEGREE), 2)
    .option('--hold <tokens>', 'how many tokens a bounded stream holds exactly, a head', wholeNumber(1), 256)
    .option('--centre <rows>', 'feature: subtract the mean of this many first keys (0: none)', wholeNumber(0), 256)
    .option('--ask <word...>', 'ask for these words when the text has ended', [])
    .option('--json', 'print one JSON object')
    .option('--quiet', 'print nothing but errors')
    .action((file: string, options: ReadOptions) => readFile(file, options, interrupt))
}

async function readFile(file: string, options: ReadOptions, interrupt: AbortSignal): Promise<void> {
  const source = await openText(file, interrupt)
  const model = openModel(options.model)
  const text = withQuestions(source, options.ask)
  const { stream, whole } = await streamFor(model, text, options)

  const line = liveLine(options.quiet || options.json)
  const answers: Answer[] = []
  const start = performance.now()
  let last: Reading = { tokens: 0, bytes: 0, cacheBytes: 0 }
  for await (last of readText({ model, stream, source: whole })) {
    const { answer, tokens } = last
    if (answer) {
      answers.push({ ...answer, tokens })
      if (!options.quiet && !options.json) line.print(`token ${tokens}: (recall ${answer.word}${answer.text})`)
    }
    line.show(() => standText(last, start))
    await setImmediate() // so that an interrupt is heard
    interrupt.throwIfAborted()
  }
  line.print('')

  const tokensPerSecond = last.tokens / ((performance.now() - start) / 1000)
  const { tokens, bytes, cacheBytes } = last
  if (options.json) {
    const details = { model: options.model, kind: options.stream, ...detailsOf(options) }
    console.log(JSON.stringify({ tokens, ...details, bytes, cacheBytes, tokensPerSecond, answers }))
  } else if (!options.quiet) {
    console.log(standText(last, start))
    if (tokens > model.config.trainedContext)
      console.log(
        `the model was trained on texts of up to ${model.config.trainedContext} tokens: beyond, also exact attention forgets`,
      )
  }
}

/** A file or standard input as bytes in parts; refused before the model is loaded. */
async function openText(file: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
  if (file === '-') return addAbortSignal(signal, process.stdin)
  const found = await stat(file).catch(() => undefined)
  if (!found) throw new RangeError(`cannot open ${file}`)
  if (found.isDirectory()) throw new RangeError(`${file} is a directory, not a text`)
  return createReadStream(file, { signal })
}

/** The text, and behind it a question for every word. */
async function* withQuestions(source: AsyncIterable<Uint8Array>, words: readonly string[]): AsyncGenerator<Uint8Array> {
  yield* source
  for (const word of words) yield new TextEncoder().encode(`${questionText(word)})`)
}

/** The chosen stream for every head. A feature stream needs its centre beforehand: the text's first tokens are read twice. */
async function streamFor(
  model: LanguageModel,
  source: AsyncGenerator<Uint8Array>,
  options: ReadOptions,
): Promise<{ readonly stream: HeadSpec; readonly whole: AsyncIterable<Uint8Array> }> {
  const none = new Float32Array(model.config.d)
  if (options.stream !== 'feature' || options.centre === 0)
    return { stream: (shape) => makeStream(options, shape, none), whole: source }
  const first: Uint8Array[] = []
  let size = 0
  while (size < options.centre * MOST_BYTES) {
    const { done, value } = await source.next()
    if (done) break
    first.push(value)
    size += value.length
  }
  const { bos, encode } = model.tokenizer
  const ids = [bos, ...encode(Buffer.concat(first).subarray(0, options.centre * MOST_BYTES))].slice(0, options.centre)
  const pilot = capture({ model, stream: exactStream, ids })
  return {
    stream: (shape, layer, head) => makeStream(options, shape, meanRow(pilot[layer * model.config.heads + head]!.keys)),
    whole: chained(first, source),
  }
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
