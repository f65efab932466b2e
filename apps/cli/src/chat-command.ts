import { Template } from '@huggingface/jinja'
import { chatTurns, type ChatTurns } from '@sublinear/onnx'
import { Command } from 'commander'
import { createInterface } from 'node:readline'
import { openFolder, type ModelFolder } from './folder/model-folder'
import { wholeNumber } from './options'
import { said, statusText, streamChoice, withSayOptions, type SayFlags } from './saying'

interface ChatFlags extends SayFlags {
  readonly context: number
  readonly system?: string
}

export function chatCommand(interrupt: AbortSignal): Command {
  return withSayOptions(
    new Command('chat').description(
      'Lets you talk to your own ONNX model, a line for each turn; its heads remember through bounded streams',
    ),
  )
    .option('--context <n>', 'tokens of the whole conversation, for which streams are sized', wholeNumber(1), 8192)
    .option('--system <text>', 'instructions that the model gets before the conversation')
    .action((flags: ChatFlags) => run(flags, interrupt))
}

async function run(flags: ChatFlags, signal: AbortSignal): Promise<void> {
  const choice = await streamChoice(flags)
  const folder = await openFolder(flags.model, flags)
  const { model, tokenizer } = folder
  using reader = model.reader({ stream: choice.of(folder, flags.context) })
  const talk = turnsOf(folder, flags.system)
  const lines = createInterface({
    input: process.stdin,
    ...(process.stdin.isTTY && { output: process.stderr, prompt: '> ' }),
  })
  signal.addEventListener('abort', () => lines.close())
  let waiting: number[] = [] // tokens that the model has said and not yet read
  if (process.stdin.isTTY) lines.prompt()
  for await (const line of lines) {
    if (line.trim() === '') continue
    const ids = [...waiting, ...tokenizer.encode(talk.ask(line))]
    waiting = []
    const start = performance.now()
    let count = 0
    let text = ''
    for await (const token of said(reader, folder, ids, flags, signal)) {
      if (token.id !== undefined) {
        count++
        waiting = [token.id]
      }
      text += token.text
      process.stdout.write(token.text)
    }
    process.stdout.write('\n')
    talk.answer(text)
    if (!flags.quiet) console.error(statusText(reader, count, (performance.now() - start) / 1000))
    if (process.stdin.isTTY) lines.prompt()
  }
  signal.throwIfAborted()
}

/** Makes the talk of a folder's model, by its own template where it has one. */
export function turnsOf(
  { chatTemplate, tokenizer: { special, bos, decode } }: Pick<ModelFolder, 'chatTemplate' | 'tokenizer'>,
  system?: string,
): ChatTurns {
  return chatTurns({
    special,
    begin: special['bos_token'] ?? decode([bos]),
    ...(chatTemplate !== undefined && { template: new Template(chatTemplate) }),
    ...(system !== undefined && { system }),
  })
}
