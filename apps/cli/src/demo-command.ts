import { compareStreams, type Board } from '@sublinear/attention'
import { Command } from 'commander'
import { fileURLToPath } from 'node:url'
import { boardText } from './board-text'
import { headsOf, readHead } from './head-files'
import { measuredBoard } from './measured-board'
import { outputWidth, paragraph } from './report'

const MODELS = {
  sharp: 'Sharp heads: 3 to 800 keys matter to a query. No bound on the logits.',
  bounded: 'Bounded heads: |logit| <= 6, 600 to 1400 keys matter to a query; the regime of the papers.',
} as const
const STREAMS = ['streamingLlm', 'snapKv', 'taylor', 'closure', 'quantised', 'far6/4+closure', 'auto']
const BUDGETS = ['1/4', '1/16']
/** Of 4096 captured tokens. */
const [PREFIX, LAST] = [3584, 512]

export function demoCommand(interrupt: AbortSignal): Command {
  return new Command('demo')
    .description('The board of compare on what two small language models really produced')
    .option('--json', 'print one JSON object with a board for each model')
    .option('--quiet', 'print nothing but errors')
    .action((options: { json?: boolean; quiet?: boolean }) => run(options, interrupt))
}

async function run({ json, quiet }: { json?: boolean; quiet?: boolean }, interrupt: AbortSignal): Promise<void> {
  const boards: [keyof typeof MODELS, Board][] = []
  for (const model of Object.keys(MODELS) as (keyof typeof MODELS)[]) {
    const path = (part: string) => fileURLToPath(new URL(`../data/${model}-${part}.npy`, import.meta.url))
    const heads = await headsOf({ queries: path('q'), keys: path('k'), values: path('v') })
    const board = await measuredBoard({
      heads: heads.map((head) => () => readHead(head)),
      streams: Object.fromEntries(STREAMS.map((name) => [name, compareStreams[name]!])),
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
