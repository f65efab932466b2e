import { questionText, type Answer as Said, type Reading } from '@sublinear/small-lm'
import { Command, InvalidArgumentError, Option } from 'commander'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { addAbortSignal } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { isFolder } from './folder/model-folder'
import { readInFolder } from './folder/read-in-folder'
import { methodNamed } from './methods'
import { MODELS } from './models'
import { readInSmall, type ReadFlags } from './read-in-small'
import { wholeNumber } from './options'
import { bytesText, rateText, shareText } from './report'
import { sizing, withSizedStream } from './sizing'

interface ReadOptions extends ReadFlags {
  readonly tokens?: number
  readonly ask: readonly string[]
  readonly json?: boolean
  readonly quiet?: boolean
}

type Answer = Said & { readonly tokens: number }

export function readCommand(interrupt: AbortSignal): Command {
  const command = new Command('read')
    .description(
      'A language model reads a text of any length through bounded streams, and answers each "(recall word" in it ' +
        'from a "(remember word 1234)" before it',
    )
    .argument('<file>', 'the text, UTF-8; - is standard input')
    .addOption(
      new Option('--model <name or folder>', `${MODELS.join(', ')}, or the folder of your own ONNX model`)
        .argParser(modelName)
        .default('sharp'),
    )
    .option('--file <name>', 'the graph to use if the folder has several')
    .option('--threads <n>', 'with a folder: threads of onnxruntime (default: its own choice)', wholeNumber(1, 1024))
    .option('--recipes [file]', 'with a folder: read each head by its recipe of plan --model')
  return withSizedStream(command, 'endless')
    .option(
      '--tokens <n>',
      'how many tokens will come: streams that grow, such as quantised, are sized for them (default: half the bytes of a file)',
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
  if (options.recipes !== undefined && !isFolder(options.model))
    throw new RangeError('--recipes need a folder, but --model names a model that comes with the command')
  const sizeOf = sizing(method, options)
  const { source, bytes: size } = await openText(file, interrupt)
  const coming = options.tokens ?? (size === undefined ? Infinity : Math.ceil(size * TOKENS_A_BYTE) + MORE)
  const asked = { method, sizeOf, text: withQuestions(source, options.ask), coming, options }
  await using started = isFolder(options.model) ? await readInFolder(asked) : await readInSmall(asked)

  const line = liveLine(options.quiet || options.json)
  const answers: Answer[] = []
  const start = performance.now()
  let last: Reading = { tokens: 0, bytes: 0, cacheBytes: 0 }
  for await (last of started.readings) {
    const { answer, tokens } = last
    if (answer) {
      answers.push({ ...answer, tokens })
      if (!options.quiet && !options.json) line.print(`token ${tokens}: ${answerText(answer)}`)
    }
    line.show(() => standText(last, start))
    await setImmediate() // so that an interrupt is noticed
    interrupt.throwIfAborted()
  }
  line.print('')

  const tokensPerSecond = last.tokens / ((performance.now() - start) / 1000)
  const { tokens, bytes, cacheBytes } = last
  if (options.json) {
    const details = { model: options.model, stream: started.stream, ...started.details }
    console.log(JSON.stringify({ tokens, ...details, bytes, cacheBytes, tokensPerSecond, answers }))
  } else if (!options.quiet) {
    console.log(standText(last, start))
    if (tokens > started.trainedContext && !started.isUnrotated)
      console.log(
        `the model was trained on texts of up to ${started.trainedContext} tokens: beyond that, even exact attention forgets; --stream endless reads on`,
      )
  }
}

function modelName(text: string): string {
  if ((MODELS as readonly string[]).includes(text) || isFolder(text)) return text
  throw new InvalidArgumentError(`${text} is not one of ${MODELS.join(', ')}, and not a folder.`)
}

function answerText({ word, text, refused }: Said): string {
  if (refused === 'never planted') return `(recall ${word}) was never planted: the text had no (remember ${word} …)`
  if (refused === 'too long') return `(recall ${word.slice(0, 20)}…) is longer than any word that is answered`
  return `(recall ${word}${text})`
}

/** Adds a word to the words that will be asked for. */
function askedWords(word: string, before: readonly string[]): string[] {
  if (!/^[A-Za-z]{1,1000}$/.test(word))
    throw new InvalidArgumentError('must be one word of letters a to z, 1000 at most.')
  return [...before, word]
}

/**
 * Opens a file or standard input as bytes in parts, with their number where it is known; a file that cannot be opened is refused before the model is loaded.
 */
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

/** The text, followed by a question for every word. */
async function* withQuestions(source: AsyncIterable<Uint8Array>, words: readonly string[]): AsyncGenerator<Uint8Array> {
  yield* source
  for (const word of words) yield new TextEncoder().encode(`${questionText(word)})`)
}

/** Tokens for a byte of text, at most: a token of prose stands for about three bytes, of other texts for fewer. */
const TOKENS_A_BYTE = 1 / 2
/** Additional tokens of a text: its first one, and some questions. */
const MORE = 64

function standText({ tokens, bytes, cacheBytes }: Reading, start: number): string {
  const rate = tokens / Math.max(1e-9, (performance.now() - start) / 1000)
  const held = `held ${bytesText(bytes)}, the exact cache would hold ${bytesText(cacheBytes)}`
  return `${tokens} tokens, ${rateText(rate)} tokens/s; ${held} (${shareText(bytes, cacheBytes)})`
}

/** Makes a line on stderr that is overwritten ten times a second, on a terminal only; printed lines go to stdout, before it. */
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
