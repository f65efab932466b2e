import { type Matrix, checkInteger } from '@sublinear/core'
import { exactReads, fileSize, openAddressed, type Fill } from './addressed-file'
import { type Element, elementBytes, swapBytes, toFloat32 } from './elements'
import { type RowLayout, rowLayout } from './row-layout'
import { shardOf } from './shards'

export interface OpenRowsOptions {
  /** Name of the tensor of a .safetensors file, or of the array of a .npz archive; not needed where there is only one. */
  readonly tensor?: string | undefined
  /** Reads `<V2` of a .npy file as bfloat16. Default false: it is refused. */
  readonly bfloat16?: boolean | undefined
  /** Whether NaN and ±Infinity are refused, and float64 numbers beyond the range of float32. Default: true. */
  readonly finite?: boolean | undefined
}

export interface Rows extends AsyncDisposable {
  readonly rows: number
  readonly cols: number
  /** Sizes of all axes of the array to which the matrix belongs; one axis where n numbers are read as n × 1. */
  readonly shape: readonly number[]
  /** Type of the numbers in the file: f2 … f8, i1 … i8, u1 … u8, b1 (booleans) or bf2 (bfloat16). */
  readonly dtype: Element
  /** Reads rows first … end − 1 (all, where absent), `size` at a time; the last block may be shorter. Every call starts again. */
  blocks(size: number, first?: number, end?: number): AsyncGenerator<Matrix, void, undefined>
  close(): Promise<void>
}

const PANEL = 2 ** 20 // bytes read at once, unless one row is longer
const MOST_BLOCK = 2 ** 30 // entries
/** Most columns: a file of no rows may claim any width, and what readers allocate for a row must have a bound. */
const MOST_COLS = 2 ** 24

/**
 * Opens the rows of a matrix in a .npy, .npz or .safetensors file of any size, as float32 blocks.
 *
 * A folder, or its `model.safetensors.index.json`, stands for a model in several files, one of which has the tensor.
 *
 * One matrix of an array with more axes is addressed as `kv.npy[layer,head]`, unless a file of just that name exists. One axis
 * is read as n × 1. float16, bfloat16, booleans and integers of up to 16 bits are exact; all other numbers are rounded to the
 * nearest float32.
 *
 * Cost: the header, then buffers of about 1 MiB (or a few rows, where one is longer) and the block itself.
 *
 * @throws Error when the file cannot be opened; TypeError, RangeError when it is malformed or does not hold such a matrix.
 * blocks() throws when the file shrinks, and for entries that are not finite, with row and column
 */
export async function openRows(path: string, options: OpenRowsOptions = {}): Promise<Rows> {
  if (typeof path !== 'string') throw new TypeError(`openRows: path must be a string, got ${typeof path}`)
  const { handle, name, index } = await openAddressed('openRows', await shardOf('openRows', path, options.tensor))
  const complain = (error: unknown) =>
    error instanceof RangeError ? new RangeError(`openRows: ${name}: ${error.message}`, { cause: error }) : error
  let closed = false
  const fill = exactReads(handle, name, () => closed)
  let layout: RowLayout
  try {
    const size = await fileSize(handle)
    layout = await rowLayout(name, size, fill, options, index)
    if (layout.cols > MOST_COLS) throw new RangeError(`a row must have at most 2^24 entries, got ${layout.cols}`)
  } catch (error) {
    await handle.close()
    throw complain(error)
  }
  const { rows, cols } = layout
  const finite = options.finite ?? true

  const close = async () => {
    if (closed) return
    closed = true
    await handle.close()
  }
  async function* blocks(size: number, begin = 0, end = rows): AsyncGenerator<Matrix, void, undefined> {
    checkInteger('openRows', 'size', size, 1)
    checkInteger('openRows', 'end', end, 0, rows)
    checkInteger('openRows', 'first', begin, 0, end)
    const most = Math.min(size, rows)
    if (most * cols > MOST_BLOCK) {
      throw new RangeError(`openRows: ${name}: a block must have at most 2^30 entries, got ${most} x ${cols}`)
    }
    if (begin === end) return
    const reader = layout.reader()
    const panels = panelReader(layout, reader.fill)
    try {
      for (let first = begin; first < end; first += size) {
        const count = Math.min(size, end - first)
        const data = new Float32Array(count * cols)
        await panels(first, data)
        if (finite) checkFiniteRows(data, cols, first)
        yield { rows: count, cols, data }
      }
    } catch (error) {
      throw complain(error)
    } finally {
      await reader.close()
    }
  }
  return { rows, cols, shape: layout.shape, dtype: layout.element, blocks, close, [Symbol.asyncDispose]: close }
}

/** Makes a function that copies rows first … into `out`, in order, from panels of whole rows, which are read ahead into buffers that stay between calls. */
function panelReader(layout: RowLayout, fill: Fill): (first: number, out: Float32Array) => Promise<void> {
  const { rows, cols, element, bigEndian, begin, rowStride, colStride } = layout
  const width = elementBytes[element]
  const contiguous = colStride === 1 && rowStride === cols
  // One column of a panel spans (height − 1)·rowStride + 1 elements of the file; C order reads all columns in one span.
  const height = Math.max(1, Math.min(rows, Math.floor(PANEL / (4 * Math.max(cols, rowStride)))))
  const span = (count: number) => (contiguous ? count * cols : (count - 1) * rowStride + 1)
  const raw = new Uint8Array(span(height) * width)
  const column = new Float32Array(contiguous ? 0 : span(height))
  const panel = new Float32Array(height * cols)
  let from = 0
  let to = 0 // the panel holds rows from … to − 1

  const floats = async (start: number, count: number, out: Float32Array) => {
    const bytes = await fill('data', begin + start * width, raw.subarray(0, span(count) * width))
    if (bigEndian) swapBytes(bytes, width)
    toFloat32(element, bytes, out)
  }
  const load = async (first: number) => {
    const count = Math.min(height, rows - first)
    if (contiguous) await floats(first * rowStride, count, panel)
    else {
      for (let j = 0; j < cols; j++) {
        await floats(first * rowStride + j * colStride, count, column)
        for (let i = 0; i < count; i++) panel[i * cols + j] = column[i * rowStride]
      }
    }
    from = first
    to = first + count
  }
  return async (first, out) => {
    for (let at = 0; at < out.length;) {
      const row = first + at / cols
      if (row >= to) await load(row)
      const part = panel.subarray((row - from) * cols, (to - from) * cols).subarray(0, out.length - at)
      out.set(part, at)
      at += part.length
    }
  }
}

function checkFiniteRows(data: Float32Array, cols: number, first: number): void {
  for (let i = 0; i < data.length; i++) {
    if (Number.isFinite(data[i])) continue
    const where = `row ${first + Math.floor(i / cols)}, column ${i % cols}`
    throw new RangeError(`data at ${where}: expected a finite float32, found ${data[i]}`)
  }
}
