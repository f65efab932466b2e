/**
 * Fixed memory, growing n: summaries of the first n tokens of a head answer the next 512 queries; error against exact attention.
 * `node evidence/fixed-memory/ask.ts` runs the committed sample of both models; `node evidence/fixed-memory/ask.ts <name> <q.npy> <k.npy> <v.npy>` runs
 * other captures of shape [layers, heads, n, width]. Writes <name>.json.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import {
  exactAttention,
  normalise,
  quantised,
  taylorFeatures,
  tiers,
  type AttentionStream,
  type Matrix,
  type Shape,
} from '@sublinear/attention'
import { rowsOf } from '@sublinear/core'
import { readHeads, sample, type Head } from '../kit/captures.ts'
import { main, type Experiment } from '../kit/experiment.ts'
import { streamOf, tierOf } from '../kit/methods-named.ts'
import { fixedMemoryPicture, table } from './table.ts'
import { meanOf, pick, relativeError, uniformSample } from '../kit/trivial-answers.ts'

export interface FixedMemoryRow {
  readonly method: string
  readonly n: number
  /** Held after n tokens, the same for every head. */
  readonly bytes: number
  readonly cacheBytes: number
  /** Relative Frobenius error, head by head in the order of `heads`. */
  readonly errors: readonly number[]
  /** The same for a uniform sample of as many bytes (mean over SEEDS), and for 4 sinks and a window of as many bytes. */
  readonly uniform: readonly number[]
  readonly recent: readonly number[]
}

export interface FixedMemory {
  readonly name: string
  readonly command: string
  readonly node: string
  readonly heads: readonly string[]
  /** Error of answering with the mean of the values, by n; answering zero has error 1. */
  readonly mean: Readonly<Record<string, readonly number[]>>
  readonly rows: readonly FixedMemoryRow[]
}

/** Lengths tried, where a capture is long enough. */
const LENGTHS = [512, 1024, 2048, 3584, 8192]
const QUERIES = 512
const SEEDS = [1, 2, 3, 4]
const SINKS = 4

/** Far keys in 6 and 4 bits before a closure: farClosure, but that hardly any token waits before the closure either, which no option of it says. */
export const compact =
  (count: number) =>
  (shape: Shape): AttentionStream =>
    tiers({
      ...shape,
      parts: [
        tierOf('farKeys', { count, store: quantised({ keyBits: 6, valueBits: 4 }) }),
        streamOf('closure', { buffer: 2 }),
      ],
      buffer: 4,
    })

/** Everything compared, smallest first: methods of the catalogue, and three stacks of their parts. Feature streams subtract the mean of the first 256 keys. */
const METHODS: Readonly<Record<string, (shape: Shape, keys: Matrix) => AttentionStream>> = {
  closure: streamOf('closure'),
  '80 far keys in 6/4 bits + closure': compact(80),
  '4 closures': streamOf('closure', { clusters: 4 }),
  '64 far keys + closure': streamOf('farClosure', { count: 64 }),
  '128 far keys + closure': streamOf('farClosure', { count: 128 }),
  '256 far keys + closure': streamOf('farClosure', { count: 256 }),
  '256 far keys + 4 closures': (shape) =>
    tiers({ ...shape, parts: [tierOf('farKeys', { count: 256 }), streamOf('closure', { clusters: 4 })] }),
  '128 far keys + window 128 + closure': (shape) =>
    tiers({
      ...shape,
      parts: [
        tierOf('sinks', { count: SINKS }),
        tierOf('window', { count: 128 }),
        tierOf('farKeys', { count: 128 }),
        streamOf('closure'),
      ],
    }),
  'feature, degree 2': (shape, keys) => {
    const centre = meanOf(rowsOf(keys, 0, 256), 1).data
    return streamOf('taylor', { features: taylorFeatures({ ...shape, degree: 2, centre }).spec })(shape)
  },
}

function experiment(name: string, paths: Parameters<typeof readHeads>[0], command: string): FixedMemory {
  const heads = readHeads(paths)
  const mean: Record<string, number[]> = {}
  const rows = new Map<string, FixedMemoryRow & { errors: number[]; uniform: number[]; recent: number[] }>()
  const lengths = LENGTHS.filter((n) => n + QUERIES <= heads[0].queries.rows)
  for (const n of lengths) {
    mean[n] = []
    for (const head of heads) {
      const { queries, keys, values, shape } = prefixOf(head, n)
      const exact = exactAttention({ queries, keys, values, scale: shape.scale })
      mean[n].push(relativeError(meanOf(values, QUERIES), exact))
      for (const [method, make] of Object.entries(METHODS)) {
        const stream = make(shape, keys)
        stream.push({ keys, values })
        const { bytes } = stream
        const cacheBytes = 4 * n * (shape.d + shape.dv)
        const row = rows.get(`${method} ${n}`) ?? { method, n, bytes, cacheBytes, errors: [], uniform: [], recent: [] }
        rows.set(`${method} ${n}`, row)
        const held = Math.min(n, Math.floor(bytes / (4 * (shape.d + shape.dv))))
        const over = (chosen: readonly number[]) =>
          relativeError(
            exactAttention({ queries, keys: pick(keys, chosen), values: pick(values, chosen), scale: shape.scale }),
            exact,
          )
        row.errors.push(relativeError(normalise(stream.attend(queries)), exact))
        row.uniform.push(SEEDS.reduce((sum, seed) => sum + over(uniformSample(n, held, seed)), 0) / SEEDS.length)
        row.recent.push(over(Array.from({ length: held }, (_, i) => (i < SINKS ? i : n - held + i))))
      }
    }
  }
  return { name, command, node: process.version, heads: heads.map((head) => head.name), mean, rows: [...rows.values()] }
}

/** The first n tokens, and the queries that come next. */
function prefixOf({ queries, keys, values }: Head, n: number) {
  const [d, dv] = [keys.cols, values.cols]
  return {
    queries: rowsOf(queries, n, n + QUERIES),
    keys: rowsOf(keys, 0, n),
    values: rowsOf(values, 0, n),
    shape: { d, dv, scale: 1 / Math.sqrt(d) },
  }
}

const short = (_: string, value: unknown) => (typeof value === 'number' ? Number(value.toPrecision(5)) : value)

function write(result: FixedMemory): void {
  writeFileSync(new URL(`${result.name}.json`, import.meta.url), `${JSON.stringify(result, short)}\n`)
  for (const { method, n, bytes, errors } of result.rows)
    console.log(`${result.name}  n = ${n}  ${method}: ${average(errors).toFixed(3)} with ${bytes} bytes`)
}

export function average(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0) / numbers.length
}

/** Runs of the sample write its two files; others the file that they name. */
function run([name, q, k, v]: readonly string[]): FixedMemory[] {
  if (name === undefined) {
    for (const model of ['bounded', 'sharp'] as const)
      write(experiment(`${model}-sample`, sample(model), 'node evidence/fixed-memory/ask.ts'))
  } else if (q !== undefined && k !== undefined && v !== undefined && /^[a-z-]+$/.test(name)) {
    write(experiment(name, { q, k, v }, `node evidence/fixed-memory/ask.ts ${name} q.npy k.npy v.npy`))
  } else throw new RangeError('fixed-memory: arguments must be name q.npy k.npy v.npy')
  return committed()
}

/** Results of all captured heads, a model each. */
const committed = (): FixedMemory[] =>
  ['bounded', 'sharp'].map(
    (model) => JSON.parse(readFileSync(new URL(`${model}-full.json`, import.meta.url), 'utf8')) as FixedMemory,
  )

export const fixedMemory: Experiment<readonly FixedMemory[]> = {
  name: 'fixed-memory',
  question: 'How does the error of closures and far keys change as the stream grows and their memory does not?',
  inALine: (results) =>
    results
      .map(({ name, rows }) => {
        const longest = Math.max(...rows.map(({ n }) => n))
        const least = rows
          .filter(({ n }) => n === longest)
          .map(({ method, bytes, errors }) => ({ method, bytes, error: average(errors) }))
          .toSorted((a, b) => a.error - b.error)[0]
        return `${name.split('-')[0]} heads after ${longest} tokens: ${least.method} has an error of ${least.error.toFixed(3)} in ${(least.bytes / 1000).toFixed(0)} kB`
      })
      .join('; '),
  asks: 'How does the error change as the stream grows and the memory does not? Summaries of the first n tokens of a head answer the next 512 queries. The heads are all those of a model whose scores are bounded by 6, and of one whose scores are not (up to 357). Three stacks are not methods of the catalogue, and are made of its tiers: four closures behind far keys, a window beside them, and few bits with two tokens that wait.',
  run,
  answer: ([bounded, sharp]) =>
    `With |logit| ≤ 6:\n\n${table(bounded)}\n\nWithout that bound, where constant memory is not enough:\n\n${table(sharp)}`,
  picture: fixedMemoryPicture,
  file: () => 'result.json',
  read: committed,
}

await main(import.meta.url, fixedMemory)
