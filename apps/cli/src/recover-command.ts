import { featureStream, querySketch, sparseRecovery, taylorFeatures } from '@sublinear/attention'
import { checkValues, type SparseVector } from '@sublinear/core'
import type { Rows } from '@sublinear/io/node'
import { MOST_DEGREE } from '@sublinear/poly-features'
import { Command } from 'commander'
import { meanRow } from './mean-row'
import { headFilesOf, withHeadFiles } from './head-options'
import { widthText, withInputs } from './open-input'
import { positiveNumber, scaleNumber, wholeNumber } from './options'
import { exactRows, pickRows } from './exact-rows'
import { progressBar } from './progress'
import { sampleRows } from './row-sample'
import { bytesText, figureText, outputWidth, shareText, tableText } from './report'

interface RecoverOptions {
  readonly rows: number
  readonly epsilon: number
  readonly seed: number
  readonly degree: number
  readonly scale?: number
  readonly centre: number
  readonly json?: boolean
  readonly quiet?: boolean
}

interface Inputs {
  readonly queries: Rows
  readonly keys: Rows
  readonly values: Rows
}

/** Rows that are read at a time from each file. */
const BLOCK = 1024
/** Number of queries whose exact answers show how much there is to find, those with the largest norms among them. */
const SAMPLE = 512
const NOT_SPARSE = 3
/** Share of the energy of a column: where the rows found have less than it, the column is not sparse. */
const SPARSE = 0.5

export function recoverCommand(interrupt: AbortSignal): Command {
  const command = new Command('recover').description(
    'Finds the rows with the largest outputs (with the mean of the values subtracted) among queries that are not stored. A sketch finds them, and a second reading confirms them. Every query sees all keys',
  )
  return withHeadFiles(command)
    .option('--rows <k>', 'how many rows to find in each column of the output', wholeNumber(1), 8)
    .option('--epsilon <e>', 'how much worse than the best k rows the rows found may be', positiveNumber(16), 0.5)
    .option('--seed <n>', 'seed of the sketch', wholeNumber(0), 1)
    .option('--degree <g>', 'degree of the features: memory grows as C(d + g, g)', wholeNumber(0, MOST_DEGREE), 2)
    .option('--centre <rows>', 'subtract the mean of the first N keys, read ahead (0: none)', wholeNumber(0), 256)
    .option('--scale <s>', 'factor inside exp (default: 1/sqrt(d))', scaleNumber)
    .option('--json', 'print one JSON object')
    .option('--quiet', 'show no progress')
    .action(() => {
      const files = headFilesOf(command)
      return withInputs([files.queries, files.keys, files.values] as const, (queries, keys, values) =>
        recover({ queries, keys, values }, command.opts<RecoverOptions>(), interrupt),
      )
    })
}

async function recover(
  { queries, keys, values }: Inputs,
  options: RecoverOptions,
  interrupt: AbortSignal,
): Promise<void> {
  const d = keys.cols
  const n = queries.rows
  if (queries.cols !== d) throw new RangeError(`${widthText('queries', queries)}, keys ${d}`)
  if (keys.rows !== values.rows) throw new RangeError(`keys have ${keys.rows} rows, values ${values.rows}`)
  if (n === 0 || keys.rows === 0)
    throw new RangeError(`there are ${n} queries and ${keys.rows} keys: nothing to recover`)
  const centre = await firstMean(keys, options.centre)
  const scale = options.scale ?? 1 / Math.sqrt(d)
  const features = taylorFeatures({ d, degree: options.degree, scale, ...(centre && { centre }) })
  const phi = sparseRecovery({ n, k: Math.min(options.rows, n), epsilon: options.epsilon, seed: options.seed })
  const stream = featureStream({ features, dv: values.cols })
  const sketched = querySketch({ features, phi })

  const bar = progressBar('reading', keys.rows + n, options.quiet || options.json)
  const sums = new Float64Array(values.cols)
  try {
    for await (const [keyBlock, valueBlock] of pairs(keys, values)) {
      interrupt.throwIfAborted()
      checkValues('recover', 'values', valueBlock)
      for (let i = 0; i < valueBlock.data.length; i++) sums[i % values.cols] += valueBlock.data[i]
      stream.push({ keys: keyBlock, values: valueBlock })
      bar.update(stream.tokens)
    }
    const moments = stream.moments()
    for await (const block of queries.blocks(BLOCK)) {
      interrupt.throwIfAborted()
      sketched.push(block, moments)
      bar.update(keys.rows + sketched.queries)
    }
    // U₂ᵀ(V − v̄): a query that sees all keys alike then has the answer 0, so few rows remain.
    const { state, totals } = moments
    const core = state.map((x, i) => x - (totals[Math.floor(i / sums.length)] * sums[i % sums.length]) / keys.rows)
    const columns = sketched.columns({ rows: features.t, cols: sums.length, data: core })
    const held = stream.bytes + sketched.bytes
    bar.stop()
    const found = await confirmed(columns, { queries, keys, values }, { d, dv: values.cols, scale }, sums, interrupt)
    report(found, {
      bytes: held,
      stored: 4 * (n * d + keys.rows * (d + values.cols)),
      fallbacks: sketched.fallbacks,
      rows: options.rows,
      ...(options.json && { json: true }),
    })
    if (found.energyFound < SPARSE) process.exitCode = NOT_SPARSE
  } finally {
    bar.stop()
  }
}

/** Reads blocks of keys with the values that belong to them. */
async function* pairs(keys: Rows, values: Rows) {
  const others = values.blocks(BLOCK)[Symbol.asyncIterator]()
  try {
    for await (const block of keys.blocks(BLOCK)) {
      const { value } = await others.next()
      yield [block, value!] as const
    }
  } finally {
    await others.return?.(undefined)
  }
}

interface FoundRow {
  readonly row: number
  /** Estimate of the output by the sketch, less the mean of the values. */
  readonly estimate: number
  /** The same number exactly, and the output itself, from a second reading. */
  readonly deviation: number
  readonly value: number
}

interface Found {
  readonly columns: readonly {
    readonly column: number
    readonly mean: number
    /** Share of the column's energy in the rows found; the whole energy is estimated from `rowsLookedAt` queries. */
    readonly energyFound: number
    readonly rows: readonly FoundRow[]
  }[]
  /** Share of the energy over all columns. */
  readonly energyFound: number
  readonly rowsLookedAt: number
  readonly queries: number
  /** Rows found in any column, by the length of their whole output less the mean of the values. */
  readonly largest: readonly { readonly row: number; readonly length: number }[]
}

const share = (some: number, all: number) => (all === 0 ? 1 : some / all)

/** Reads the files again, for the exact outputs of the rows found, and of a sample of all rows. */
async function confirmed(
  columns: readonly SparseVector[],
  files: Inputs,
  shape: { readonly d: number; readonly dv: number; readonly scale: number },
  sums: Float64Array,
  signal: AbortSignal,
): Promise<Found> {
  const sample = await sampleRows(files.queries, SAMPLE, { signal })
  const found = new Set(columns.flatMap(({ indices }) => [...indices]))
  const places = [...new Set([...found, ...sample.places])].toSorted((a, b) => a - b)
  const exact = await exactRows(await pickRows(files.queries, places), files, shape, signal)
  const means = sums.map((sum) => sum / files.keys.rows)
  const off = (row: number, column: number) => exact.data[places.indexOf(row) * shape.dv + column] - means[column]
  const energies = columns.map(({ indices }, column) => {
    const inRows = Array.from(indices, (row) => off(row, column) ** 2).reduce((a, b) => a + b, 0)
    const others = sample.places.reduce(
      (sum, row, i) => sum + (indices.includes(row) ? 0 : sample.weights[i] * off(row, column) ** 2),
      0,
    )
    return { inRows, all: inRows + others }
  })
  const total = (of: (one: (typeof energies)[number]) => number) => energies.reduce((sum, one) => sum + of(one), 0)
  return {
    columns: columns.map(({ indices, values }, column) => ({
      column,
      mean: means[column],
      energyFound: share(energies[column].inRows, energies[column].all),
      rows: Array.from(indices, (row, i) => ({
        row,
        estimate: values[i],
        deviation: off(row, column),
        value: means[column] + off(row, column),
      })).toSorted((a, b) => Math.abs(b.deviation) - Math.abs(a.deviation)),
    })),
    energyFound: share(
      total(({ inRows }) => inRows),
      total(({ all }) => all),
    ),
    rowsLookedAt: sample.places.length,
    queries: files.queries.rows,
    largest: [...found]
      .map((row) => ({ row, length: Math.hypot(...columns.map((_, column) => off(row, column))) }))
      .toSorted((a, b) => b.length - a.length),
  }
}

interface Held {
  readonly bytes: number
  readonly stored: number
  readonly fallbacks: number
  readonly rows: number
  readonly json?: boolean
}

const percent = (share: number) => `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`

function report(found: Found, { bytes, stored, fallbacks, rows: wanted, json }: Held): void {
  if (json) return console.log(JSON.stringify({ ...found, bytes, storedBytes: stored, fallbacks }))
  const right = { align: 'right' as const }
  const table = found.columns.flatMap(({ column, rows }) =>
    rows.map(({ row, value, deviation, estimate }) => [
      String(column),
      String(row),
      figureText(value, 4),
      figureText(deviation, 4),
      figureText(estimate, 4),
    ]),
  )
  const heads = ['column', 'row', 'output', 'minus the mean', 'estimate of that'].map((head) => ({ head, ...right }))
  console.log(tableText(heads, table, outputWidth()))
  const largest = found.largest.slice(0, wanted).map(({ row, length }) => `${row} (${figureText(length)})`)
  console.log(`largest over all columns, by |output minus the mean|: ${largest.join(', ')}`)
  const { energyFound, rowsLookedAt, queries } = found
  const of =
    rowsLookedAt === queries ? `all ${queries} queries` : `estimated from ${rowsLookedAt} of ${queries} queries`
  console.log(`these rows carry ${percent(energyFound)} of the energy (${of})`)
  if (energyFound < SPARSE)
    console.log(
      'columns are not sparse: a few rows do not carry most of the energy, and other rows may be as large as these',
    )
  console.log(
    `held ${bytesText(bytes)}; queries, keys and values are ${bytesText(stored)} (${shareText(bytes, stored)})`,
  )
  if (bytes >= stored) console.log('at this length storing them all is smaller, and exact')
  if (fallbacks > 0)
    console.log(`${fallbacks} queries had no positive mass at this degree and were answered by a lower one`)
}

async function firstMean(keys: Rows, rows: number): Promise<Float32Array | undefined> {
  if (rows > 0) for await (const block of keys.blocks(rows)) return meanRow(block)
  return undefined
}
