import {
  checkInteger,
  checkOptions,
  type AttentionStream,
  type ErrorBars,
  type Matrix,
  type PartialSoftmax,
} from '@sublinear/core'
import { errorBars, normalise } from '@sublinear/exact-attention'
import { rowReader, type RowReader, type RowSource } from './row-source'

/** Tokens a call: bounds what is held at once and how late an abort or a progress report can be. */
const PIECE = 1024

export interface Attend {
  /** Query rows: d numbers each, or queryHeads·d of a layer. */
  readonly queries: RowSource
  /** Key rows, one a token: d numbers each, or kvHeads·d of a layer. */
  readonly keys: RowSource
  /** Value rows, one a token: dv numbers each, or kvHeads·dv of a layer. */
  readonly values: RowSource
  /** Any attention stream, or heads(…). It is pushed to, and keeps what it saw. */
  readonly stream: Pick<AttentionStream, 'push' | 'attend' | 'step'>
  /** true: query i sees tokens 0 … i. false: all keys and values are read first, then the queries. */
  readonly causal: boolean
  /** Query rows a token when causal (grouped-query attention). Default 1. */
  readonly groups?: number | undefined
  /** Receives the error bars of each matrix of answers just before it comes, for as many rows and columns. */
  readonly onErrorBars?: ((bars: ErrorBars) => void) | undefined
  /** Cancels it between two pieces: its reason is thrown. */
  readonly signal?: AbortSignal | undefined
  /** After every piece: tokens pushed and query rows answered so far. */
  readonly onProgress?: ((progress: { tokens: number; answered: number }) => void) | undefined
}

/**
 * Attention over sequences too long to hold: reads queries, keys and values in one pass and yields the answers in order.
 *
 * Guarantee: the stream's own. Memory: the stream, and one block of each source.
 *
 * @returns matrices of dv (or queryHeads·dv) columns, one row for each query row
 * @throws TypeError, RangeError when a source ends before another, widths change or an entry is not finite; the signal's reason
 *   when aborted. Sources are closed in every case.
 * @example
 * const [rows, stream] = [matrix(5, 2), exactStream({ d: 2, dv: 2, scale: 1 })]
 * const answers = attend({ queries: [rows], keys: [rows], values: [rows], stream, causal: true })
 * (await answers.next()).value?.rows // 5
 */
export async function* attend(options: Attend): AsyncGenerator<Matrix, void, undefined> {
  checkOptions('attend', options, [
    'queries',
    'keys',
    'values',
    'stream',
    'causal',
    'groups',
    'onErrorBars',
    'signal',
    'onProgress',
  ])
  const { stream, causal, groups = 1, onErrorBars, signal, onProgress } = options
  const asked = onErrorBars && ({ errorBars: true } as const)
  const readers: RowReader[] = []
  const read = (name: 'keys' | 'values' | 'queries') => {
    const reader = rowReader('attend', name, options[name])
    readers.push(reader)
    return reader
  }
  let tokens = 0
  let answered = 0
  const report = () => {
    signal?.throwIfAborted()
    onProgress?.({ tokens, answered })
  }
  try {
    const [keys, values, queries] = [read('keys'), read('values'), read('queries')]
    checkInteger('attend', 'groups', groups, 1)
    if (typeof causal !== 'boolean') throw new TypeError(`attend: causal must be true or false, got ${String(causal)}`)
    signal?.throwIfAborted()
    for (;;) {
      const rows = await commonRows(keys, values, tokens)
      if (rows === 0) break
      if (!causal) {
        stream.push({ keys: keys.take(rows), values: values.take(rows) })
        tokens += rows
        report()
        continue
      }
      const count = Math.min(rows, await wholeTokens(queries, groups, tokens))
      const block = { keys: keys.take(count), values: values.take(count) }
      const own = await gather(queries, count * groups, tokens)
      const partial = stream.step(block, own, asked)
      const answers = normalise(partial)
      if (onErrorBars) onErrorBars(barsOf(partial, own.rows))
      tokens += count
      answered += own.rows
      report()
      yield reshape(answers, own.rows)
    }
    for (let rows = await queries.available(); rows > 0; rows = await queries.available()) {
      if (causal) throw new RangeError(`attend: keys ended after ${tokens} rows, queries go on`)
      const own = queries.take(Math.min(rows, PIECE))
      const partial = stream.attend(own, asked)
      const answers = normalise(partial)
      if (onErrorBars) onErrorBars(barsOf(partial, own.rows))
      answered += own.rows
      report()
      yield reshape(answers, own.rows)
    }
  } finally {
    await Promise.allSettled(readers.map((reader) => reader.close())) // what fails here hides no error above
  }
}

/** Rows that keys and values both have now; 0 when both have ended. */
async function commonRows(keys: RowReader, values: RowReader, tokens: number): Promise<number> {
  const [k, v] = [await keys.available(), await values.available()]
  if ((k === 0) !== (v === 0)) {
    const [ended, goesOn] = k === 0 ? ['keys', 'values'] : ['values', 'keys']
    throw new RangeError(`attend: ${ended} ended after ${tokens} rows, ${goesOn} go on`)
  }
  return Math.min(k, v, PIECE)
}

/** Tokens whose queries are here, at least one where any query is left. */
async function wholeTokens(queries: RowReader, groups: number, tokens: number): Promise<number> {
  const rows = await queries.available()
  if (rows === 0) throw new RangeError(`attend: queries ended after ${tokens * groups} rows, keys go on`)
  return Math.max(1, Math.floor(rows / groups))
}

/** Exactly `rows` query rows, over block borders where the groups of one token are cut. */
async function gather(queries: RowReader, rows: number, tokens: number): Promise<Matrix> {
  const first = queries.take(Math.min(rows, await queries.available()))
  if (first.rows === rows) return first
  const data = new Float32Array(rows * first.cols)
  data.set(first.data)
  for (let at = first.rows; at < rows;) {
    const more = Math.min(rows - at, await queries.available())
    if (more === 0) throw new RangeError(`attend: queries ended within the groups of token ${tokens}`)
    data.set(queries.take(more).data, at * first.cols)
    at += more
  }
  return { rows, cols: first.cols, data }
}

/** Bars in rows of the output; a row is flagged, or measured, where one of its heads is. */
function barsOf(partial: PartialSoftmax, rows: number): ErrorBars {
  const { error, flagged, measured } = errorBars(partial)
  const heads = flagged.length / Math.max(1, rows)
  const any = (of: Uint8Array) =>
    Uint8Array.from({ length: rows }, (_, r) => Number(of.subarray(r * heads, (r + 1) * heads).includes(1)))
  return { error: reshape(error, rows), flagged: any(flagged), measured: any(measured) }
}

/** The partial of heads(…) has a row a head: side by side they are the rows of the output. */
function reshape({ data }: Matrix, rows: number): Matrix {
  return { rows, cols: data.length / rows, data }
}
