import { attend, heads, MOST_DEGREE, type Matrix } from '@sublinear/attention'
import { writeRows, type Rows } from '@sublinear/io/node'
import { Command, Option } from 'commander'
import { stat } from 'node:fs/promises'
import { checkAgainstExact } from './check-against-exact'
import { isWorthwhile, verdict } from './errors'
import { withInputs } from './open-input'
import { scaleNumber, wholeNumber } from './options'
import { progressBar } from './progress'
import { bytesText, rateText, shareText } from './report'
import { countersText, detailsOf, makeStream, meanRow, STREAMS, type HeadShape, type StreamChoice } from './streams'

interface AttendOptions extends StreamChoice {
  readonly queries: string
  readonly keys: string
  readonly values: string
  readonly out: string
  readonly scale?: number
  readonly full?: boolean
  readonly heads: number
  readonly kvHeads?: number
  readonly centre: number
  readonly check?: boolean
  readonly json?: boolean
  readonly quiet?: boolean
}

const NOT_WORTHWHILE = 3
/** Rows read at once from each file. */
const BLOCK = 1024

export function attendCommand(interrupt: AbortSignal): Command {
  return new Command('attend')
    .description('Attention over files of any length in one pass and bounded memory')
    .requiredOption(
      '--queries <file>',
      'rows of the queries: q.npy, q.npy[layer,head] of a 4-D array, or x.safetensors:tensor[layer,head]',
    )
    .requiredOption('--keys <file>', 'rows of the keys')
    .requiredOption('--values <file>', 'rows of the values')
    .requiredOption('--out <file>', 'the answers, written as float32 .npy; replaced only when complete')
    .addOption(new Option('--stream <kind>', 'what remembers the tokens').choices(STREAMS).default('feature'))
    .option('--degree <g>', 'degree of the feature stream: memory grows as C(d + g, g)', wholeNumber(0, MOST_DEGREE), 2)
    .option(
      '--hold <tokens>',
      'how many tokens window (beside 4 sinks) or far+closure hold exactly; auto holds as many bytes',
      wholeNumber(1),
      256,
    )
    .option(
      '--centre <rows>',
      'subtract the mean of this many first keys, read ahead: earlier answers then depend on them, as far as they are approximate (0: none)',
      wholeNumber(0),
      256,
    )
    .option('--scale <s>', 'factor inside exp (default: 1/sqrt(d))', scaleNumber)
    .option('--full', 'every query sees all tokens (default: causal, query i sees tokens 0 to i)')
    .option('--heads <n>', 'query heads side by side in a row', wholeNumber(1), 1)
    .option('--kv-heads <n>', 'key and value heads side by side in a row (default: as many as --heads)', wholeNumber(1))
    .option('--check', 'replay up to 1024 rows against exact attention; exit code 3 when averaging would do as well')
    .option('--json', 'print one JSON object')
    .option('--quiet', 'print nothing but errors')
    .action((options: AttendOptions) =>
      withInputs([options.queries, options.keys, options.values] as const, (queries, keys, values) =>
        attendFiles({ queries, keys, values }, options, interrupt),
      ),
    )
}

interface Inputs {
  readonly queries: Rows
  readonly keys: Rows
  readonly values: Rows
}

async function attendFiles(inputs: Inputs, options: AttendOptions, interrupt: AbortSignal): Promise<void> {
  const { queries, keys, values } = inputs
  const shape = headShape(inputs, options)
  const kvHeads = options.kvHeads ?? options.heads
  const causal = !options.full
  if (keys.rows !== values.rows) throw new RangeError(`keys have ${keys.rows} rows, values ${values.rows}`)
  if (causal && queries.rows !== keys.rows) {
    throw new RangeError(
      `causal attention needs a query for each key: ${queries.rows} queries, ${keys.rows} keys (see --full)`,
    )
  }
  await refuseInputs(options)
  const pilot = await firstRows(keys, options.centre)
  const stream = heads({
    queryHeads: options.heads,
    kvHeads,
    make: (h) => makeStream(options, shape, meanRow(pilot, h * shape.d, shape.d)),
  })

  const bar = progressBar('attending', keys.rows, options.quiet || options.json)
  const out = await writeRows(options.out, options.heads * shape.dv)
  const cpu = process.cpuUsage()
  try {
    const blocks = attend({
      queries: queries.blocks(BLOCK),
      keys: keys.blocks(BLOCK),
      values: values.blocks(BLOCK),
      stream,
      causal,
      signal: interrupt,
      onProgress: ({ tokens }) => bar.update(tokens),
    })
    for await (const block of blocks) await out.write(block)
    await out.close()
  } catch (error) {
    await out.abort()
    throw error
  } finally {
    bar.stop()
  }
  const { user, system } = process.cpuUsage(cpu)

  const cache = 4 * keys.rows * (keys.cols + values.cols)
  const errors = options.check
    ? await checkAgainstExact({
        ...inputs,
        out: options.out,
        ...shape,
        queryHeads: options.heads,
        kvHeads,
        causal,
        signal: interrupt,
      })
    : undefined
  const tokensPerSecond = keys.rows / ((user + system) / 1e6)
  if (options.json) {
    console.log(
      JSON.stringify({
        tokens: keys.rows,
        kind: options.stream,
        ...detailsOf(options),
        bytes: stream.bytes,
        cacheBytes: cache,
        tokensPerSecond,
        counters: stream.counters,
        ...errors,
      }),
    )
  } else if (!options.quiet) {
    console.log(`${keys.rows} tokens, ${rateText(tokensPerSecond)} tokens/s; answers in ${options.out}`)
    console.log(
      `held ${bytesText(stream.bytes)}, the exact cache would hold ${bytesText(cache)} (${shareText(stream.bytes, cache)})`,
    )
    if (stream.bytes >= cache && options.stream !== 'exact') {
      console.log('at this length the exact cache is smaller: --stream exact gives exact answers for less')
    }
    for (const line of countersText(stream.counters, queries.rows * options.heads)) console.log(line)
    if (errors) {
      console.log(
        `relative error ${errors.error.toPrecision(3)} (zero vector ${errors.zero}, uniform attention ${errors.uniform.toPrecision(3)})`,
      )
      console.log(verdict(errors, stream.bytes / cache))
    }
  }
  if (errors && !isWorthwhile(errors) && errors.error > 0) process.exitCode = NOT_WORTHWHILE
}

/** Widths of one head from the widths of the files. */
function headShape({ queries, keys, values }: Inputs, { heads, kvHeads = heads, scale }: AttendOptions): HeadShape {
  const d = width('keys', keys.cols, kvHeads)
  if (width('queries', queries.cols, heads) !== d) {
    throw new RangeError(
      `queries have ${queries.cols} columns for ${heads} heads, keys ${keys.cols} for ${kvHeads}: the widths differ`,
    )
  }
  return { d, dv: width('values', values.cols, kvHeads), scale: scale ?? 1 / Math.sqrt(d) }
}

function width(name: string, cols: number, count: number): number {
  if (cols % count !== 0) throw new RangeError(`${name} have ${cols} columns, which ${count} heads do not divide`)
  return cols / count
}

/** Writing over an input would lose it, and read half-written rows. */
async function refuseInputs({ out, queries, keys, values }: AttendOptions): Promise<void> {
  const target = await stat(out).catch(() => undefined)
  if (!target) return
  for (const input of [queries, keys, values]) {
    const file = await stat(input.replace(/(\.safetensors):.*$/s, '$1').replace(/\[[\d, ]*\]$/, '')).catch(
      () => undefined,
    )
    if (file && file.dev === target.dev && file.ino === target.ino) {
      throw new RangeError(`--out ${out} is one of the inputs, ${input}`)
    }
  }
}

async function firstRows(file: Rows, rows: number): Promise<Matrix> {
  if (rows > 0) for await (const block of file.blocks(rows)) return block
  return { rows: 0, cols: file.cols, data: new Float32Array(0) }
}
