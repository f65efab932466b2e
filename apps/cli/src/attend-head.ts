import { attend, errorBars, layer } from '@sublinear/attention'
import {
  checkKeys,
  checkValues,
  type Head,
  type Matrix,
  type Method,
  type Pilot,
  type Shape,
  type Traffic,
} from '@sublinear/core'
import type { Rows, RowWriter } from '@sublinear/io/node'
import { counted, widthText } from './open-input'
import type { Sized, Sizing } from './sizing'

/** Rows that are read at a time from each file. */
const BLOCK = 1024

export interface Inputs {
  readonly queries: Rows
  readonly keys: Rows
  readonly values: Rows
}

export interface Asked {
  readonly method: Method
  readonly sizeOf: Sizing
  /** Number of heads side by side in a row. */
  readonly heads: number
  readonly kvHeads: number
  readonly causal: boolean
  /** Number of first rows that are read ahead. */
  readonly pilot: number
  readonly scale?: number
  /** Gives the features of a key head beside plain softmax. */
  readonly featuresOf: (kvHead: number) => Head
  /** Receives the standard errors of every block of answers, -1 in rows without one. */
  readonly onErrors?: (errors: Matrix) => Promise<void>
  readonly place?: Traffic['place']
  readonly signal: AbortSignal
  readonly onProgress: (tokens: number) => void
}

/** Bytes, time and counters of attention through streams. */
export interface Held {
  readonly tokens: number
  readonly answers: number
  readonly bytes: number
  readonly cacheBytes: number
  readonly counters: Readonly<Record<string, number>>
  /** Number of rows of answers without an error bar, where bars were asked for. */
  readonly flagged?: number
  readonly details: Sized['details']
  readonly shape: Shape
}

/**
 * Answers the queries of three files through one stream for each key head, in one pass, and writes the answers.
 *
 * @throws RangeError when the files do not fit each other
 */
export async function attendHead(
  inputs: Inputs,
  asked: Asked,
  writer: (cols: number) => Promise<RowWriter>,
): Promise<Held> {
  const { queries, keys, values } = inputs
  const { method, heads, kvHeads, causal, featuresOf, onErrors, signal, onProgress } = asked
  const shape = headShape(inputs, asked)
  if (keys.rows !== values.rows) throw new RangeError(`keys have ${counted(keys.rows, 'row')}, values ${values.rows}`)
  if (causal && queries.rows !== keys.rows)
    throw new RangeError(
      `causal attention needs a query for each key: ${queries.rows} queries, ${keys.rows} keys (see --full)`,
    )
  const sized = await sizedHeads(inputs, asked, shape)
  const stream = layer({
    queryHeads: heads,
    kvHeads,
    make: (h) => method.make({ ...shape, ...featuresOf(h) }, sized[h].options),
  })
  const out = await writer(heads * shape.dv)
  const waiting: Matrix[] = [] // errors of the answers that come next
  let flagged = 0
  const blocks = attend({
    queries: queries.blocks(BLOCK),
    keys: keys.blocks(BLOCK),
    values: values.blocks(BLOCK),
    stream,
    causal,
    signal,
    ...(onErrors && {
      onPartial(partial, rows) {
        const { error, flagged: flags } = errorBars(partial, rows)
        for (const [r, flag] of flags.entries()) {
          flagged += flag
          if (flag) error.data.fill(-1, r * error.cols, (r + 1) * error.cols)
        }
        waiting.push(error)
      },
    }),
    onProgress: ({ tokens }) => onProgress(tokens),
  })
  for await (const block of blocks) {
    await out.write(block)
    for (const errors of waiting.splice(0)) await onErrors?.(errors)
  }
  return {
    tokens: keys.rows,
    answers: queries.rows * heads,
    bytes: stream.bytes,
    cacheBytes: 4 * keys.rows * (keys.cols + values.cols),
    counters: stream.counters,
    ...(onErrors && { flagged }),
    details: sized[0].details,
    shape,
  }
}

/** The widths of one head, from the widths of the files. */
function headShape({ queries, keys, values }: Inputs, { heads, kvHeads, scale }: Asked): Shape {
  const d = width('keys', keys, kvHeads)
  if (width('queries', queries, heads) !== d) {
    const [asked, kept] = [widthText('queries', queries), widthText('keys', keys)]
    throw new RangeError(
      `${asked} for ${counted(heads, 'head')}, ${kept} for ${counted(kvHeads, 'head')}: the widths differ`,
    )
  }
  return { d, dv: width('values', values, kvHeads), scale: scale ?? 1 / Math.sqrt(d) }
}

function width(name: string, rows: Rows, count: number): number {
  if (rows.cols % count !== 0)
    throw new RangeError(`${widthText(name, rows)}, which ${counted(count, 'head')} do not divide`)
  return rows.cols / count
}

/** Chooses the options of the method for every key-value head, each by its own columns of the first rows. */
async function sizedHeads(
  { queries, keys, values }: Inputs,
  { heads, kvHeads, pilot: rows, place: own, featuresOf, sizeOf }: Asked,
  shape: Shape,
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
    const place = own ?? { layer: 0, layers: 1, head: h, heads: kvHeads }
    const traffic = { tokens: keys.rows, groups, place }
    return sizeOf({ ...shape, ...featuresOf(h) }, traffic, first.keys.rows > 0 ? pilotOf(h) : undefined)
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
