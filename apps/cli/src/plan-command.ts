import { plan, type Matrix, type Plan, type PlanOptions } from '@sublinear/attention'
import type { Considered, Task } from '@sublinear/adviser'
import type { Rows } from '@sublinear/io/node'
import { Command, InvalidArgumentError, Option } from 'commander'
import { budgetBytes } from './evaluation/task'
import { withModel } from './folder/model-options'
import type { HeadFiles } from './head-files'
import { withFeatures, type FeatureFlags } from './head-features'
import { headFilesIfAny, withHeadFiles } from './head-options'
import { withInputs } from './open-input'
import { list, scaleNumber, wholeNumber } from './options'
import { planModel, type PlanModelFlags } from './plan-model'
import { progressBar } from './progress'
import { bytesText, outputWidth, paragraph, shareText, tableText } from './report'
import { budgetValue } from './sizing'

interface Options extends FeatureFlags {
  readonly radius?: number
  readonly tokens?: number
  readonly d?: number
  readonly dv?: number
  readonly epsilon?: number
  readonly delta: number
  readonly task: Task
  readonly k?: number
  readonly apart?: boolean
  readonly budget?: string | number
  readonly scale?: number
  readonly pilot: number
  readonly seed: number
  readonly json?: boolean
  readonly quiet?: boolean
}

const NOT_WORTHWHILE = 3
/** Most rows of the table of candidates. */
const SHOWN = 12

export function planCommand(interrupt: AbortSignal): Command {
  const command = new Command('plan').description(
    'Says which method answers within an error or a budget, and in how many bytes, or that none is worth it, since keeping the tokens is cheaper. The three files, or none, are the pilot. With --model it plans every head of a model, and keeps the recipes beside the model',
  )
  return withFeatures(withModel(withHeadFiles(command), 'revelation'))
    .option('--radius <r>', 'without files: bound on |scale * <q, k - centre>|', atLeastZero)
    .option('--tokens <n>', 'length of the stream (default: rows of the keys; 8192 with --model)', wholeNumber(1))
    .option('--d <width>', 'width of keys and queries (default: that of the files)', wholeNumber(1))
    .option('--dv <width>', 'width of values (default: that of the files, or --d)', wholeNumber(1))
    .option(
      '--epsilon <e>',
      'largest error to accept: of the outputs with files, of max |v| with a radius (default: 0.1, or the best within --budget)',
      fraction,
    )
    .option('--delta <p>', 'failure probability over the sketch, with a radius', fraction, 0.01)
    .addOption(
      new Option(
        '--task <kind>',
        'who asks: every token (causal), queries that come last (rows), the same after tokens that had queries (later), all of them (both), or which queries have large outputs (columns)',
      )
        .choices(['causal', 'rows', 'later', 'both', 'columns'])
        .default('causal'),
    )
    .option('--k <rows>', 'how many large outputs of a column to find, for --task columns', wholeNumber(1))
    .option('--apart', 'keys and values come apart: this needs a sketch of both')
    .option(
      '--budget <bytes>',
      'most bytes that a head may hold, or a share such as 1/8 of its float32 cache',
      budgetValue,
    )
    .option('--scale <s>', 'factor inside exp (default: 1/sqrt(d))', scaleNumber)
    .option(
      '--pilot <rows>',
      'how many first rows to look at: every method is run on them',
      wholeNumber(32, 65536),
      4096,
    )
    .option('--seed <n>', 'seed of the sketches', wholeNumber(0), 0)
    .option('--heads <names>', 'with --model: key heads, as 0.1,2.0 (default: all without a window)', list)
    .option('--out <file>', 'with --model: file for the recipes (default: sublinear-recipes.json in the folder)')
    .option('--json', 'print the plan as one JSON object, from which createStream makes a stream')
    .option('--quiet', 'show no progress')
    .action(() => {
      const files = headFilesIfAny(command)
      const flags = command.opts<Options & Partial<PlanModelFlags>>()
      if (flags.model === undefined) return run(files, flags, interrupt)
      if (files) command.error('error: plan takes files or --model, not both')
      const known = ['radius', 'd', 'dv', 'scale', 'softcap', 'sink', 'apart', 'k'].find((name) =>
        Object.hasOwn(flags, name),
      )
      if (known !== undefined) command.error(`error: --${known} is of the model, not for --model`)
      return planModel(flags as PlanModelFlags, interrupt)
    })
}

type Question = Omit<PlanOptions, 'methods'>

async function run(files: HeadFiles | undefined, options: Options, interrupt: AbortSignal): Promise<void> {
  const question = await planOptions(files, options)
  const bar = progressBar('trying methods', 100, options.quiet || options.json, 'steps')
  const made = await plan({
    ...question,
    signal: interrupt,
    onProgress: ({ round, rounds, done, candidates }) =>
      bar.update(Math.floor((100 * (round + done / candidates)) / rounds)),
  }).finally(() => bar.stop())
  if (options.json) console.log(JSON.stringify(made))
  else print(made)
  if (made.verdict !== 'ok') process.exitCode = NOT_WORTHWHILE
}

async function planOptions(files: HeadFiles | undefined, options: Options): Promise<Question> {
  const { radius } = options
  if (!files) {
    if (radius === undefined || options.tokens === undefined || options.d === undefined)
      throw new RangeError('plan needs queries, keys and values, or --radius, --tokens and --d')
    const { d, tokens, dv = d } = options
    return { ...shared(options, tokens, d, dv), tokens, d, dv, radius }
  }
  if (radius !== undefined) throw new RangeError('plan takes files or --radius, not both')
  return withInputs([files.queries, files.keys, files.values] as const, async (...rows) => {
    const tokens = options.tokens ?? rows[1].rows
    const [d, dv] = [rows[1].cols, rows[2].cols]
    for (const [name, asked, found] of [
      ['d', options.d, d],
      ['dv', options.dv, dv],
    ] as const) {
      if (asked !== undefined && asked !== found) throw new RangeError(`--${name} is ${asked}, the files have ${found}`)
    }
    if (rows[1].rows !== rows[2].rows) throw new RangeError(`keys have ${rows[1].rows} rows, values ${rows[2].rows}`)
    const [asked, own, said] = await Promise.all(rows.map((file) => firstRows(file, options.pilot)))
    return { ...shared(options, tokens, d, dv), tokens, d, dv, pilot: { queries: asked, keys: own, values: said } }
  })
}

function shared(
  { epsilon, delta, task, k, apart, budget: limit, scale, softcap, sink, seed }: Options,
  tokens: number,
  d: number,
  dv: number,
) {
  const budget = typeof limit === 'string' ? budgetBytes(limit, 4 * (d + dv) * tokens) : limit
  const together = !apart
  // Where keys and values come apart, nothing can be asked before all have come.
  const own: Task = apart && task === 'causal' ? 'rows' : task
  const asked = epsilon ?? (budget === undefined ? 0.1 : undefined)
  return {
    ...(asked !== undefined && { epsilon: asked }),
    ...(budget !== undefined && { budgetBytes: budget }),
    delta,
    task: own,
    keysAndValuesTogether: together,
    scale: scale ?? 1 / Math.sqrt(d),
    softcap,
    sinkLogit: sink?.length === 1 ? sink[0] : sink,
    seed,
    ...(k !== undefined && { k }),
  }
}

/** Reads the first `count` rows of a file, or all. */
async function firstRows(file: Rows, count: number): Promise<Matrix> {
  for await (const block of file.blocks(Math.min(count, file.rows))) return block
  return { rows: 0, cols: file.cols, data: new Float32Array(0) }
}

const number = (x: number) => String(Number(x.toPrecision(3)))

function print(made: Plan): void {
  const { cost, error, baselines, pilot, unit, evidence } = made
  const of = unit === 'relative' ? 'of the output' : 'of max |v|, at most'
  const term = (name: string, x = 0) => (x > 0 ? [`${name} ${number(x)}`] : [])
  const terms = [
    ...term('polynomial', error.polynomial),
    ...term('Psi', error.psi),
    ...term('Phi', error.phi),
    ...term('float32', error.float32),
  ]
  const from = { certified: 'for all data', predicted: 'by formulas from the pilot', measured: 'on the pilot' }[
    evidence
  ]
  const parts = Object.entries(cost.parts).map(([name, bytes]) => `${name} ${bytesText(bytes)}`)
  const rows = [
    ['method', made.name === made.method ? made.method : `${made.method}: ${made.name}`],
    ['holds', parts.length > 1 ? `${bytesText(cost.bytes)}: ${parts.join(', ')}` : bytesText(cost.bytes)],
    [
      'a cache holds',
      `${bytesText(cost.cache.float32)} in float32, ${bytesText(cost.cache.float16)} in float16: this is ${shareText(cost.bytes, cost.cache.float32)} and ${shareText(cost.bytes, cost.cache.float16)}`,
    ],
    ['pays from', `${cost.breakEven.float32} tokens on, or ${cost.breakEven.float16} against float16`],
    ['error', `${number(error.total)} ${of}, ${evidence} ${from}${terms.length > 0 ? `: ${terms.join(', ')}` : ''}`],
    [
      'without a method',
      `answering 0: ${number(baselines.zero)}, the mean of the values: ${number(baselines.average)}`,
    ],
    ...(pilot
      ? [
          [
            'pilot',
            `${pilot.tokens} tokens, ${pilot.queries} queries: scores spread ${number(pilot.scoreSpread)}, largest ${number(pilot.radius)}, ${number(pilot.directions)} directions of keys`,
          ],
        ]
      : []),
    ['verdict', `${made.verdict}, by ${made.decides}`],
  ]
  const asked = made.epsilon === null ? `budget ${bytesText(made.budgetBytes!)}` : `epsilon ${number(made.epsilon)}`
  console.log(
    tableText([{ head: 'plan' }, { head: `${made.tokens} tokens, ${asked}, task ${made.task}` }], rows, outputWidth()),
  )
  console.log(`\n${paragraph(made.advice, outputWidth())}`)
  const tried = made.considered.filter(({ error }) => error !== null).slice(0, SHOWN)
  console.log(
    `\n${tableText(
      [
        { head: 'tried' },
        { head: 'evidence' },
        { head: 'bytes', align: 'right' },
        { head: 'error', align: 'right' },
        { head: 'tokens', align: 'right' },
      ],
      tried.map((one) => [one.name, one.evidence, bytesText(one.bytes!), number(one.error!), lookedAt(one, made)]),
      outputWidth(),
    )}`,
  )
  const more = made.considered.length - tried.length
  if (more > 0) console.log(`\n${more} more were tried, dropped early, too large or left out (--json has all)`)
}

/** The number of the pilot's tokens over which an error was measured. */
function lookedAt({ evidence, droppedAt }: Considered, { error }: Plan): string {
  return evidence === 'measured' ? String(droppedAt ?? error.tokens ?? '') : ''
}

function fraction(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !(value > 0 && value < 1))
    throw new InvalidArgumentError('must be a number > 0 and below 1.')
  return value
}

function atLeastZero(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !(value >= 0 && value <= 256))
    throw new InvalidArgumentError('must be a number from 0 to 256.')
  return value
}
