/**
 * Tokens in few bits on captured heads: summaries of the first 3584 tokens (or all but 512) answer the last 512 queries, in one pass, at a share
 * of the float32 cache. `node evidence/quantised-heads/ask.ts` runs the committed sample of both models; with arguments <name> <q.npy>
 * <k.npy> <v.npy> … other captures.
 */
import {
  closureStream,
  exactAttention,
  meanStream,
  normalise,
  quantised,
  tiers,
  type AttentionStream,
  type Shape,
  type StreamSpec,
  type TierSpec,
} from '@sublinear/attention'
import { farKeys, quantisedStream } from '@sublinear/kv-cache'
import { rowsOf } from '@sublinear/core'
import { capturesOf, type Head } from '../kit/captures.ts'
import { main, type Experiment } from '../kit/experiment.ts'
import { mean } from '../kit/mean.ts'
import { relativeError } from '../kit/trivial-answers.ts'
import { quantisedPicture, quantisedTable, type QuantisedHeads } from './table.ts'

export interface QuantisedRow {
  readonly method: string
  /** How many times smaller than the float32 cache it had to be, where the budget was given. */
  readonly share?: number
  readonly bytes: number
  readonly cacheBytes: number
  /** Relative Frobenius error, head by head. */
  readonly errors: readonly number[]
}

const QUERIES = 512
/** Tokens that wait, before the far keys and before what is behind them: 64 each would take all of 1/32. */
const BUFFER = 4
const EVERY = [
  [8, 8],
  [7, 7],
  [6, 4],
  [5, 3],
  [4, 3],
  [3, 3],
] as const
const FAR = [
  [6, 4],
  [5, 3],
] as const
const SHARES = [7, 16, 32]
const RESTS: Readonly<Record<string, StreamSpec>> = {
  closure: (shape) => closureStream({ ...shape, buffer: BUFFER }),
  mean: (shape) => meanStream({ ...shape, buffer: BUFFER }),
}

function every(keyBits: number, valueBits: number): (shape: Shape) => AttentionStream {
  return (shape) => tiers({ ...shape, parts: [quantisedStream({ keyBits, valueBits })], buffer: 1 })
}

/** Far keys, as many as the bytes have room for beside the rest. */
function far(keyBits: number, valueBits: number, last: StreamSpec, bytes: number) {
  const store = quantised({ keyBits, valueBits })
  const parts = (count: number): [...TierSpec[], StreamSpec] => [farKeys({ count, store }), last]
  return (shape: Shape): AttentionStream => {
    const full = (count: number): number => {
      const stream = tiers({ ...shape, parts: parts(count), buffer: BUFFER })
      stream.push(blank(shape, count + 300))
      return stream.bytes
    }
    const token = full(301) - full(300)
    const count = Math.floor((bytes - full(300)) / token) + 300
    return tiers({ ...shape, parts: parts(count), buffer: BUFFER })
  }
}

/** Zero tokens, to fill a stream with. */
function blank({ d, dv }: Shape, rows: number) {
  return {
    keys: { rows, cols: d, data: new Float32Array(rows * d) },
    values: { rows, cols: dv, data: new Float32Array(rows * dv) },
  }
}

function measure(heads: readonly Head[]): QuantisedRow[] {
  const n = heads[0].keys.rows - QUERIES
  const [d, dv] = [heads[0].keys.cols, heads[0].values.cols]
  const cacheBytes = 4 * n * (d + dv)
  const rows: QuantisedRow[] = []
  const add = (method: string, make: (shape: Shape) => AttentionStream, share?: number) => {
    const errors: number[] = []
    let bytes = 0
    for (const head of heads) {
      const shape = { d, dv, scale: 1 / Math.sqrt(d) }
      const [keys, values] = [rowsOf(head.keys, 0, n), rowsOf(head.values, 0, n)]
      const queries = rowsOf(head.queries, n, n + QUERIES)
      const stream = make(shape)
      stream.push({ keys, values })
      bytes = Math.max(bytes, stream.bytes)
      errors.push(
        relativeError(normalise(stream.attend(queries)), exactAttention({ queries, keys, values, scale: shape.scale })),
      )
    }
    rows.push({ method, ...(share && { share }), bytes, cacheBytes, errors })
    const mean = errors.reduce((a, b) => a + b, 0) / errors.length
    console.log(`${method}${share ? ` at 1/${share}` : ''}: ${mean.toFixed(4)} with ${bytes} of ${cacheBytes} bytes`)
  }
  for (const [keyBits, valueBits] of EVERY) add(`every token, ${keyBits}/${valueBits} bits`, every(keyBits, valueBits))
  for (const share of SHARES) {
    for (const [keyBits, valueBits] of FAR) {
      for (const [rest, last] of Object.entries(RESTS)) {
        const name = `far keys ${keyBits}/${valueBits} bits, ${rest}`
        add(name, far(keyBits, valueBits, last, cacheBytes / share), share)
      }
    }
  }
  return rows
}

export const quantisedHeads: Experiment<QuantisedHeads> = {
  name: 'quantised-heads',
  question: 'How far off are tokens in few bits, alone and as far keys before a closure or a mean?',
  inALine: ({ models }) =>
    models
      .map(
        ({ name, rows }) =>
          `${name} heads: ${[rows[0], rows[2]].map(({ method, errors }) => `${mean(errors).toFixed(3)} for ${method}`).join(', ')}`,
      )
      .join('; '),
  asks: 'How far off are tokens in few bits? Summaries of the first 3584 tokens (or of all but 512) of captured heads answer the last 512 queries, in one pass, at a share of the float32 cache. They have `buffer: 4`, and a closure or a mean token for the rest.',
  run: (args) => ({
    node: process.version,
    models: capturesOf(args).map(({ name, heads }) => ({
      name,
      heads: heads.map((head) => head.name),
      rows: measure(heads),
    })),
  }),
  answer: (result) => `These are the heads of the committed sample:\n\n${quantisedTable(result)}`,
  all: (full) => `These are all captured heads:\n\n${quantisedTable(full)}`,
  picture: quantisedPicture,
}

await main(import.meta.url, quantisedHeads)
