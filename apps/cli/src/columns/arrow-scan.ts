import { fromHalf } from '@sublinear/core'
import type { Data, RecordBatch, RecordBatchReader } from 'apache-arrow'
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { type Column, chosenColumn, faultOf, peer } from './column-rows'

/** Types of entries by the name that Arrow prints for them. */
const dtypes: Readonly<Record<string, Column['dtype']>> = {
  Float16: 'f2',
  Float32: 'f4',
  Float64: 'f8',
  Int8: 'i1',
  Int16: 'i2',
  Int32: 'i4',
  Uint8: 'u1',
  Uint16: 'u2',
  Uint32: 'u4',
}

/** A column of a table as the first reading found it. */
export interface Scanned extends Pick<Column, 'rows' | 'cols' | 'dtype'> {
  readonly column: string
}

/**
 * Reads a file once, to count its rows and to find the column of lists that is named, or the only one.
 *
 * @throws Error without apache-arrow, or when the file is not what it says; RangeError when the column is missing, has nulls or lists of several lengths
 */
export async function scanArrow(path: string, name: string | undefined): Promise<Scanned> {
  await checkEnd(path)
  let rows = 0
  let found: Pick<Column, 'cols' | 'dtype'> | undefined
  let column = ''
  for await (const batch of batchesOf(path)) {
    if (found === undefined) {
      const lists = batch.schema.fields.filter(({ type }) => entryType(String(type)) !== undefined)
      column = chosenColumn(
        path,
        lists.map((field) => field.name),
        name,
      )
    }
    const list = listOf(path, batch, column)
    if (list === undefined) continue
    found ??= { cols: list.cols, dtype: list.dtype }
    if (list.cols !== found.cols)
      throw new RangeError(`${path}: lists must have one length, got ${found.cols} and ${list.cols}`)
    rows += batch.numRows
  }
  if (found === undefined) throw new RangeError(`${path}: has no rows`)
  return { column, rows, ...found }
}

/** The batches of an Arrow IPC file or stream, one at a time. @throws Error when apache-arrow refuses it */
export async function* batchesOf(path: string): AsyncGenerator<RecordBatch, void, undefined> {
  const arrow = await peer(path, 'apache-arrow', () => import('apache-arrow'))
  const stream = createReadStream(path)
  let reader: RecordBatchReader | undefined
  try {
    reader = await arrow.RecordBatchReader.from(stream)
    await reader.open()
    for await (const batch of reader as AsyncIterable<RecordBatch>) yield batch
  } catch (error) {
    throw faultOf(path, 'Arrow', error)
  } finally {
    stream.destroy()
  }
}

/** Checks the end of a file, which begins and ends with the format's name, so that a truncated file is noticed; a stream may end anywhere. */
async function checkEnd(path: string): Promise<void> {
  const handle = await open(path).catch((error: unknown) => {
    throw faultOf(path, 'Arrow', error)
  })
  try {
    const info = await handle.stat()
    if (!info.isFile()) throw new RangeError(`${path}: must be a regular file`)
    const [begin, end] = [Buffer.alloc(6), Buffer.alloc(6)]
    await handle.read(begin, 0, 6, 0)
    await handle.read(end, 0, 6, Math.max(0, info.size - 6))
    const isFile = begin.toString('latin1') === 'ARROW1'
    if (isFile && (info.size < 20 || !begin.equals(end)))
      throw new RangeError(`${path}: is cut short: it does not end in ARROW1`)
  } finally {
    await handle.close()
  }
}

/** The type of the numbers in lists, from how Arrow prints the type: `FixedSizeList[3]<Float32>`, `List<Float32>`. */
function entryType(list: string): Column['dtype'] | undefined {
  const [, entry = ''] = /^(?:FixedSizeList\[\d+\]|List)<(\w+)>$/.exec(list) ?? []
  return Object.hasOwn(dtypes, entry) ? dtypes[entry] : undefined
}

interface List extends Pick<Column, 'cols' | 'dtype'> {
  readonly data: Float32Array
}

/** The entries of one batch; undefined where it has no rows. */
export function listOf(path: string, batch: RecordBatch, name: string): List | undefined {
  if (batch.numRows === 0) return undefined
  const data: Data | undefined = batch.getChild(name)?.data[0]
  const dtype = entryType(String(data?.type))
  const child: Data | undefined = data?.children[0]
  if (data === undefined || child === undefined || dtype === undefined)
    throw new RangeError(`${path}: has no lists ${name}`)
  if (data.nullCount > 0 || child.nullCount > 0) throw new RangeError(`${path}: ${name} must have no nulls`)
  const offsets = data.valueOffsets as Int32Array // offsets of lists of any length
  const fixed = /^FixedSizeList\[(\d+)\]/.exec(String(data.type))?.[1]
  const cols = fixed === undefined ? offsets[1] - offsets[0] : Number(fixed)
  const begin = fixed === undefined ? offsets[0] : data.offset * cols
  if (fixed === undefined)
    for (let i = 0; i < data.length; i++)
      if (offsets[i + 1] - offsets[i] !== cols)
        throw new RangeError(
          `${path}: lists of ${name} must have one length, got ${cols} and ${offsets[i + 1] - offsets[i]}`,
        )
  const end = begin + data.length * cols
  if (cols < 1 || end > child.values.length) throw new RangeError(`${path}: ${name} has fewer numbers than its lists`)
  return { cols, dtype, data: floats(dtype, child.values.subarray(begin, end)) }
}

function floats(dtype: Column['dtype'], values: Float32Array | Uint16Array): Float32Array {
  if (dtype === 'f2') return fromHalf(values as Uint16Array)
  return dtype === 'f4' ? (values as Float32Array) : Float32Array.from(values)
}
