import type { Board, BoardHead } from '@sublinear/board'
import { writeWhole } from '@sublinear/io/node'
import { Command, Option } from 'commander'
import { boardText, faults, UNITS } from './board-text'
import { modelHeads, refuseWindows } from './folder/model-heads'
import { folderFlags, withModel, type ModelFlags } from './folder/model-options'
import { headsOf, readHead, type HeadFiles } from './head-files'
import { featuresOf, placeInArray, withFeatures, type FeatureFlags } from './head-features'
import { headFilesIfAny, headFilesOf, withHeadFiles } from './head-options'
import { withBars } from './measured-bars'
import { measuredBoard } from './measured-board'
import { chosenStreams, isPath, methodsNamed, NAMES, withStreams, type StreamsFlags } from './methods'
import { list, scaleNumber, wholeNumber } from './options'
import { outputWidth } from './report'
import { commandLine } from './reproduce'
import { refuseOutputs } from './outputs'
import { budgetValue } from './sizing'

interface CompareFlags extends StreamsFlags, FeatureFlags, Partial<ModelFlags> {
  readonly tokens: number
  readonly budgets: readonly (string | number)[]
  readonly heads?: readonly string[]
  readonly prefix?: number
  readonly last?: number
  readonly block: number
  readonly pilot: number
  readonly scale?: number
  readonly seed: number
  readonly unit: (typeof UNITS)[number]
  readonly report?: string
  readonly errorBars?: boolean
  readonly json?: boolean
  readonly quiet?: boolean
}

const NOT_WORTHWHILE = 3
const BUDGETS = '1/4,1/7,1/16,1/32'
/** Most queries that are judged by default; an eighth of the tokens where that is fewer. */
const LAST = 512

export function compareCommand(interrupt: AbortSignal): Command {
  const command = new Command('compare').description(
    'Compares streams side by side at equal bytes, for all heads of an array or of a model: error against exact attention, memory and time, head by head',
  )
  return withFeatures(withStreams(withModel(withHeadFiles(command), 'persuasion')))
    .option('--tokens <n>', 'with --model: tokens that it reads', wholeNumber(2, 10_000_000), 4096)
    .addOption(
      new Option('--budgets <list>', 'shares of the float32 cache of the prefix, or bytes')
        .argParser(budgetList)
        .default(budgetList(BUDGETS), BUDGETS),
    )
    .option('--heads <names>', 'heads of the arrays or of the model, as 0.1,2.0 (default: all)', list)
    .option(
      '--prefix <tokens>',
      'tokens that streams take before answers count (default: all but the last ones)',
      wholeNumber(1),
    )
    .option(
      '--last <tokens>',
      `tokens after the prefix whose answers are judged (default: ${LAST}, or an eighth)`,
      wholeNumber(1),
    )
    .option('--block <tokens>', 'tokens of one call', wholeNumber(1), 64)
    .option('--pilot <rows>', 'first rows of the prefix that methods may look at beforehand', wholeNumber(0), 512)
    .option('--scale <s>', 'factor inside exp (default: 1/sqrt(d))', scaleNumber)
    .option('--seed <n>', 'seed of the uniform samples', wholeNumber(0), 0)
    .addOption(new Option('--unit <kind>', 'unit of the errors printed').choices(UNITS).default('relative'))
    .option(
      '--error-bars',
      'ask for 95 % error bars too, and print how many entries they cover: exact, reservoir and auto have their own; of all others a quarter of the budget holds tokens out, by which bars are measured',
    )
    .option('--report <file>', 'also write a page of charts: one HTML file that needs nothing else')
    .option('--json', 'print the board as one JSON object')
    .option('--quiet', 'print nothing but errors')
    .action(() => {
      const flags = command.opts<CompareFlags>()
      if (flags.model === undefined) return run(headFilesOf(command), flags, interrupt)
      if (headFilesIfAny(command)) command.error('error: compare takes files or --model, not both')
      const known = (['softcap', 'sink'] as const).find((name) => flags[name] !== undefined)
      if (known !== undefined) command.error(`error: --${known} is of the model, not for --model`)
      return run(undefined, flags, interrupt)
    })
}

async function run(files: HeadFiles | undefined, flags: CompareFlags, interrupt: AbortSignal): Promise<void> {
  const streams = chosenStreams(flags, NAMES)
  if (flags.report !== undefined)
    await refuseOutputs(
      [{ flag: '--report', path: flags.report }],
      [...Object.values(files ?? {}), ...streams.filter(isPath)],
    )
  const named = await methodsNamed(streams)
  const methods = flags.errorBars ? named.map(withBars) : named
  const heads = files ? await fileHeads(files, flags) : await headsOfModel(flags, interrupt)
  const first = await heads[0]()
  if (first.keys.rows < 2)
    throw new RangeError('compare needs at least 2 tokens, one to summarise and one that asks after it: there is one')
  const { prefix, queries } = parts(first.keys.rows, flags)
  const board = await measuredBoard({
    heads,
    methods,
    budgets: flags.budgets,
    prefix,
    queries,
    block: flags.block,
    pilot: flags.pilot,
    seed: flags.seed,
    ...(flags.errorBars && { errorBars: true }),
    signal: interrupt,
    reproduce: commandLine(process.argv.slice(2)),
    quiet: Boolean(flags.quiet || flags.json),
  })
  if (flags.report !== undefined) {
    const { reportPage } = await import('./report-page') // this loads the charts, which takes a third of a second and only reports need
    await writeWhole(flags.report, reportPage(board))
  }
  print(board, flags)
  if (faults(board).length > 0) process.exitCode = NOT_WORTHWHILE
}

async function fileHeads(
  files: HeadFiles,
  { heads, scale, softcap, sink }: CompareFlags,
): Promise<(() => Promise<BoardHead>)[]> {
  const located = await headsOf(files, heads)
  const flags = { ...(softcap !== undefined && { softcap }), ...(sink && { sink }) }
  return located.map((head) => {
    const { at, all } = placeInArray(head)
    const features = featuresOf(flags, { first: at, groups: 1, all })
    return async () => ({ ...(await readHead(head)), ...(scale && { scale }), ...features })
  })
}

/** Reads the key heads of a model, with the queries of all query heads that share them; all are in memory. */
async function headsOfModel(flags: CompareFlags, signal: AbortSignal): Promise<(() => Promise<BoardHead>)[]> {
  const { model, text = 'persuasion', tokens, heads: only, scale, quiet, json } = flags
  const asked = { ...folderFlags({ ...flags, text }), text, tokens, signal, quiet: Boolean(quiet || json) }
  const { heads } = await modelHeads({ ...asked, model: model!, ...(only && { only }) })
  refuseWindows(heads, 'compare')
  return heads.map(({ layer, head, queries, keys, values, shape }) => {
    const { softcap, sinkLogit } = shape
    const own = { name: `${layer}.${head}`, queries, keys, values, scale: scale ?? shape.scale, softcap, sinkLogit }
    return () => Promise.resolve(own)
  })
}

function print(board: Board, { json, quiet, unit, report }: CompareFlags): void {
  if (json) return console.log(JSON.stringify(board))
  if (quiet) return
  console.log(boardText(board, outputWidth(), unit))
  if (report !== undefined) console.log(`charts in ${report}`)
}

/** Divides the tokens: how many are summarised, and how many come after. */
function parts(tokens: number, { prefix, last }: CompareFlags): { readonly prefix: number; readonly queries: number } {
  const queries = last ?? (prefix === undefined ? Math.max(1, Math.min(LAST, Math.floor(tokens / 8))) : tokens - prefix)
  return { prefix: prefix ?? tokens - queries, queries }
}

function budgetList(text: string): (string | number)[] {
  return list(text).map(budgetValue)
}
