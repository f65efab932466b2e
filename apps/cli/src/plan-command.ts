import { matrix, plan, type Matrix, type Plan, type PlanOptions, type Task } from '@sublinear/attention'
import type { Rows } from '@sublinear/io/node'
import { Command, InvalidArgumentError, Option } from 'commander'
import { withInputs } from './open-input'
import { scaleNumber, wholeNumber } from './options'
import { progressBar } from './progress'
import { bytesText, outputWidth, paragraph, shareText, tableText } from './report'

interface Options {
  readonly queries?: string
  readonly keys?: string
  readonly values?: string
  readonly radius?: number
  readonly tokens?: number
  readonly d?: number
  readonly dv?: number
  readonly epsilon: number
  readonly delta: number
  readonly task: Task
  readonly k?: number
  readonly apart?: boolean
  readonly budget?: number
  readonly scale?: number
  readonly pilot: number
  readonly seed: number
  readonly json?: boolean
  readonly quiet?: boolean
}

const NOT_WORTHWHILE = 3
const BLOCK = 4096

export function planCommand(interrupt: AbortSignal): Command {
  return new Command('plan')
    .description('Which summary answers within an error, in how many bytes, and whether keeping the tokens is cheaper')
    .option('--queries <file>', 'rows of the queries, as for attend: with keys and values, the pilot')
    .option('--keys <file>', 'rows of the keys')
    .option('--values <file>', 'rows of the values')
    .option('--radius <r>', 'without files: bound on |scale * <q, k - centre>|', atLeastZero)
    .option('--tokens <n>', 'length of the stream (default: rows of the keys)', wholeNumber(1))
    .option('--d <width>', 'width of keys and queries (default: of the files)', wholeNumber(1))
    .option('--dv <width>', 'width of values (default: of the files, or --d)', wholeNumber(1))
    .option('--epsilon <e>', 'error asked for: of the outputs with files, of max |v| with a radius', fraction, 0.1)
    .option('--delta <p>', 'failure probability over the sketch, with a radius', fraction, 0.01)
    .addOption(
      new Option('--task <kind>', 'every token asks, queries come last, or which queries have large outputs')
        .choices(['causal', 'rows', 'columns'])
        .default('causal'),
    )
    .option('--k <rows>', 'how many large outputs of a column, for --task columns', wholeNumber(1))
    .option('--apart', 'keys and values come apart: needs a sketch of both')
    .option('--budget <bytes>', 'most bytes that may be held', wholeNumber(1))
    .option('--scale <s>', 'factor inside exp (default: 1/sqrt(d))', scaleNumber)
    .option('--pilot <rows>', 'rows looked at, evenly spaced over the files', wholeNumber(32, 65536), 512)
    .option('--seed <n>', 'decides the sketches', wholeNumber(0), 0)
    .option('--json', 'print the plan as one JSON object: what createStream builds')
    .option('--quiet', 'show no progress')
    .action((options: Options) => run(options, interrupt))
}

async function run(options: Options, interrupt: AbortSignal): Promise<void> {
  const made = plan(await planOptions(options, interrupt))
  if (options.json) console.log(JSON.stringify(made))
  else print(made)
  if (made.verdict !== 'ok') process.exitCode = NOT_WORTHWHILE
}

async function planOptions(options: Options, interrupt: AbortSignal): Promise<PlanOptions> {
  const { queries, keys, values, radius, budget } = options
  const files = [queries, keys, values].filter((file) => file !== undefined)
  if (files.length === 0) {
    if (radius === undefined || options.tokens === undefined || options.d === undefined)
      throw new RangeError('plan needs --queries, --keys and --values, or --radius, --tokens and --d')
    const { d, tokens: n, dv = d } = options
    return { ...shared(options, d), n, d, dv, radius, ...(budget && { budgetBytes: budget }) }
  }
  if (queries === undefined || keys === undefined || values === undefined)
    throw new RangeError('plan needs all of --queries, --keys and --values, or none')
  if (radius !== undefined) throw new RangeError('plan takes files or --radius, not both')
  return withInputs([queries, keys, values] as const, async (...rows) => {
    const n = options.tokens ?? rows[1].rows
    const [d, dv] = [rows[1].cols, rows[2].cols]
    for (const [name, asked, found] of [
      ['d', options.d, d],
      ['dv', options.dv, dv],
    ] as const) {
      if (asked !== undefined && asked !== found) throw new RangeError(`--${name} is ${asked}, the files have ${found}`)
    }
    if (rows[1].rows !== rows[2].rows) throw new RangeError(`keys have ${rows[1].rows} rows, values ${rows[2].rows}`)
    const bar = progressBar(
      'reading',
      rows.reduce((sum, file) => sum + file.rows, 0),
      options.quiet || options.json,
    )
    let before = 0
    const parts: Matrix[] = []
    for (const file of rows) {
      parts.push(await evenly(file, options.pilot, interrupt, (done) => bar.update(before + done)))
      before += file.rows
    }
    bar.stop()
    const pilot = { queries: parts[0]!, keys: parts[1]!, values: parts[2]! }
    return { ...shared(options, d), n, d, dv, pilot, ...(budget && { budgetBytes: budget }) }
  })
}

function shared({ epsilon, delta, task, k, apart, scale, seed }: Options, d: number) {
  const together = !apart
  // Keys and values that come apart cannot be asked about in between.
  const own: Task = apart && task === 'causal' ? 'rows' : task
  return {
    epsilon,
    delta,
    task: own,
    keysAndValuesTogether: together,
    scale: scale ?? 1 / Math.sqrt(d),
    seed,
    ...(k !== undefined && { k }),
  }
}

/** At most `count` rows, evenly spaced over the file. */
async function evenly(
  file: Rows,
  count: number,
  interrupt: AbortSignal,
  progress: (done: number) => void,
): Promise<Matrix> {
  const taken = Math.min(count, file.rows)
  const out = matrix(taken, file.cols)
  let first = 0
  let next = 0
  const wanted = (i: number) => Math.floor((i * file.rows) / taken)
  for await (const block of file.blocks(BLOCK)) {
    interrupt.throwIfAborted()
    for (; next < taken && wanted(next) < first + block.rows; next++) {
      const at = (wanted(next) - first) * file.cols
      out.data.set(block.data.subarray(at, at + file.cols), next * file.cols)
    }
    first += block.rows
    progress(first)
  }
  return out
}

const number = (x: number) => String(Number(x.toPrecision(3)))

function print(made: Plan): void {
  const { cost, error, baselines, pilot, unit } = made
  const of = unit === 'relative' ? 'of the output' : 'of max |v|, at most'
  const term = (name: string, x: number) => (x > 0 ? [`${name} ${number(x)}`] : [])
  const parts = Object.entries(cost.parts).map(([name, bytes]) => `${name} ${bytesText(bytes)}`)
  const rows = [
    [
      'stream',
      `${made.stream.name}${made.stream.psi ? `, ${made.stream.psi.kind} Psi of ${made.stream.psi.m} rows` : ''}`,
    ],
    ['holds', `${bytesText(cost.bytes)}: ${parts.join(', ')}`],
    [
      'a cache holds',
      `${bytesText(cost.cache.float32)} in float32, ${bytesText(cost.cache.float16)} in float16: this is ${shareText(cost.bytes, cost.cache.float32)} and ${shareText(cost.bytes, cost.cache.float16)}`,
    ],
    ['pays from', `${cost.breakEven.float32} tokens on, or ${cost.breakEven.float16} against float16`],
    [
      'error',
      `${number(error.total)} ${of}: ${[...term('polynomial', error.polynomial), ...term('Psi', error.psi), ...term('Phi', error.phi), ...term('float32', error.float32)].join(', ') || 'none'}`,
    ],
    [
      'without a summary',
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
  const head = `${made.n} tokens, epsilon ${number(made.epsilon)}, task ${made.task}`
  console.log(tableText([{ head: 'plan' }, { head }], rows, outputWidth()))
  console.log(`\n${paragraph(made.advice, outputWidth())}`)
  console.log(
    `\n${tableText(
      [{ head: 'tried' }, { head: 'bytes', align: 'right' }, { head: 'error', align: 'right' }],
      made.considered.map(({ name, bytes, error }) => [name, bytesText(bytes), number(error)]),
      outputWidth(),
    )}`,
  )
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
