import { combine, exactStream, layer, normalise } from '@sublinear/attention'
import {
  addSink,
  emptyPartial,
  perRow,
  rowsOf,
  rowsOfPartial,
  type Head,
  type Matrix,
  type Shape,
} from '@sublinear/core'
import { openRows, type Rows } from '@sublinear/io/node'
import { errorMeter, type SampledErrors } from './errors'
import { pickRows } from './exact-rows'
import { sampleRows } from './row-sample'

const BLOCK = 1024
/** Most query rows that are computed again. */
const SAMPLE = 1024

interface Check extends Pick<Shape, 'd' | 'dv' | 'scale'> {
  /** Features of each key head. */
  readonly features: readonly Pick<Head, 'softcap' | 'sinkLogit'>[]
  readonly queries: Rows
  readonly keys: Rows
  readonly values: Rows
  /** The answers to check: a file of queryHeads·dv columns. */
  readonly out: string
  readonly queryHeads: number
  readonly kvHeads: number
  readonly causal: boolean
  readonly signal: AbortSignal
}

/**
 * Measures relative errors of answers against exact attention, by reading the files again, a block at a time: over all rows, or over 1024, among them the 256
 * with the largest queries.
 */
export async function checkAgainstExact(check: Check): Promise<SampledErrors> {
  const { queries, keys, values, queryHeads, kvHeads, causal, signal } = check
  const { d, dv, scale, features } = check
  const { places: sample, weights, rows, largest } = await sampleRows(queries, SAMPLE, { signal })
  const count = sample.length
  const asked = await pickRows(queries, sample)

  // The partial softmax of all sampled rows (queryHeads rows each), over all blocks of keys and values.
  const total = emptyPartial(count * queryHeads, dv)
  const means = new Float64Array(count * values.cols)
  const seen = new Float64Array(values.cols) // column sums of the values so far
  const valueBlocks = values.blocks(BLOCK)[Symbol.asyncIterator]()
  let first = 0
  for await (const keyBlock of keys.blocks(BLOCK)) {
    signal.throwIfAborted()
    const valueBlock = (await valueBlocks.next()).value as Matrix
    const end = first + keyBlock.rows
    const streams = features.map(({ softcap }) => exactStream({ d, dv, scale, softcap }))
    const block = layer({ queryHeads, kvHeads, make: (h) => streams[h] })
    let pushed = first
    const pushTo = (token: number) => {
      if (token <= pushed) return
      block.push({
        keys: rowsOf(keyBlock, pushed - first, token - first),
        values: rowsOf(valueBlock, pushed - first, token - first),
      })
      for (let r = pushed - first; r < token - first; r++) {
        for (let c = 0; c < values.cols; c++) seen[c] += valueBlock.data[r * values.cols + c]
      }
      pushed = token
    }
    const join = (from: number, to: number) => {
      const mine = rowsOfPartial(total, from * queryHeads, to * queryHeads)
      const joined = combine(mine, block.attend(rowsOf(asked, from, to)))
      mine.max.set(joined.max)
      mine.mass.set(joined.mass)
      mine.sum.data.set(joined.sum.data)
    }
    // Rows whose token lies within this block see a part of it; later rows see all of it.
    let i = causal ? sample.findIndex((row) => row >= first) : 0
    for (const cut = causal ? end : 0; i >= 0 && i < count && sample[i] < cut; i++) {
      pushTo(sample[i] + 1)
      join(i, i + 1)
      for (let c = 0; c < values.cols; c++) means[i * values.cols + c] = seen[c] / pushed
    }
    pushTo(end)
    if (i >= 0 && i < count) join(i, count)
    for (const stream of streams) stream[Symbol.dispose]()
    first = end
  }
  if (!causal)
    for (let i = 0; i < count; i++) for (let c = 0; c < values.cols; c++) means[i * values.cols + c] = seen[c] / first

  const answers = await openRows(check.out)
  try {
    const got = await pickRows(answers, sample)
    addSinks(total, check)
    const meter = errorMeter()
    const { data } = normalise(total)
    const exact = { rows: count, cols: queryHeads * dv, data }
    for (let i = 0; i < count; i++)
      meter.add(rowsOf(exact, i, i + 1), rowsOf(got, i, i + 1), uniformRow(means, i, check), weights[i])
    return meter.read({ rowsLookedAt: count, largest, rows })
  } finally {
    await answers.close()
  }
}

/** Adds the sinks to partials that are whole: those of blocks would each have one. */
function addSinks(total: ReturnType<typeof emptyPartial>, { features, queryHeads, kvHeads }: Check): void {
  const groups = queryHeads / kvHeads
  const sinks = Array.from({ length: queryHeads }, (_, h) => {
    const { sinkLogit = -Infinity } = features[Math.floor(h / groups)]
    return perRow(sinkLogit, h % groups)
  })
  if (features.some(({ sinkLogit }) => sinkLogit !== undefined)) addSink(total, sinks)
}

/** Row i of the value means, repeated for the query heads that read them. */
function uniformRow(means: Float64Array, i: number, { queryHeads, kvHeads, dv }: Check): Matrix {
  const data = new Float32Array(queryHeads * dv)
  for (let h = 0; h < queryHeads; h++) {
    const from = i * kvHeads * dv + Math.floor((h * kvHeads) / queryHeads) * dv
    data.set(means.subarray(from, from + dv), h * dv)
  }
  return { rows: 1, cols: queryHeads * dv, data }
}
