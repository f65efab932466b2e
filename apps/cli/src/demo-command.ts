import type { Board } from '@sublinear/board'
import { Command } from 'commander'
import { fileURLToPath } from 'node:url'
import { boardText } from './board-text'
import { headsOf, readHead } from './head-files'
import { measuredBoard } from './measured-board'
import { chosenStreams, methodsNamed, withStreams, type StreamsFlags } from './methods'
import { outputWidth, paragraph } from './report'

const MODELS = {
  sharp: 'Sharp heads: 3 to 800 keys matter to a query. No bound on the logits.',
  bounded: 'Bounded heads: |logit| <= 6, 600 to 1400 keys matter to a query; the regime of the papers.',
} as const
const STREAMS = ['streamingLlm', 'snapKv', 'taylor', 'closure', 'quantised', 'farClosure', 'auto']
const BUDGETS = ['1/4', '1/16']
/** Numbers of tokens, of the 4096 captured: those that are summarised, and those that ask after them. */
const [PREFIX, LAST] = [3584, 512]

interface DemoFlags extends StreamsFlags {
  readonly json?: boolean
  readonly quiet?: boolean
}

export function demoCommand(interrupt: AbortSignal): Command {
  const command = new Command('demo').description('Shows the board of compare on heads of two small language models')
  return withStreams(command, STREAMS.join(','))
    .option('--json', 'print one JSON object with a board for each model')
    .option('--quiet', 'print nothing but errors')
    .action((flags: DemoFlags) => run(flags, interrupt))
}

async function run(flags: DemoFlags, interrupt: AbortSignal): Promise<void> {
  const { json, quiet } = flags
  const methods = await methodsNamed(chosenStreams(flags, STREAMS))
  const boards: [keyof typeof MODELS, Board][] = []
  for (const model of Object.keys(MODELS) as (keyof typeof MODELS)[]) {
    const path = (part: string) => fileURLToPath(new URL(`../data/${model}-${part}.npy`, import.meta.url))
    const heads = await headsOf({ queries: path('q'), keys: path('k'), values: path('v') })
    const board = await measuredBoard({
      heads: heads.map((head) => () => readHead(head)),
      methods,
      budgets: BUDGETS,
      prefix: PREFIX,
      queries: LAST,
      signal: interrupt,
      reproduce: 'sublinear demo',
      quiet: Boolean(json || quiet),
    })
    boards.push([model, board])
  }
  if (json) console.log(JSON.stringify(Object.fromEntries(boards)))
  else if (!quiet) for (const [model, board] of boards) print(MODELS[model], board)
}

function print(words: string, board: Board): void {
  console.log(`${paragraph(words, outputWidth())}\n${boardText(board, outputWidth())}\n`)
}
