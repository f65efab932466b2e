import { Command } from 'commander'
import { readFileSync } from 'node:fs'
import { text as allOf } from 'node:stream/consumers'
import { openFolder } from './folder/model-folder'
import { said, statusText, streamChoice, withSayOptions, type SayFlags } from './saying'

interface GenerateFlags extends SayFlags {
  readonly prompt?: string
  readonly json?: boolean
}

export function generateCommand(interrupt: AbortSignal): Command {
  return withSayOptions(
    new Command('generate').description('Lets your own ONNX model continue a text, each head through a bounded stream'),
  )
    .argument('[file]', 'the text, UTF-8; - is standard input')
    .option('--prompt <text>', 'the text, instead of a file')
    .option('--json', 'print one JSON object')
    .action((file: string | undefined, flags: GenerateFlags) => run(file, flags, interrupt))
}

async function run(file: string | undefined, flags: GenerateFlags, signal: AbortSignal): Promise<void> {
  if ((file === undefined) === (flags.prompt === undefined))
    throw new RangeError('give a file, or the text itself as --prompt')
  const choice = await streamChoice(flags)
  const prompt = flags.prompt ?? (file === '-' ? await allOf(process.stdin) : readFileSync(file!, 'utf8'))
  const folder = await openFolder(flags.model, flags)
  const { model, tokenizer } = folder
  const ids = [...tokenizer.begin, ...tokenizer.encode(prompt)]
  const stream = choice.of(folder, ids.length + flags.tokens)
  using reader = model.reader({ stream })
  const start = performance.now()
  const given: number[] = []
  let text = ''
  let first = 0
  for await (const token of said(reader, folder, ids, flags, signal)) {
    if (first === 0) first = performance.now()
    if (token.id !== undefined) given.push(token.id)
    text += token.text
    if (!flags.json) process.stdout.write(token.text)
  }
  const seconds = (performance.now() - first) / 1000
  if (flags.json) {
    const { tokens, bytes, cacheBytes } = reader
    const details = { prefillMs: Math.round(first - start), tokensPerSecond: (given.length - 1) / seconds }
    console.log(JSON.stringify({ stream: choice.name, text, ids: given, tokens, bytes, cacheBytes, ...details }))
    return
  }
  process.stdout.write('\n')
  if (!flags.quiet) console.error(statusText(reader, given.length - 1, seconds))
}
