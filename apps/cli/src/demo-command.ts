import { exactAttention, normalise, rowsOf, type AttentionStream, type Matrix } from '@sublinear/attention'
import { openRows } from '@sublinear/io/node'
import { Command } from 'commander'
import { fileURLToPath } from 'node:url'
import { errorMeter, verdict, type RelativeErrors } from './errors'
import { progressBar } from './progress'
import { bytesText, outputWidth, rateText, shareText, tableText } from './report'
import { makeStream, meanRow, type HeadShape, type StreamChoice } from './streams'

interface Method extends StreamChoice {
  readonly name: string
}

/** Exact first; the others in at most a tenth of its memory. */
const METHODS: readonly Method[] = [
  { name: 'exact cache', stream: 'exact', degree: 0, hold: 0 },
  { name: '4 sinks + window', stream: 'window', degree: 0, hold: 256 },
  { name: 'feature, degree 2', stream: 'feature', degree: 2, hold: 0 },
  { name: 'closure', stream: 'closure', degree: 0, hold: 0 },
  { name: 'far keys + closure', stream: 'far+closure', degree: 0, hold: 256 },
]
const HEADS = ['sharp', 'bounded'].flatMap((model) =>
  [0, 2].flatMap((layer) => [0, 1].map((head) => ({ model, layer, head }))),
)
/** Keys read ahead for the centre of the feature streams. */
const PILOT = 256
/** Tokens of one call, as they would arrive in a prefill. */
const BLOCK = 512

interface DemoRow extends RelativeErrors {
  readonly head: string
  readonly method: string
  readonly bytes: number
  readonly cacheBytes: number
  readonly tokensPerSecond: number
  readonly verdict: string
}

export function demoCommand(interrupt: AbortSignal): Command {
  return new Command('demo')
    .description('One causal pass over what real language models produced: memory, error, speed, and a verdict')
    .option('--json', 'print one JSON array')
    .option('--quiet', 'print nothing but errors')
    .action((options: { json?: boolean; quiet?: boolean }) => run(options, interrupt))
}

async function run({ json, quiet }: { json?: boolean; quiet?: boolean }, interrupt: AbortSignal): Promise<void> {
  const rows: DemoRow[] = []
  const tokensOf = 4096
  const bar = progressBar('reading', HEADS.length * METHODS.length * tokensOf, quiet || json)
  let done = 0
  for (const { model, layer, head } of HEADS) {
    const [queries, keys, values] = await Promise.all(
      ['q', 'k', 'v'].map((part) => sample(`${model}-${part}.npy`, layer, head)),
    )
    const tokens = { queries: queries!, keys: keys!, values: values! }
    const scale = 1 / Math.sqrt(tokens.keys.cols)
    const exact = exactAttention({ ...tokens, scale, causal: true })
    const uniform = runningMeans(tokens.values)
    if (rows.length === 0) warmUp(tokens, scale)
    for (const method of METHODS) {
      interrupt.throwIfAborted()
      const start = done
      const run = timeStream(method, tokens, scale, (count) => bar.update((done = start + count)))
      const meter = errorMeter()
      meter.add(exact, run.answers, uniform)
      const errors = meter.read()
      const cacheBytes = 4 * tokens.keys.rows * (tokens.keys.cols + tokens.values.cols)
      rows.push({
        head: `${model} ${layer}.${head}`,
        method: method.name,
        bytes: run.bytes,
        cacheBytes,
        ...errors,
        tokensPerSecond: run.tokensPerSecond,
        verdict: verdict(errors, run.bytes / cacheBytes),
      })
      await new Promise(setImmediate) // lets the bar draw and an interrupt arrive
    }
  }
  bar.stop()
  if (json) console.log(JSON.stringify(rows))
  else if (!quiet) print(rows)
}

function print(rows: readonly DemoRow[]): void {
  console.log(
    [
      'Queries, keys and values of 4096 tokens that two small language models produced, read once, causally, head by head.',
      'Sharp heads look at 1 to 800 keys a query, bounded heads (|logit| <= 6) at 600 to 1400. Errors are relative to exact',
      'attention; beside them what answering zero and averaging all values seen so far would get.',
      '',
      tableText(
        [
          { head: 'head' },
          { head: 'method' },
          { head: 'held', align: 'right' },
          { head: 'of cache', align: 'right' },
          { head: 'error', align: 'right' },
          { head: 'zero', align: 'right' },
          { head: 'average', align: 'right' },
          { head: 'tokens/s', align: 'right' },
          { head: 'verdict' },
        ],
        rows.map((row) => [
          row.head,
          row.method,
          bytesText(row.bytes),
          shareText(row.bytes, row.cacheBytes),
          row.error.toFixed(3),
          row.zero.toFixed(2),
          row.uniform.toFixed(3),
          rateText(row.tokensPerSecond),
          row.verdict,
        ]),
        outputWidth(),
      ),
    ].join('\n'),
  )
}

interface Tokens {
  readonly queries: Matrix
  readonly keys: Matrix
  readonly values: Matrix
}

function timeStream(
  choice: StreamChoice,
  { queries, keys, values }: Tokens,
  scale: number,
  progress: (tokens: number) => void,
) {
  const shape: HeadShape = { d: keys.cols, dv: values.cols, scale }
  const stream: AttentionStream = makeStream(choice, shape, meanRow(rowsOf(keys, 0, Math.min(PILOT, keys.rows))))
  const answers = new Float32Array(queries.rows * values.cols)
  const cpu = process.cpuUsage()
  for (let from = 0; from < keys.rows; from += BLOCK) {
    const to = Math.min(keys.rows, from + BLOCK)
    const block = { keys: rowsOf(keys, from, to), values: rowsOf(values, from, to) }
    answers.set(normalise(stream.step(block, rowsOf(queries, from, to))).data, from * values.cols)
    progress(to)
  }
  const { user, system } = process.cpuUsage(cpu)
  return {
    answers: { rows: queries.rows, cols: values.cols, data: answers },
    bytes: stream.bytes,
    tokensPerSecond: keys.rows / ((user + system) / 1e6),
  }
}

/** One untimed run of every method: the first calls compile the kernels. */
function warmUp(tokens: Tokens, scale: number): void {
  const first = {
    queries: rowsOf(tokens.queries, 0, 2 * BLOCK),
    keys: rowsOf(tokens.keys, 0, 2 * BLOCK),
    values: rowsOf(tokens.values, 0, 2 * BLOCK),
  }
  for (const method of METHODS) timeStream(method, first, scale, () => {})
}

/** Uniform attention: row i is the mean of values 0 … i. */
function runningMeans({ rows, cols, data }: Matrix): Matrix {
  const total = new Float64Array(cols)
  const out = new Float32Array(rows * cols)
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < cols; c++) out[r * cols + c] = (total[c]! += data[r * cols + c]!) / (r + 1)
  return { rows, cols, data: out }
}

async function sample(name: string, layer: number, head: number): Promise<Matrix> {
  const path = fileURLToPath(new URL(`../data/${name}`, import.meta.url))
  const file = await openRows(`${path}[${layer === 0 ? 0 : 1},${head}]`)
  try {
    for await (const block of file.blocks(file.rows)) return block
    throw new RangeError(`${name} has no rows`)
  } finally {
    await file.close()
  }
}
