import type { Matrix } from '@sublinear/core'
import { writeRows, type RowWriter } from '@sublinear/io/node'
import { Command } from 'commander'
import { attendHead, type Held } from './attend-head'
import { checkAgainstExact } from './check-against-exact'
import { countersText } from './counters-text'
import { checkErrorText, isSurelyWorthwhile, verdict, type SampledErrors } from './errors'
import { headsOf, type HeadFiles, type LocatedHead } from './head-files'
import { featuresOf, placeInArray, withFeatures, type FeatureFlags } from './head-features'
import { headFilesOf, withHeadFiles } from './head-options'
import { recipeWithBars, sizingWithBars, withBars } from './measured-bars'
import { isPath, methodNamed } from './methods'
import { withInputs } from './open-input'
import { scaleNumber, wholeNumber } from './options'
import { refuseOutputs } from './outputs'
import { progressBar } from './progress'
import { readRecipe } from './recipe'
import { bytesText, rateText, shareText } from './report'
import { sizing, withSizedStream, type SizeFlags } from './sizing'

interface AttendOptions extends SizeFlags, FeatureFlags {
  readonly recipe?: string
  readonly out: string
  readonly errorBars?: string
  readonly scale?: number
  readonly full?: boolean
  readonly heads: number
  readonly kvHeads?: number
  readonly check?: boolean
  readonly json?: boolean
  readonly quiet?: boolean
}

const NOT_WORTHWHILE = 3

export function attendCommand(interrupt: AbortSignal): Command {
  const command = new Command('attend').description(
    'Computes attention over files of any length, in one pass and bounded memory; for an array with more axes all heads, one after another',
  )
  withHeadFiles(command).requiredOption(
    '--out <file>',
    'file for the answers, a float32 .npy in the shape of the queries; it is replaced only when it is complete',
  )
  return withFeatures(withSizedStream(command, 'taylor'))
    .option('--recipe <file>', 'method and options from a file of `plan --json`, in place of --stream and its size')
    .option(
      '--error-bars <file>',
      'file for the standard errors of the answers, a .npy in the shape of --out, with -1 in rows without one; exact, reservoir and auto have their own, those of all others are measured by tokens that are held out',
    )
    .option('--scale <s>', 'factor inside exp (default: 1/sqrt(d))', scaleNumber)
    .option('--full', 'every query sees all tokens (default: causal, query i sees tokens 0 to i)')
    .option('--heads <n>', 'query heads side by side in a row', wholeNumber(1), 1)
    .option('--kv-heads <n>', 'key and value heads side by side in a row (default: as many as --heads)', wholeNumber(1))
    .option(
      '--check',
      'compare up to 1024 rows of a head, among them those with the largest queries, with exact attention; exit code 3 if averaging would do as well',
    )
    .option('--json', 'print one JSON object')
    .option('--quiet', 'print nothing but errors')
    .action(() => {
      const { recipe, stream, hold, budget, degree } = command.opts<AttendOptions>()
      const sized = command.getOptionValueSource('stream') !== 'default' || (hold ?? budget ?? degree) !== undefined
      if (recipe !== undefined && sized)
        command.error(`error: --recipe ${recipe} says what the stream is: leave out --stream ${stream} and its size`)
      return attendFiles(headFilesOf(command), command.opts<AttendOptions>(), interrupt)
    })
}

type Attended = Held & { readonly head: LocatedHead; readonly errors?: SampledErrors }

async function attendFiles(files: HeadFiles, options: AttendOptions, signal: AbortSignal): Promise<void> {
  const { out: path, errorBars, heads, kvHeads = heads, pilot, scale, full, recipe } = options
  const modules = isPath(options.stream) ? [options.stream] : []
  await refuseOutputs(
    [{ flag: '--out', path }, ...(errorBars === undefined ? [] : [{ flag: '--error-bars', path: errorBars }])],
    [files.queries, files.keys, files.values, ...modules, ...(recipe === undefined ? [] : [recipe])],
  )
  const located = await headsOf(files)
  const { method, sizeOf } = await sizedMethod(options)

  const bar = progressBar('attending', located.length, options.quiet || options.json, 'tokens')
  let out: RowWriter | undefined
  const writer = async (cols: number) => (out ??= await writeRows(path, cols, { lead: located[0].lead }))
  let bars: RowWriter | undefined
  const onErrors = async (errors: Matrix) =>
    (bars ??= await writeRows(errorBars!, errors.cols, { lead: located[0].lead })).write(errors)
  const cpu = process.cpuUsage()
  const held: Attended[] = []
  try {
    for (const [h, head] of located.entries()) {
      const found = await withInputs([head.queries, head.keys, head.values] as const, (queries, keys, values) => {
        bar.resize(located.length * keys.rows)
        const asked = {
          method,
          sizeOf,
          heads,
          kvHeads,
          causal: !full,
          pilot,
          signal,
          featuresOf: featuresIn(head, options),
          ...(scale && { scale }),
          ...(errorBars !== undefined && { onErrors }),
        }
        const onProgress = (tokens: number) => bar.update(h * keys.rows + tokens)
        return attendHead({ queries, keys, values }, { ...asked, ...placeOf(head), onProgress }, writer)
      })
      held.push({ ...found, head })
    }
    await out?.close()
    await bars?.close()
  } catch (error) {
    await out?.abort()
    await bars?.abort()
    throw error
  } finally {
    bar.stop()
  }
  const { user, system } = process.cpuUsage(cpu)
  const checked: Attended[] = []
  for (const one of held) checked.push(options.check ? { ...one, errors: await errorsOf(one, options, signal) } : one)

  report(
    checked,
    method.name,
    located.reduce((sum, _, h) => sum + held[h].tokens, 0) / ((user + system) / 1e6),
    options,
  )
  if (checked.some(({ errors }) => errors && isSurelyWorthwhile(errors) !== true && errors.error > 0))
    process.exitCode = NOT_WORTHWHILE
}

/** The method that the flags name, and its sizes; with error bars where they are asked for. */
async function sizedMethod({ recipe, errorBars, ...flags }: AttendOptions) {
  const isBarred = errorBars !== undefined
  if (recipe !== undefined) {
    const { method, sizeOf } = readRecipe(recipe)
    return isBarred ? recipeWithBars(method, sizeOf) : { method, sizeOf }
  }
  const method = await methodNamed(flags.stream)
  return isBarred
    ? { method: withBars(method), sizeOf: sizingWithBars(method, flags) }
    : { method, sizeOf: sizing(method, flags) }
}

/** Layer and head of a matrix in an array of four axes, since methods such as pyramidKv give layers different bytes. */
function placeOf({ index, lead }: LocatedHead) {
  if (lead.length !== 2) return {}
  return { place: { layer: index[0], layers: lead[0], head: index[1], heads: lead[1] } }
}

/** Features of the key heads of an array's matrix: heads side by side in a row come after those of the axes. */
function featuresIn(head: LocatedHead, { heads, kvHeads = heads, softcap, sink }: AttendOptions) {
  const { at, all } = placeInArray(head)
  const groups = heads / kvHeads
  const flags = { ...(softcap !== undefined && { softcap }), ...(sink && { sink }) }
  return (kvHead: number) => featuresOf(flags, { first: at * heads + kvHead * groups, groups, all: all * heads })
}

function errorsOf({ head, shape }: Attended, options: AttendOptions, signal: AbortSignal): Promise<SampledErrors> {
  const { out, heads: queryHeads, kvHeads = queryHeads, full } = options
  const at = head.index.length === 0 ? out : `${out}[${head.index.join(',')}]`
  return withInputs([head.queries, head.keys, head.values] as const, (queries, keys, values) =>
    checkAgainstExact({
      ...shape,
      features: Array.from({ length: kvHeads }, (_, h) => featuresIn(head, options)(h)),
      queries,
      keys,
      values,
      out: at,
      queryHeads,
      kvHeads,
      causal: !full,
      signal,
    }),
  )
}

function report(all: readonly Attended[], stream: string, tokensPerSecond: number, options: AttendOptions): void {
  const { json, quiet, out, recipe, errorBars } = options
  const [first] = all
  const total = (of: (one: Held) => number) => all.reduce((sum, one) => sum + of(one), 0)
  const [bytes, cacheBytes] = [total((one) => one.bytes), total((one) => one.cacheBytes)]
  const counters: Record<string, number> = {}
  for (const one of all)
    for (const [name, count] of Object.entries(one.counters)) counters[name] = (counters[name] ?? 0) + count
  const { tokens, details } = first
  if (json) {
    const unbarred = errorBars !== undefined && { rowsWithoutBars: total(({ flagged = 0 }) => flagged) }
    const common = { tokens, stream, ...details, bytes, cacheBytes, tokensPerSecond, counters, ...unbarred }
    const heads = all.map(({ head, errors, ...own }) => ({ head: head.name, bytes: own.bytes, ...errors }))
    return console.log(JSON.stringify(all.length === 1 ? { ...common, ...first.errors } : { ...common, heads }))
  }
  if (quiet) return
  const of = all.length > 1 ? `${all.length} heads of ${tokens} tokens` : `${tokens} tokens`
  console.log(`${of}, ${rateText(tokensPerSecond)} tokens/s; answers in ${out}`)
  if (errorBars !== undefined)
    console.log(
      `standard errors${stream.endsWith('measured') ? ', measured by held-out tokens,' : ''} in ${errorBars}; rows without one: ${total(({ flagged = 0 }) => flagged)} of ${total(({ answers }) => answers)}`,
    )
  if (stream === 'exact') console.log(`held ${bytesText(bytes)}: the exact cache itself`)
  else
    console.log(
      `held ${bytesText(bytes)}, the exact cache would hold ${bytesText(cacheBytes)} (${shareText(bytes, cacheBytes)})`,
    )
  if (bytes >= cacheBytes && stream !== 'exact' && recipe === undefined)
    console.log('at this length the exact cache is smaller: --stream exact gives exact answers for less')
  for (const line of countersText(
    counters,
    total(({ answers }) => answers),
  ))
    console.log(line)
  for (const { head, errors, ...own } of all) {
    if (!errors) continue
    const name = all.length > 1 ? `head ${head.name}: ` : ''
    console.log(`${name}${checkErrorText(errors)}`)
    console.log(`${name}${verdict(errors, own.bytes / own.cacheBytes)}`)
  }
}
