import { generate, type OnnxReader } from '@sublinear/onnx'
import { Command } from 'commander'
import { readFileSync } from 'node:fs'
import { text as allOf } from 'node:stream/consumers'
import { folderStreams } from './folder/folder-streams'
import { openFolder } from './folder/model-folder'
import { methodNamed } from './methods'
import { positiveNumber, wholeNumber } from './options'
import { bytesText, rateText, shareText } from './report'
import { sizing, withSizedStream, type SizeFlags } from './sizing'

export interface SayFlags extends SizeFlags {
  readonly model: string
  readonly file?: string
  readonly threads?: number
  readonly tokens: number
  readonly temperature?: number
  readonly topK?: number
  readonly topP?: number
  readonly seed: number
  readonly stop: readonly string[]
  readonly quiet?: boolean
}

interface GenerateFlags extends SayFlags {
  readonly prompt?: string
  readonly json?: boolean
}

/** Options of commands that let a user's model speak. */
export function withSayOptions(command: Command): Command {
  return withSizedStream(
    command
      .requiredOption('--model <folder>', 'config.json, tokenizer.json, and onnx/model.onnx with its data')
      .option('--file <name>', 'the graph within the folder, where there are several: onnx/model_q4.onnx')
      .option('--threads <n>', 'threads of onnxruntime (default: its own choice)', wholeNumber(1, 1024)),
    'auto',
  )
    .option('--tokens <n>', 'tokens to add, at most', wholeNumber(1, 1_000_000), 256)
    .option('--temperature <t>', 'draw tokens; without it the likeliest is taken', positiveNumber(100))
    .option('--top-k <k>', 'draw from the k likeliest', wholeNumber(1))
    .option('--top-p <p>', 'draw from the likeliest that make up this share', positiveNumber(1))
    .option('--seed <n>', 'of what is drawn', wholeNumber(0), 1)
    .option('--stop <text...>', 'end where this would be said', [])
    .option('--quiet', 'print nothing but the text and errors')
}

export function generateCommand(interrupt: AbortSignal): Command {
  return withSayOptions(
    new Command('generate').description('Your own ONNX model goes on with a text, each head through a bounded stream'),
  )
    .argument('[file]', 'the text, UTF-8; - is standard input')
    .option('--prompt <text>', 'the text itself')
    .option('--json', 'print one JSON object')
    .action((file: string | undefined, flags: GenerateFlags) => run(file, flags, interrupt))
}

async function run(file: string | undefined, flags: GenerateFlags, signal: AbortSignal): Promise<void> {
  if ((file === undefined) === (flags.prompt === undefined))
    throw new RangeError('give a file, or the text itself as --prompt')
  const method = await methodNamed(flags.stream)
  const sizeOf = sizing(method, flags)
  const prompt = flags.prompt ?? (file === '-' ? await allOf(process.stdin) : readFileSync(file!, 'utf8'))
  const { model, tokenizer, end } = await openFolder(flags.model, flags)
  const ids = [...tokenizer.begin, ...tokenizer.encode(prompt)]
  const stream = folderStreams(model, method, sizeOf, ids.length + flags.tokens)
  using reader = model.reader({ stream })
  const start = performance.now()
  const said: number[] = []
  let text = ''
  let first = 0
  const options = {
    ...sampling(flags),
    ids,
    most: flags.tokens,
    end,
    decode: tokenizer.decode,
    stop: flags.stop,
    signal,
  }
  for await (const token of generate(reader, options)) {
    if (first === 0) first = performance.now()
    if (token.id !== undefined) said.push(token.id)
    text += token.text
    if (!flags.json) process.stdout.write(token.text)
  }
  const seconds = (performance.now() - first) / 1000
  if (flags.json) {
    const { tokens, bytes, cacheBytes } = reader
    const details = { prefillMs: Math.round(first - start), tokensPerSecond: (said.length - 1) / seconds }
    console.log(JSON.stringify({ stream: method.name, text, ids: said, tokens, bytes, cacheBytes, ...details }))
    return
  }
  process.stdout.write('\n')
  if (!flags.quiet) console.error(statusText(reader, said.length - 1, seconds))
}

/** What the flags say of how tokens are chosen. */
export function sampling({ temperature, topK, topP, seed }: SayFlags) {
  return {
    ...(temperature !== undefined && { temperature }),
    ...(topK !== undefined && { topK }),
    ...(topP !== undefined && { topP }),
    seed,
  }
}

/** Tokens, speed, and what is held beside what the exact cache would hold. */
export function statusText({ tokens, bytes, cacheBytes }: OnnxReader, said: number, seconds: number): string {
  const rate = said > 0 ? `, ${rateText(said / Math.max(1e-9, seconds))} tokens/s` : ''
  return `${tokens} tokens${rate}; held ${bytesText(bytes)}, the exact cache would hold ${bytesText(cacheBytes)} (${shareText(bytes, cacheBytes)})`
}
