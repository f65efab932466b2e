import { checkInteger, checkOptions, type AttentionStream, type Matrix, type PartialSoftmax } from '@sublinear/core'
import { normalise } from '@sublinear/exact-attention'
import { rowReader, type RowReader, type RowSource } from './row-source'

/** Tokens a call: it bounds the memory of a call, and the delay of an abort or a progress report. */
const PIECE = 1024

export interface Attend {
  /** Query rows: d numbers each, or queryHeads·d for a layer. */
  readonly queries: RowSource
  /** Key rows, one for each token: d numbers each, or kvHeads·d for a layer. */
  readonly keys: RowSource
  /** Value rows, one for each token: dv numbers each, or kvHeads·dv for a layer. */
  readonly values: RowSource
  /** Any attention stream or layer. Tokens are pushed to it, and it keeps them. */
  readonly stream: Pick<AttentionStream, 'push' | 'attend' | 'step'>
  /** true: query i sees tokens 0 … i. false: all keys and values are read first, then the queries. */
  readonly causal: boolean
  /** Query rows for each token. Default 1. */
  readonly groups?: number | undefined
  /**
   * Receives the partial softmax of each matrix of answers just before that matrix comes, with its spread, and the number of the matrix's rows: `errorBars(partial, rows)` gives the error
   * bars. Absent: the stream is not asked for error bars.
   */
  readonly onPartial?: ((partial: PartialSoftmax, rows: number) => void) | undefined
  /** Cancels the run between two pieces; its reason is thrown. */
  readonly signal?: AbortSignal | undefined
  /** Called after every piece, with the tokens pushed and the query rows answered so far. */
  readonly onProgress?: ((progress: { tokens: number; answered: number }) => void) | undefined
}

/**
 * Computes attention over sequences too long to hold: reads queries, keys and values in one pass, and yields the answers in order.
 *
 * Guarantee: that of the stream.
 * Cost: that of the stream; in memory, also one block of each source.
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
    'onPartial',
    'signal',
    'onProgress',
  ])
  const { stream, causal, groups = 1, onPartial, signal, onProgress } = options
  const asked = onPartial && ({ errorBars: true } as const)
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
      onPartial?.(partial, own.rows)
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
      onPartial?.(partial, own.rows)
      answered += own.rows
      report()
      yield reshape(answers, own.rows)
    }
  } finally {
    await Promise.allSettled(readers.map((reader) => reader.close())) // an error while closing must not hide the first one
  }
}

/** The number of rows that both keys and values have now; 0 when both have ended. */
async function commonRows(keys: RowReader, values: RowReader, tokens: number): Promise<number> {
  const [k, v] = [await keys.available(), await values.available()]
  if ((k === 0) !== (v === 0)) {
    const [ended, goesOn] = k === 0 ? ['keys', 'values'] : ['values', 'keys']
    throw new RangeError(`attend: ${ended} ended after ${tokens} rows, ${goesOn} go on`)
  }
  return Math.min(k, v, PIECE)
}

/** The number of tokens whose queries have come, at least one where any query is left. */
async function wholeTokens(queries: RowReader, groups: number, tokens: number): Promise<number> {
  const rows = await queries.available()
  if (rows === 0) throw new RangeError(`attend: queries ended after ${tokens * groups} rows, keys go on`)
  return Math.max(1, Math.floor(rows / groups))
}

/** Collects exactly `rows` query rows, across blocks where the group of one token is cut. */
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

/** Reshapes the partial of a layer, which has a row for each head: side by side the heads are a row of the output. */
function reshape({ data }: Matrix, rows: number): Matrix {
  return { rows, cols: data.length / rows, data }
}
