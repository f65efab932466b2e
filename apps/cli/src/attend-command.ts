import { attend, layer } from '@sublinear/attention'
import { checkKeys, checkValues, type Matrix, type Pilot, type Shape } from '@sublinear/core'
import { writeRows, type Rows } from '@sublinear/io/node'
import { Command } from 'commander'
import { checkAgainstExact } from './check-against-exact'
import { countersText } from './counters-text'
import { interval, isSurelyWorthwhile, verdict, type SampledErrors } from './errors'
import { isPath, methodNamed } from './methods'
import { withInputs } from './open-input'
import { scaleNumber, wholeNumber } from './options'
import { refuseOutputs } from './outputs'
import { progressBar } from './progress'
import { bytesText, rateText, shareText } from './report'
import { sizing, withSizedStream, type Sized, type SizeFlags } from './sizing'

interface AttendOptions extends SizeFlags {
  readonly queries: string
  readonly keys: string
  readonly values: string
  readonly out: string
  readonly scale?: number
  readonly full?: boolean
  readonly heads: number
  readonly kvHeads?: number
  readonly check?: boolean
  readonly json?: boolean
  readonly quiet?: boolean
}

const NOT_WORTHWHILE = 3
/** Rows read at once from each file. */
const BLOCK = 1024

export function attendCommand(interrupt: AbortSignal): Command {
  const command = new Command('attend')
    .description('Attention over files of any length in one pass and bounded memory')
    .requiredOption(
      '--queries <file>',
      'rows of the queries: q.npy, q.npy[layer,head] of a 4-D array, or x.safetensors:tensor[layer,head]',
    )
    .requiredOption('--keys <file>', 'rows of the keys')
    .requiredOption('--values <file>', 'rows of the values')
    .requiredOption('--out <file>', 'the answers, written as float32 .npy; replaced only when complete')
  return withSizedStream(command, 'taylor')
    .option('--scale <s>', 'factor inside exp (default: 1/sqrt(d))', scaleNumber)
    .option('--full', 'every query sees all tokens (default: causal, query i sees tokens 0 to i)')
    .option('--heads <n>', 'query heads side by side in a row', wholeNumber(1), 1)
    .option('--kv-heads <n>', 'key and value heads side by side in a row (default: as many as --heads)', wholeNumber(1))
    .option(
      '--check',
      'hold up to 1024 rows, those with the largest queries among them, against exact attention; exit code 3 when averaging would do as well',
    )
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
  const own = isPath(options.stream) ? [options.stream] : []
  await refuseOutputs([{ flag: '--out', path: options.out }], [options.queries, options.keys, options.values, ...own])
  const method = await methodNamed(options.stream)
  const sized = await sizedHeads(inputs, options, shape, sizing(method, options))
  const stream = layer({ queryHeads: options.heads, kvHeads, make: (h) => method.make(shape, sized[h].options) })

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
        ...shape,
        ...inputs,
        out: options.out,
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
        stream: method.name,
        ...sized[0].details,
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
    if (stream.bytes >= cache && method.name !== 'exact') {
      console.log('at this length the exact cache is smaller: --stream exact gives exact answers for less')
    }
    for (const line of countersText(stream.counters, queries.rows * options.heads)) console.log(line)
    if (errors) {
      console.log(errorText(errors))
      console.log(verdict(errors, stream.bytes / cache))
    }
  }
  if (errors && isSurelyWorthwhile(errors) !== true && errors.error > 0) process.exitCode = NOT_WORTHWHILE
}

/** The errors of a check, and what they were computed from. */
function errorText(errors: SampledErrors): string {
  const { error, zero, uniform, errorInterval, rowsLookedAt, rows, largest } = errors
  const others = `zero vector ${zero}, uniform attention ${uniform.toPrecision(3)}`
  if (rowsLookedAt === rows) return `relative error ${error.toPrecision(3)} over all ${rows} rows (${others})`
  const of = `${rowsLookedAt} of ${rows} rows, the ${largest} with the largest queries among them`
  return `relative error ${error.toPrecision(3)} over ${of} (${interval(errorInterval)}; ${others})`
}

/** Widths of one head from the widths of the files. */
function headShape({ queries, keys, values }: Inputs, { heads, kvHeads = heads, scale }: AttendOptions): Shape {
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

/** Options of the method for every key-value head, each with its own columns of the first rows. */
async function sizedHeads(
  { queries, keys, values }: Inputs,
  { heads, kvHeads = heads, pilot: rows }: AttendOptions,
  shape: Shape,
  sizeOf: ReturnType<typeof sizing>,
): Promise<Sized[]> {
  const groups = heads / kvHeads
  const first = {
    queries: await firstRows(queries, rows),
    keys: await firstRows(keys, rows),
    values: await firstRows(values, rows),
  }
  checkKeys('attend', 'queries', first.queries)
  checkKeys('attend', 'keys', first.keys)
  checkValues('attend', 'values', first.values)
  const pilotOf = (h: number): Pilot => {
    const asked = columns(first.queries, h * groups * shape.d, groups * shape.d)
    return {
      queries: { rows: asked.rows * groups, cols: shape.d, data: asked.data },
      keys: columns(first.keys, h * shape.d, shape.d),
      values: columns(first.values, h * shape.dv, shape.dv),
    }
  }
  return Array.from({ length: kvHeads }, (_, h) => {
    const place = { layer: 0, layers: 1, head: h, heads: kvHeads }
    return sizeOf(shape, { tokens: keys.rows, groups, place }, first.keys.rows > 0 ? pilotOf(h) : undefined)
  })
}

async function firstRows(file: Rows, rows: number): Promise<Matrix> {
  if (rows > 0) for await (const block of file.blocks(rows)) return block
  return { rows: 0, cols: file.cols, data: new Float32Array(0) }
}

function columns({ rows, cols, data }: Matrix, first: number, count: number): Matrix {
  const out = new Float32Array(rows * count)
  for (let r = 0; r < rows; r++) out.set(data.subarray(r * cols + first, r * cols + first + count), r * count)
  return { rows, cols: count, data: out }
}
