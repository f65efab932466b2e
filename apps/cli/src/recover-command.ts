import { featureStream, querySketch, sparseRecovery, taylorFeatures } from '@sublinear/attention'
import { checkValues, type SparseVector } from '@sublinear/core'
import type { Rows } from '@sublinear/io/node'
import { MOST_DEGREE } from '@sublinear/poly-features'
import { Command } from 'commander'
import { meanRow } from './mean-row'
import { withInputs } from './open-input'
import { positiveNumber, scaleNumber, wholeNumber } from './options'
import { progressBar } from './progress'
import { bytesText, outputWidth, shareText, tableText } from './report'

interface RecoverOptions {
  readonly queries: string
  readonly keys: string
  readonly values: string
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

/** Rows read at once from each file. */
const BLOCK = 1024

export function recoverCommand(interrupt: AbortSignal): Command {
  return new Command('recover')
    .description('The rows with the largest outputs, less the mean of the values, among queries that are not stored')
    .requiredOption('--queries <file>', 'rows of the queries, as for attend; every query sees all keys')
    .requiredOption('--keys <file>', 'rows of the keys')
    .requiredOption('--values <file>', 'rows of the values')
    .option('--rows <k>', 'how many rows to find in each column of the output', wholeNumber(1), 8)
    .option('--epsilon <e>', 'how much worse than the best k rows the found ones may be', positiveNumber(16), 0.5)
    .option('--seed <n>', 'decides the sketch', wholeNumber(0), 1)
    .option('--degree <g>', 'degree of the features: memory grows as C(d + g, g)', wholeNumber(0, MOST_DEGREE), 2)
    .option('--centre <rows>', 'subtract the mean of this many first keys (0: none)', wholeNumber(0), 256)
    .option('--scale <s>', 'factor inside exp (default: 1/sqrt(d))', scaleNumber)
    .option('--json', 'print one JSON object')
    .option('--quiet', 'show no progress')
    .action((options: RecoverOptions) =>
      withInputs([options.queries, options.keys, options.values] as const, (queries, keys, values) =>
        recover({ queries, keys, values }, options, interrupt),
      ),
    )
}

async function recover(
  { queries, keys, values }: Inputs,
  options: RecoverOptions,
  interrupt: AbortSignal,
): Promise<void> {
  const d = keys.cols
  const n = queries.rows
  if (queries.cols !== d) throw new RangeError(`queries have ${queries.cols} columns, keys ${d}`)
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
    // U₂ᵀ(V − v̄): the answer of a query that sees all keys alike is 0, so what is left is few.
    const { state, totals } = moments
    const core = state.map((x, i) => x - (totals[Math.floor(i / sums.length)] * sums[i % sums.length]) / keys.rows)
    report(sketched.columns({ rows: features.t, cols: sums.length, data: core }), sums, keys.rows, {
      bytes: stream.bytes + sketched.bytes,
      stored: 4 * (n * d + keys.rows * (d + values.cols)),
      fallbacks: sketched.fallbacks,
      ...options,
    })
  } finally {
    bar.stop()
  }
}

/** Blocks of keys with the values that belong to them. */
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

interface Findings {
  readonly bytes: number
  readonly stored: number
  readonly fallbacks: number
  readonly json?: boolean
}

function report(columns: readonly SparseVector[], sums: Float64Array, n: number, findings: Findings): void {
  const { bytes, stored, fallbacks, json } = findings
  const found = columns.map(({ indices, values }, column) => {
    const mean = sums[column] / n
    const rows = Array.from(indices, (row, i) => ({ row, deviation: values[i], value: mean + values[i] }))
    return { column, mean, rows: rows.toSorted((a, b) => Math.abs(b.deviation) - Math.abs(a.deviation)) }
  })
  if (json) return console.log(JSON.stringify({ columns: found, bytes, storedBytes: stored, fallbacks }))
  const right = { align: 'right' as const }
  const table = found.flatMap(({ column, rows }) =>
    rows.map(({ row, value, deviation }) => [
      String(column),
      String(row),
      value.toPrecision(4),
      deviation.toPrecision(4),
    ]),
  )
  const heads = ['column', 'row', 'output', 'less the mean'].map((head) => ({ head, ...right }))
  console.log(tableText(heads, table, outputWidth()))
  console.log(
    `held ${bytesText(bytes)}; queries, keys and values are ${bytesText(stored)} (${shareText(bytes, stored)})`,
  )
  if (bytes >= stored) console.log('at this length storing them all is smaller, and exact')
  if (fallbacks > 0) console.log(`${fallbacks} queries had no positive mass at this degree and took a lower one`)
}

async function firstMean(keys: Rows, rows: number): Promise<Float32Array | undefined> {
  if (rows > 0) for await (const block of keys.blocks(rows)) return meanRow(block)
  return undefined
}
